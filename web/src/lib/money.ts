/** Exact amounts: decimal text as the API has it, calculated in whole numbers. */

export type Money = { amount: string; currency: string };

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** How many digits the currency has behind the point. */
export function digitsOf(currency: string): number {
  const options = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return options.maximumFractionDigits ?? 2;
}

function minor({ amount, currency }: Money): bigint {
  const [, sign = "", whole = "0", part = ""] = DECIMAL.exec(amount) ?? [];
  const digits = digitsOf(currency);
  const value = BigInt(whole + part.padEnd(digits, "0").slice(0, digits));
  return sign ? -value : value;
}

function major(value: bigint, currency: string): Money {
  const digits = digitsOf(currency);
  const sign = value < 0n ? "-" : "";
  const text = (value < 0n ? -value : value).toString().padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  const part = digits ? `.${text.slice(text.length - digits)}` : "";
  return { amount: `${sign}${whole}${part}`, currency };
}

export function times(price: Money, quantity: number): Money {
  return major(minor(price) * BigInt(quantity), price.currency);
}

/** Zero of the currency where there are none. */
export function sum(amounts: readonly Money[], currency: string): Money {
  return major(
    amounts.reduce((total, each) => total + minor(each), 0n),
    currency,
  );
}

/** How much is missing from `has` to `needs`; never less than zero. */
export function missing(has: Money, needs: Money): Money {
  const difference = minor(needs) - minor(has);
  return major(difference > 0n ? difference : 0n, needs.currency);
}

export function same(one: Money, other: Money): boolean {
  return one.currency === other.currency && minor(one) === minor(other);
}

export function show(money: Money, locale?: string): string {
  // Text goes in whole: a number would round what is long.
  const format = new Intl.NumberFormat(locale, { style: "currency", currency: money.currency });
  return format.format(money.amount as Intl.StringNumericLiteral);
}

/** What somebody typed, with a point or a comma, as the API wants it; null where it is no amount. */
export function typed(text: string, currency: string): string | null {
  const plain = text.trim().replace(",", ".");
  const found = /^(\d{1,12})(?:\.(\d*))?$/.exec(plain);
  if (!found || (found[2] ?? "").length > digitsOf(currency)) return null;
  return found[2] ? `${found[1]}.${found[2]}` : found[1]!;
}
