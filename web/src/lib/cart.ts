/** The cart: of this browser, the same in all of its tabs, there before anybody signs in. */
import { newId, newName } from "./ids";
import type { Money } from "./money";
import { Store } from "./store";

/** `seen` is the price that the customer has agreed to by looking at it. */
export type Line = { productId: string; name: string; quantity: number; seen: Money };

export type Address = {
  country: string;
  city: string;
  postCode: string;
  street: string;
  houseNumber: string;
  localNumber: string;
};

/** An order that is being sent: the same ids for as long as it is the same order. */
export type Attempt = { of: string; orderId: string; executionName: string };

/** `order` is the one that is being corrected; null where it will be a new one. */
export type Cart = {
  lines: Line[];
  address: Address;
  order: string | null;
  attempt: Attempt | null;
};

export const NOWHERE: Address = {
  country: "",
  city: "",
  postCode: "",
  street: "",
  houseNumber: "",
  localNumber: "",
};
export const MOST = 1_000; // of one product
const KEY = "shop.cart";

function read(): Cart {
  const empty: Cart = { lines: [], address: NOWHERE, order: null, attempt: null };
  try {
    return { ...empty, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Cart>) };
  } catch {
    return empty;
  }
}

export const cart = new Store<Cart>(read());

export function change(changes: Partial<Cart>): void {
  cart.set({ ...cart.get(), ...changes });
  localStorage.setItem(KEY, JSON.stringify(cart.get()));
}

addEventListener("storage", ({ key }) => {
  if (key === KEY || key === null) cart.set(read());
});

/** Puts so many of it into the cart; none takes it out. */
export function put(line: Line): void {
  change({ lines: withLine(cart.get().lines, line) });
}

export function withLine(lines: readonly Line[], line: Line): Line[] {
  const quantity = Math.min(MOST, Math.max(0, Math.trunc(line.quantity)));
  const others = lines.filter((each) => each.productId !== line.productId);
  if (quantity === 0) return others;
  const place = lines.findIndex((each) => each.productId === line.productId);
  return others.toSpliced(place < 0 ? others.length : place, 0, { ...line, quantity });
}

export function count(lines: readonly Line[]): number {
  return lines.reduce((total, line) => total + line.quantity, 0);
}

/** Sent again after a lost answer or a reload it is the same order; after a change another one. */
export function attemptOf(input: object): Attempt {
  const of = JSON.stringify(input);
  const begun = cart.get().attempt;
  if (begun?.of === of) return begun;
  const attempt = { of, orderId: newId(), executionName: newName() };
  change({ attempt });
  return attempt;
}
