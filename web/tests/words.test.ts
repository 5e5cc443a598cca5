import { expect, test } from "vitest";
import { newId, newName, Once } from "../src/lib/ids";
import { between } from "../src/lib/moments";
import { strengthOf } from "../src/lib/passwords";
import { claimsOf } from "../src/lib/session";
import { digitsOf } from "../src/parts/code";
import { type Step, withStep } from "../src/parts/timeline";
import { languageOf } from "../src/texts";
import { de } from "../src/texts/de";
import { en } from "../src/texts/en";

test("ids are UUIDs, and names can be read out", () => {
  expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newName()).toMatch(/^[2-9a-hj-km-np-z]{12}$/);
});

test("an id stays for as long as its input does, and until it is done", () => {
  const once = new Once();
  const id = once.id({ amount: "1" });
  expect(once.id({ amount: "1" })).toBe(id);
  expect(once.id({ amount: "2" })).not.toBe(id);
  const again = once.id({ amount: "2" });
  once.done();
  expect(once.id({ amount: "2" })).not.toBe(again);
});

test("microseconds are not lost between two moments", () => {
  expect(between("2026-05-01T08:01:00.999900Z", "2026-05-01T08:01:01.000150Z")).toBe(0.25);
  expect(between("2026-05-01T08:01:00Z", "2026-05-01T08:01:00.5Z")).toBe(500);
});

test.each([
  ["123456", "123456"],
  [" 123 456\n", "123456"],
  ["Your code: 123-456.", "123456"],
  ["１２３４５６", "123456"],
  ["12345", null],
  ["1234567", null],
])("of %j the code is %j", (pasted, code) => {
  expect(digitsOf(pasted)).toBe(code);
});

const step = (number: number): Step => ({ number, type: "STARTED", productId: null, at: "" });

test("steps that are sent anew stay where they are", () => {
  const steps = [3, 1, 2, 1].map(step).reduce<Step[]>(withStep, []);
  expect(steps.map(({ number }) => number)).toEqual([1, 2, 3]);
});

test("a token says whose it is", () => {
  const payload = btoa(JSON.stringify({ sub: "me", role: "ADMIN" })).replaceAll("=", "");
  expect(claimsOf(`x.${payload}.y`)).toEqual({ sub: "me", role: "ADMIN" });
});

test("a password is too short, could be longer, or is long enough", () => {
  expect(["short", "long enough", "four old trucks rolling", "aaaaaaaaaaaaaaaaaaaa"].map(strengthOf)).toEqual(
    [0, 1, 2, 1],
  );
});

test("the first language that there is counts", () => {
  expect(languageOf(["fr-FR", "de-AT", "en"])).toBe("de");
  expect(languageOf(["fr"])).toBe("en");
});

test("every text is there in every language", () => {
  const keys = (texts: object): string[] =>
    Object.entries(texts).flatMap(([key, value]) =>
      value && typeof value === "object" ? keys(value).map((each) => `${key}.${each}`) : [key],
    );
  expect(keys(de)).toEqual(keys(en));
});
