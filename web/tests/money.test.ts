import { expect, test } from "vitest";
import { missing, same, show, sum, times, typed } from "../src/lib/money";

const usd = (amount: string) => ({ amount, currency: "USD" });
const jpy = (amount: string) => ({ amount, currency: "JPY" });

test("amounts are exact where floats are not", () => {
  expect(sum([usd("0.10"), usd("0.20")], "USD")).toEqual(usd("0.30"));
  expect(times(usd("1.1"), 3)).toEqual(usd("3.30"));
  expect(times(usd("90071992547409.93"), 100)).toEqual(usd("9007199254740993.00"));
});

test("a currency has the digits that it has", () => {
  expect(times(jpy("120"), 2)).toEqual(jpy("240"));
  expect(typed("12.5", "JPY")).toBeNull();
});

test("nothing together is zero", () => {
  expect(sum([], "USD")).toEqual(usd("0.00"));
});

test("what is missing is never less than nothing", () => {
  expect(missing(usd("10.00"), usd("12.50"))).toEqual(usd("2.50"));
  expect(missing(usd("12.50"), usd("10.00"))).toEqual(usd("0.00"));
});

test("the same amount is the same however it is written", () => {
  expect(same(usd("1"), usd("1.00"))).toBe(true);
  expect(same(usd("1"), jpy("1"))).toBe(false);
});

test.each([
  ["12", "12"],
  [" 12,50 ", "12.50"],
  ["12.", "12"],
  ["12.505", null],
  ["-1", null],
  ["1e3", null],
  ["", null],
  ["1,000.00", null],
])("typed %j is %j", (text, amount) => {
  expect(typed(text, "USD")).toBe(amount);
});

test("long amounts are shown whole", () => {
  expect(show(usd("9007199254740993.00"), "en-US")).toBe("$9,007,199,254,740,993.00");
  expect(show(usd("-0.50"), "en-US")).toBe("-$0.50");
});
