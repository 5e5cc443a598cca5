/** What is known to go wrong with an order before it is sent. */
import type { Line } from "./cart";
import { type Money, same } from "./money";

export type Seen = {
  id: string;
  name: string;
  price: Money;
  available: number;
  discontinued: boolean;
};

export type Concern =
  | { kind: "gone"; line: Line }
  | { kind: "short"; line: Line; available: number }
  | { kind: "price"; line: Line; now: Money };

/** In the order of the lines; those that the shop has said nothing of yet concern nobody. */
export function concernsOf(lines: readonly Line[], products: readonly Seen[]): Concern[] {
  const byId = new Map(products.map((product) => [product.id, product]));
  return lines.flatMap((line): Concern[] => {
    const product = byId.get(line.productId);
    if (!product) return [];
    if (product.discontinued) return [{ kind: "gone", line }];
    const found: Concern[] = [];
    if (product.available < line.quantity)
      found.push({ kind: "short", line, available: product.available });
    if (!same(product.price, line.seen)) found.push({ kind: "price", line, now: product.price });
    return found;
  });
}
