/** One's orders, newest first; which are shown stands in the address. */
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { graphql } from "../gql";
import type { OrdersQuery as Found, OrderStatus } from "../gql/graphql";
import { Bones, Failed, Loading } from "../parts/asking";
import { Button, Card, Empty, Picture, Price, Title } from "../parts/basics";
import { useViewer } from "../parts/frame";
import { ForPerson } from "../parts/person";
import { Status, STATUSES, When } from "../parts/status";
import { texts } from "../texts";

const OrdersQuery = graphql(`
  query Orders($userId: ID!, $status: [OrderStatus!], $after: String) {
    orders(userId: $userId, status: $status, first: 20, after: $after) {
      nodes {
        id number status createdAt total { amount currency }
        items { productId productName imageUrl quantity }
      }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
`);

const CHOICE =
  "rounded-full border border-edge px-4 py-2 font-semibold hover:bg-sunk aria-[current=page]:border-ink aria-[current=page]:bg-ink aria-[current=page]:text-paper";

export function Orders() {
  return (
    <>
      <Title>{texts.orders.title}</Title>
      <ForPerson titled>
        <nav aria-label={texts.orders.filter} className="mb-6 flex flex-wrap gap-2">
          <Link to="/orders" search={{}} activeOptions={{ exact: true }} className={CHOICE}>
            {texts.orders.all}
          </Link>
          {STATUSES.map((status) => (
            <Link key={status} to="/orders" search={{ status }} className={CHOICE}>
              {texts.orders.status[status]}
            </Link>
          ))}
        </nav>
        <List />
      </ForPerson>
    </>
  );
}

function List() {
  const { status } = useSearch({ from: "/orders" });
  const viewer = useViewer();
  const [after, setAfter] = useState<{ status: OrderStatus | undefined; cursor: string } | null>(null);
  const [{ data, error, fetching }, again] = useQuery({
    query: OrdersQuery,
    variables: {
      userId: viewer?.id ?? "",
      status: status ? [status] : null,
      after: after?.status === status ? (after?.cursor ?? null) : null,
    },
    pause: viewer === null,
    requestPolicy: "cache-and-network",
  });
  if (error && !data) {
    return <Failed error={error} again={() => again({ requestPolicy: "network-only" })} />;
  }
  if (!data) {
    return (
      <Loading>
        <div className="flex flex-col gap-3">
          {[1, 2, 3].map((n) => (
            <Bones key={n} className="h-28" />
          ))}
        </div>
      </Loading>
    );
  }
  const { nodes, pageInfo } = data.orders;
  if (nodes.length === 0) {
    return status ? (
      <Empty title={texts.orders.none} />
    ) : (
      <Empty title={texts.orders.empty} text={texts.orders.emptyText} />
    );
  }
  return (
    <>
      <ul className="flex flex-col gap-3">
        {nodes.map((order) => (
          <li key={order.id}>
            <OrderRow order={order} />
          </li>
        ))}
      </ul>
      {pageInfo.hasNextPage && (
        <div className="mt-6 text-center">
          <Button
            disabled={fetching}
            onClick={() => setAfter({ status, cursor: pageInfo.endCursor ?? "" })}
          >
            {texts.state.more}
          </Button>
        </div>
      )}
    </>
  );
}

const SHOWN = 4; // pictures of an order in the list

function OrderRow({ order }: { order: Found["orders"]["nodes"][number] }) {
  return (
    <Card flush className="transition-colors hover:border-edge">
      <Link
        to="/orders/$id"
        params={{ id: order.id }}
        className="flex flex-wrap items-center gap-x-6 gap-y-3 rounded-3xl p-4 sm:p-5"
      >
        <span className="flex -space-x-4">
          {order.items.slice(0, SHOWN).map((item) => (
            <Picture
              key={item.productId}
              src={item.imageUrl}
              className="h-20 w-15 rounded-xl border-2 border-card"
            />
          ))}
        </span>
        <span className="min-w-40 flex-1">
          <span className="block text-lg font-bold">{texts.orders.number(order.number)}</span>
          <span className="text-soft">
            <When at={order.createdAt} />
          </span>
        </span>
        <Status of={order.status} />
        <Price money={order.total} className="min-w-24 text-right text-lg font-bold" />
      </Link>
    </Card>
  );
}
