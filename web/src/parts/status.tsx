/** The status of an order, in a word. */
import type { OrderStatus } from "../gql/graphql";
import { texts } from "../texts";
import { Badge, type Tone } from "./basics";

export const STATUSES = ["PENDING", "PLACED", "COMPLETED", "FAILED", "CANCELLED"] as const;

const TONES: Record<OrderStatus, Tone> = {
  PENDING: "plain",
  PLACED: "warn",
  COMPLETED: "good",
  FAILED: "bad",
  CANCELLED: "plain",
};

export function Status({ of }: { of: OrderStatus }) {
  return <Badge tone={TONES[of]}>{texts.orders.status[of]}</Badge>;
}

/** When it was, as people here write it. */
export function When({ at }: { at: string }) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return <time dateTime={at}>{format.format(new Date(at))}</time>;
}
