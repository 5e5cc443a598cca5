/** One order: what was in it, where it went, and every time that it was placed. */
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { graphql } from "../gql";
import type { OrderQuery as Found } from "../gql/graphql";
import { show, times } from "../lib/money";
import { announce } from "../parts/announce";
import { Bones, Failed, Loading, told } from "../parts/asking";
import { Badge, Button, Card, Empty, LOOKS, Note, Picture, Price, Title } from "../parts/basics";
import { Asked } from "../parts/dialog";
import { useCorrecting } from "../parts/outcome";
import { ForPerson } from "../parts/person";
import { Status, When } from "../parts/status";
import { Timeline } from "../parts/timeline";
import { texts } from "../texts";

const OrderQuery = graphql(`
  query Order($id: ID!) {
    order(id: $id) {
      id number status createdAt total { amount currency } allowedActions
      items { productId productName imageUrl quantity unitPrice { amount currency } }
      shippingAddress { country city postCode street houseNumber localNumber }
      shipment { id preparedAt }
      executions {
        id name status startedAt finishedAt
        steps { number type productId at }
        problem { __typename message }
      }
    }
  }
`);

const CancelOrder = graphql(`
  mutation CancelOrder($orderId: ID!) {
    cancelOrder(orderId: $orderId) {
      __typename
      ... on OrderPayload { order { id status allowedActions } }
      ... on Problem { message }
    }
  }
`);

type Order = NonNullable<Found["order"]>;

export function OrderScreen() {
  return (
    <ForPerson>
      <One />
    </ForPerson>
  );
}

function One() {
  const { id } = useParams({ from: "/orders/$id" });
  const [{ data, error }, again] = useQuery({
    query: OrderQuery,
    variables: { id },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) {
    return <Failed error={error} again={() => again({ requestPolicy: "network-only" })} />;
  }
  if (!data) {
    return (
      <Loading>
        <Bones className="h-[32rem]" />
      </Loading>
    );
  }
  const { order } = data;
  if (!order) return <Empty whole title={texts.state.gone} text={texts.state.goneText} />;
  return (
    <>
      <Link to="/orders" search={{}} className={`${LOOKS.quiet} -ml-3`}>
        ← {texts.orders.back}
      </Link>
      <Title after={<Actions order={order} />}>{texts.orders.number(order.number)}</Title>
      <p className="-mt-3 mb-6 flex flex-wrap items-center gap-3 text-soft">
        <Status of={order.status} />
        <When at={order.createdAt} />
      </p>
      <div className="grid items-start gap-6 lg:grid-cols-2">
        <div className="flex flex-col gap-6">
          <Items order={order} />
          <Delivery order={order} />
        </div>
        <Executions order={order} />
      </div>
    </>
  );
}

function Items({ order }: { order: Order }) {
  return (
    <Card flush>
      <h2 className="sr-only">{texts.orders.items}</h2>
      <ul className="divide-y divide-line">
        {order.items.map((item) => (
          <li key={item.productId} className="flex items-center gap-4 p-4">
            <Picture src={item.imageUrl} className="h-20 w-15 rounded-xl" />
            <span className="flex-1">
              <span className="block font-bold">{item.productName}</span>
              <span className="text-soft tabular-nums">
                {texts.orders.quantity(item.quantity)} {show(item.unitPrice)}
              </span>
            </span>
            <Price money={times(item.unitPrice, item.quantity)} className="font-bold" />
          </li>
        ))}
      </ul>
      <p className="flex justify-between border-t border-line p-4 text-xl font-bold">
        <span>{texts.cart.total}</span>
        <Price money={order.total} />
      </p>
    </Card>
  );
}

function Delivery({ order: { shippingAddress: at, shipment } }: { order: Order }) {
  return (
    <Card>
      <h2 className="mb-2 text-xl font-bold">{texts.orders.address}</h2>
      <address className="not-italic">
        {at.street} {at.houseNumber}
        {at.localNumber ? ` / ${at.localNumber}` : ""}
        <br />
        {at.postCode} {at.city}
        <br />
        {at.country}
      </address>
      <p className="mt-4 text-soft">
        {shipment ? (
          <>
            {texts.orders.prepared} <When at={shipment.preparedAt} />
          </>
        ) : (
          texts.orders.notShipped
        )}
      </p>
    </Card>
  );
}

function Executions({ order }: { order: Order }) {
  const names = new Map(order.items.map((item) => [item.productId, item.productName]));
  return (
    <section className="flex flex-col gap-3">
      <h2 className="text-xl font-bold">{texts.orders.executions}</h2>
      {order.executions.length === 0 && <p className="text-soft">{texts.orders.neverPlaced}</p>}
      {order.executions.map((execution, place) => (
        <Card key={execution.id} flush>
          <details open={place === 0}>
            <summary className="flex flex-wrap items-center justify-between gap-3 rounded-3xl p-5 font-semibold">
              <When at={execution.startedAt} />
              <Badge tone={TONES[execution.status]}>
                {texts.orders.execution[execution.status]}
              </Badge>
            </summary>
            <div className="flex flex-col gap-4 px-5 pb-5">
              {execution.problem && <Note tone="bad">{execution.problem.message}</Note>}
              <Timeline steps={execution.steps} names={names} running={!execution.finishedAt} />
              <Link
                to="/executions/$name"
                params={{ name: execution.name }}
                className={`${LOOKS.quiet} self-start`}
              >
                {texts.progress.number(execution.name)}
              </Link>
            </div>
          </details>
        </Card>
      ))}
    </section>
  );
}

const TONES = {
  RUNNING: "warn",
  COMPENSATING: "warn",
  SUCCEEDED: "good",
  FAILED: "bad",
} as const;

function Actions({ order }: { order: Order }) {
  const correct = useCorrecting();
  const [sure, setSure] = useState(false);
  const [problem, setProblem] = useState("");
  const [{ fetching }, cancel] = useMutation(CancelOrder);
  const send = async () => {
    if (fetching) return;
    const { data, error } = await cancel({ orderId: order.id });
    if (error) return setProblem(told(error));
    const answer = data!.cancelOrder;
    if (answer.__typename !== "OrderPayload") return setProblem(answer.message);
    setSure(false);
    announce(texts.orders.cancelled);
  };
  return (
    <div className="flex flex-wrap gap-3">
      {order.allowedActions.includes("CHANGE") && (
        <Button look="strong" onClick={() => correct(order)}>
          {texts.orders.again}
        </Button>
      )}
      {order.allowedActions.includes("CANCEL") && (
        <Button onClick={() => setSure(true)}>{texts.orders.cancel}</Button>
      )}
      <Asked
        title={texts.orders.cancelSure}
        text={texts.orders.cancelText}
        open={sure}
        close={() => setSure(false)}
      >
        <div role="alert">{problem && <Note tone="bad">{problem}</Note>}</div>
        <div className="mt-2 flex flex-wrap justify-end gap-3">
          <Button onClick={() => setSure(false)}>{texts.state.cancel}</Button>
          <Button look="strong" disabled={fetching} onClick={send}>
            {texts.orders.cancel}
          </Button>
        </div>
      </Asked>
    </div>
  );
}
