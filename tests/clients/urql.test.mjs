// https://nearform.com/open-source/urql/docs

import assert from "node:assert/strict";
import test from "node:test";
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient } from "graphql-ws";
import { buy, HTTP, nameOf, PATIENCE, RESULT, TOKEN, VIEWER, WS } from "./shop.mjs";

const fetchOptions = { headers: { authorization: `Bearer ${TOKEN}` } };
const base = { url: HTTP, fetchOptions, preferGetMethod: false, exchanges: [fetchExchange] };

function overWebsocket() {
  const socket = createClient({ url: WS, connectionParams: { authorization: `Bearer ${TOKEN}` } });
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({
      unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink),
    }),
  });
  return new Client({ ...base, exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription })] });
}

test("a query is answered", { timeout: PATIENCE }, async () => {
  const { data, error } = await new Client(base).query(gql(VIEWER), {});
  assert.equal(error, undefined);
  assert.ok(data.viewer.id);
});

test("an error is told by its code, also where the status is not 200", { timeout: PATIENCE }, async () => {
  const { error } = await new Client(base).query(gql("{ products(first: 101) { totalCount } }"), {});
  assert.equal(error.graphQLErrors[0].extensions.code, "BAD_USER_INPUT");
  const options = { fetchOptions: { headers: { authorization: "Bearer x.y.z" } } };
  const refused = await new Client({ ...base, ...options }).query(gql(VIEWER), {});
  assert.equal(refused.error.graphQLErrors[0].extensions.code, "UNAUTHENTICATED");
  assert.equal(refused.error.response.status, 401);
});

for (const [way, client] of [
  ["a websocket", overWebsocket()],
  ["server-sent events", new Client({ ...base, fetchSubscriptions: true })],
]) {
  test(`an order is followed to its end over ${way}`, { timeout: PATIENCE }, async () => {
    const name = nameOf(way);
    const result = new Promise((resolve) => {
      client.subscription(gql(RESULT), { name }).subscribe(resolve);
    });
    await buy(name);
    const { data, error } = await result;
    assert.equal(error, undefined);
    assert.equal(data.orderResult.status, "COMPLETED");
  });
}

test("a query is sent once, then its hash", { timeout: PATIENCE }, async () => {
  const query = gql(`query Once${Math.random().toString().slice(2)} { products(first: 1) { totalCount } }`);
  const sent = [];
  for (let n = 0; n < 2; n++) {
    const client = new Client({
      ...base,
      exchanges: [persistedExchange({ preferGetForPersistedQueries: false }), fetchExchange],
      fetch: (url, options) => {
        sent.push(options.body ?? url);
        return fetch(url, options);
      },
    });
    const { data, error } = await client.query(query, {});
    assert.equal(error, undefined);
    assert.ok(data.products.totalCount >= 1);
  }
  assert.equal(sent.length, 3);
  assert.equal(sent.filter((body) => body.includes("products(first")).length, 1);
});
