// https://www.apollographql.com/docs/react

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import { buy, HTTP, nameOf, PATIENCE, RESULT, TOKEN, VIEWER, WS } from "./shop.mjs";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** As its documentation builds one; `token` may be missing, as for who is signed out. */
function client(token, requests = [], persisted = {}) {
  const auth = new SetContextLink(({ headers }) => ({
    headers: { ...headers, authorization: token ? `Bearer ${token}` : "" },
  }));
  const http = new HttpLink({
    uri: HTTP,
    fetch: async (uri, options) => {
      const response = await fetch(uri, options);
      requests.push([options.method, response.status, options.body ?? uri]);
      return response;
    },
  });
  const socket = new GraphQLWsLink(
    createClient({ url: WS, connectionParams: { authorization: `Bearer ${token}` } }),
  );
  return new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      socket,
      ApolloLink.from([auth, new PersistedQueryLink({ sha256, ...persisted }), http]),
    ),
  });
}

test("who is signed in is known", { timeout: PATIENCE }, async () => {
  const { data } = await client(TOKEN).query({ query: gql(VIEWER) });
  assert.ok(data.viewer.id);
});

test("who is signed out sends an empty header, and is nobody", { timeout: PATIENCE }, async () => {
  const { data } = await client(undefined).query({ query: gql(VIEWER) });
  assert.equal(data.viewer, null);
});

test("an order is followed to its end", { timeout: PATIENCE }, async () => {
  const name = nameOf("apollo");
  const apollo = client(TOKEN);
  const result = new Promise((resolve, reject) => {
    apollo
      .subscribe({ query: gql(RESULT), variables: { name } })
      .subscribe({ next: resolve, error: reject });
  });
  await buy(name);
  assert.equal((await result).data.orderResult.status, "COMPLETED");
});

for (const useGETForHashedQueries of [false, true]) {
  test(`a query is sent once, then its hash (GET: ${useGETForHashedQueries})`, { timeout: PATIENCE }, async () => {
    const query = `query Once${Math.random().toString().slice(2)} { products(first: 1) { totalCount } }`;
    const requests = [];
    for (let n = 0; n < 2; n++) {
      const { data } = await client(TOKEN, requests, { useGETForHashedQueries }).query({ query: gql(query) });
      assert.ok(data.products.totalCount >= 1);
    }
    const withQuery = requests.filter(([, , sent]) => sent.includes("products(first"));
    assert.equal(requests.length, 3);
    assert.equal(withQuery.length, 1);
    assert.equal(requests.at(-1)[0], useGETForHashedQueries ? "GET" : "POST");
  });
}

test("an error is told by its code, also where the status is not 200", { timeout: PATIENCE }, async () => {
  const requests = [];
  const query = gql("query { products(first: 101) { totalCount } }");
  for (const [token, code] of [[TOKEN, "BAD_USER_INPUT"], ["x.y.z", "UNAUTHENTICATED"]]) {
    await assert.rejects(client(token, requests).query({ query }), (error) => {
      assert.ok(CombinedGraphQLErrors.is(error), error);
      assert.equal(error.errors[0].extensions.code, code);
      return true;
    });
  }
  assert.equal(requests.at(-1)[1], 401);
});
