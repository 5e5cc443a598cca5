// Follows orders over graphql-ws, or graphql-sse, and says what comes. It is put to sleep meanwhile.

import { createClient } from "graphql-ws";
import { RESULT, TOKEN, WS } from "./shop.mjs";

const client = createClient({
  url: WS,
  lazy: false,
  retryAttempts: 20,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
  connectionParams: { authorization: `Bearer ${TOKEN}` },
  on: {
    connected: () => console.log("connected"),
    closed: ({ code }) => console.log("closed", code),
  },
});

for await (const { data } of client.iterate({ query: RESULT, variables: { name: process.argv[2] } })) {
  console.log(data.orderResult.status);
}
await client.dispose();
