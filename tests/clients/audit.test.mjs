// The public audit of GraphQL over HTTP: https://github.com/graphql/graphql-http

import assert from "node:assert/strict";
import test from "node:test";
import { serverAudits } from "graphql-http";
import { HTTP } from "./shop.mjs";

for (const audit of serverAudits({ url: HTTP })) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    if (result.status === "notice") return; // what it MAY do
    assert.equal(result.status, "ok", result.reason);
  });
}
