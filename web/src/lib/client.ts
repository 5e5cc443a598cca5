/** The GraphQL client: one for each person, so that nothing of one is shown to another. */
import { Client, fetchExchange, mapExchange, subscriptionExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { type Cache, cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { createClient as createSocket } from "graphql-ws";
import { fresh, refresh, session, token } from "./session";
import { Store } from "./store";

/** Whether the shop can be heard: what is shown is live only then. */
export const connection = new Store<"quiet" | "open" | "lost">("quiet");

const EMBEDDED = ["Money", "Address", "Shipment", "OrderItem", "Stock", "ExecutionStep"];
const PROBLEMS = [
  "ValidationProblem",
  "FieldProblem",
  "NotFoundProblem",
  "ConflictProblem",
  "ProductsUnavailableProblem",
  "UnavailableProduct",
  "WrongOrderPriceProblem",
  "InsufficientFundsProblem",
  "AuthenticationProblem",
  "ProcessingFailedProblem",
];
const PAYLOADS = ["OrderResult", "ProductConnection", "OrderConnection", "TransactionConnection"];

function cache() {
  return cacheExchange({
    keys: Object.fromEntries([...EMBEDDED, ...PROBLEMS, ...PAYLOADS].map((t) => [t, () => null])),
    resolvers: {
      Query: {
        products: relayPagination(),
        orders: relayPagination(),
      },
      Account: { transactions: relayPagination() },
    },
    updates: {
      Mutation: {
        deposit: changesAccount,
        withdraw: changesAccount,
        createOrder: changesOrders,
        placeOrder: changesOrders,
        cancelOrder: changesOrders,
        createProducts: (_result, _args, cache) => cache.invalidate("Query", "products"),
      },
      Subscription: {
        orderResult: changesOrders,
        accountChanged: (result, _args, cache) => forget(cache, result.accountChanged),
      },
    },
  });
}

/** New transactions came at the top: pages that were read are no longer the list. */
function forget(cache: Cache, account: unknown): void {
  for (const field of cache.inspectFields(account as never)) {
    if (field.fieldName === "transactions") cache.invalidate(account as never, field.fieldKey);
  }
}

function changesAccount(result: object, _args: object, cache: Cache): void {
  for (const payload of Object.values(result)) forget(cache, payload?.account ?? null);
}

function changesOrders(_result: object, _args: object, cache: Cache): void {
  for (const field of cache.inspectFields("Query")) {
    if (field.fieldName === "orders") cache.invalidate("Query", field.fieldKey);
  }
}

function socketOf() {
  const address = new URL("/graphql", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return createSocket({
    url: address.href,
    connectionParams: async () => {
      const bearer = await token();
      return bearer ? { authorization: `Bearer ${bearer}` } : {};
    },
    // A laptop that was asleep for a night comes back too.
    retryAttempts: Infinity,
    retryWait: (retries) => wait(Math.min(8_000, 250 * 2 ** retries) * (0.5 + Math.random() / 2)),
    shouldRetry: () => true,
    keepAlive: 12_000,
    on: {
      connected: () => connection.set("open"),
      closed: (event) => {
        const intended = (event as CloseEvent).code === 1000;
        connection.set(intended ? "quiet" : "lost");
      },
    },
  });
}

/** Until the time is over, or the browser says that there is a network again. */
function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
  });
}

export function newClient(): Client & { close(): void } {
  const socket = socketOf();
  const client = new Client({
    url: "/graphql",
    preferGetMethod: false,
    exchanges: [
      mapExchange({
        onResult: (result) => {
          if (result.operation.kind !== "teardown" && !result.error) sayHeard();
        },
      }),
      cache(),
      authExchange(async (utils) => ({
        addAuthToOperation: (operation) => {
          const now = session.get();
          if (now.state !== "somebody") return operation;
          return utils.appendHeaders(operation, { Authorization: `Bearer ${now.token}` });
        },
        willAuthError: () => {
          const now = session.get();
          return now.state === "somebody" && !fresh(now);
        },
        didAuthError: (error) =>
          session.get().state === "somebody" &&
          error.graphQLErrors.some((each) => each.extensions.code === "UNAUTHENTICATED"),
        refreshAuth: () => refresh().catch(() => undefined),
      })),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink),
          }),
        }),
      }),
    ],
  });
  return Object.assign(client, { close: () => void socket.dispose() });
}

function sayHeard(): void {
  if (connection.get() === "lost" && navigator.onLine) connection.set("quiet");
}
