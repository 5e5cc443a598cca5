// https://the-guild.dev/graphql/sse, in its "distinct connections mode"

import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "graphql-sse";
import { buy, HTTP, nameOf, PATIENCE, RESULT, TOKEN, VIEWER } from "./shop.mjs";

const client = (options = {}) =>
  createClient({ url: HTTP, headers: { authorization: `Bearer ${TOKEN}` }, ...options });

test("an order is followed to its end", { timeout: PATIENCE }, async () => {
  const name = nameOf("graphql-sse");
  const results = client().iterate({ query: RESULT, variables: { name } });
  const first = results.next();
  await buy(name);
  assert.equal((await first).value.data.orderResult.status, "COMPLETED");
  assert.ok((await results.next()).done);
});

test("a query is answered", { timeout: PATIENCE }, async () => {
  const { value } = await client().iterate({ query: VIEWER }).next();
  assert.ok(value.data.viewer.id);
});

test("what is wrong is told", { timeout: PATIENCE }, async () => {
  const { value } = await client().iterate({ query: "subscription { nothing }" }).next();
  assert.equal(value.errors[0].extensions.code, "BAD_USER_INPUT");
});

test("a stream that is broken off is opened again, with a new token", { timeout: PATIENCE }, async () => {
  const tokens = [process.env.SHOP_SHORT_TOKEN, TOKEN];
  const name = nameOf("broken off");
  const results = client({
    headers: () => ({ authorization: `Bearer ${tokens.shift()}` }),
    retry: async () => {},
  }).iterate({ query: RESULT, variables: { name } });
  const first = results.next();
  while (tokens.length) await new Promise((resolve) => setTimeout(resolve, 50));
  await buy(name);
  assert.equal((await first).value.data.orderResult.status, "COMPLETED");
});
