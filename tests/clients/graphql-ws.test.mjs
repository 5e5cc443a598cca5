// https://the-guild.dev/graphql/ws/docs

import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "graphql-ws";
import { buy, nameOf, PATIENCE, RESULT, TOKEN, VIEWER, WS } from "./shop.mjs";

const first = async (results) => {
  for await (const result of results) return result;
};

for (const [place, connectionParams] of Object.entries({
  authorization: { authorization: `Bearer ${TOKEN}` },
  Authorization: { Authorization: `Bearer ${TOKEN}` },
  authToken: { authToken: TOKEN },
  "headers.authorization": { headers: { authorization: `Bearer ${TOKEN}` } },
  token: () => ({ token: TOKEN }),
})) {
  test(`the token may stand in ${place}`, { timeout: PATIENCE }, async () => {
    const client = createClient({ url: WS, connectionParams });
    const { data } = await first(client.iterate({ query: VIEWER }));
    assert.ok(data.viewer.id);
    await client.dispose();
  });
}

test("an order is followed to its end", { timeout: PATIENCE }, async () => {
  const client = createClient({ url: WS, connectionParams: { authorization: `Bearer ${TOKEN}` } });
  const name = nameOf("graphql-ws");
  const results = client.iterate({ query: RESULT, variables: { name } });
  await buy(name);
  const { value } = await results.next();
  assert.equal(value.data.orderResult.status, "COMPLETED");
  assert.ok((await results.next()).done);
  await client.dispose();
});

test("a token that is not valid is told, and a new one is asked for", { timeout: PATIENCE }, async () => {
  const closed = [];
  const tokens = ["x.y.z", TOKEN];
  const client = createClient({
    url: WS,
    connectionParams: () => ({ authorization: `Bearer ${tokens.shift()}` }),
    retryWait: async () => {},
    on: { closed: ({ code, reason }) => closed.push([code, reason]) },
  });
  const { data } = await first(client.iterate({ query: VIEWER }));
  assert.ok(data.viewer.id);
  assert.deepEqual(closed, [[4403, "The access token is not valid."]]);
  await client.dispose();
});

test("a connection too many is tried again, and gets its turn", { timeout: PATIENCE }, async () => {
  const connectionParams = { authorization: `Bearer ${process.env.SHOP_OTHER_TOKEN}` };
  const open = [];
  for (let n = 0; n < 20; n++) {
    const client = createClient({ url: WS, lazy: false, connectionParams });
    await new Promise((resolve) => client.on("connected", resolve));
    open.push(client);
  }
  const closed = [];
  const late = createClient({
    url: WS,
    connectionParams,
    retryWait: async () => {
      await open.pop().dispose();
      await new Promise((resolve) => setTimeout(resolve, 200));
    },
    on: { closed: ({ code }) => closed.push(code) },
  });
  const { data } = await first(late.iterate({ query: VIEWER }));
  assert.ok(data.viewer.id);
  assert.equal(closed[0], 1013);
  await Promise.all([late, ...open].map((client) => client.dispose()));
});
