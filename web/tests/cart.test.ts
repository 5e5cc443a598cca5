import { beforeEach, expect, test } from "vitest";
import { attemptOf, cart, change, count, type Line, NOWHERE, withLine } from "../src/lib/cart";
import { concernsOf, type Seen } from "../src/lib/checks";

const usd = (amount: string) => ({ amount, currency: "USD" });
const line = (productId: string, quantity = 1, price = "10.00"): Line => ({
  productId,
  name: productId,
  quantity,
  seen: usd(price),
});
const seen = (id: string, changes: Partial<Seen> = {}): Seen => ({
  id,
  name: id,
  price: usd("10.00"),
  available: 5,
  discontinued: false,
  ...changes,
});

beforeEach(() => change({ lines: [], address: NOWHERE, order: null, attempt: null }));

test("a line that is changed keeps its place", () => {
  const lines = withLine([line("a"), line("b"), line("c")], line("b", 3));
  expect(lines.map(({ productId, quantity }) => [productId, quantity])).toEqual([
    ["a", 1],
    ["b", 3],
    ["c", 1],
  ]);
});

test("none of it takes it out, and no more than a thousand fit", () => {
  expect(withLine([line("a")], line("a", 0))).toEqual([]);
  expect(count(withLine([], line("a", 5_000)))).toBe(1_000);
});

test("an order that is sent again is the same one, and a changed one another", () => {
  const first = attemptOf({ items: [line("a")] });
  expect(attemptOf({ items: [line("a")] })).toEqual(first);
  const second = attemptOf({ items: [line("a", 2)] });
  expect(second.orderId).not.toBe(first.orderId);
  expect(second.executionName).not.toBe(first.executionName);
});

test("a reload keeps cart and attempt", () => {
  change({ lines: [line("a", 2)] });
  const attempt = attemptOf({ items: 1 });
  const kept: unknown = JSON.parse(localStorage.getItem("shop.cart") ?? "");
  expect(kept).toMatchObject({ lines: cart.get().lines, attempt });
});

test("what is there at the price that was seen concerns nobody", () => {
  expect(concernsOf([line("a", 5)], [seen("a")])).toEqual([]);
});

test("what is short, gone or dearer is said, both where both are so", () => {
  const lines = [line("a", 6), line("b"), line("c"), line("unknown")];
  const products = [
    seen("a", { price: usd("11.00") }),
    seen("b", { discontinued: true }),
    seen("c", { available: 0 }),
  ];
  expect(concernsOf(lines, products).map(({ kind, line: { name } }) => `${kind} ${name}`)).toEqual([
    "short a",
    "price a",
    "gone b",
    "short c",
  ]);
});
