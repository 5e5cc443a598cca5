/** How many of a product are in the cart, changed in place. */
import { type Line, MOST, put } from "../lib/cart";
import { texts } from "../texts";
import { announce } from "./announce";

const ROUND =
  "grid size-11 place-items-center rounded-full text-xl font-bold hover:bg-line disabled:cursor-not-allowed disabled:opacity-40";

export function Quantity({ line, most }: { line: Line; most: number }) {
  const set = (quantity: number) => {
    put({ ...line, quantity });
    announce(
      quantity > 0 ? texts.products.added(line.name, quantity) : texts.products.removed(line.name),
      { quietly: true },
    );
  };
  return (
    <div className="flex items-center justify-between rounded-full bg-sunk">
      <button
        type="button"
        className={ROUND}
        aria-label={line.quantity > 1 ? texts.products.lessOf(line.name) : texts.products.removeOf(line.name)}
        onClick={() => set(line.quantity - 1)}
      >
        −
      </button>
      <input
        inputMode="numeric"
        aria-label={texts.products.quantityOf(line.name)}
        value={line.quantity}
        onFocus={(event) => event.target.select()}
        onChange={(event) => {
          const wanted = Number(event.target.value.replace(/\D/g, ""));
          if (wanted > 0) set(Math.min(wanted, MOST));
        }}
        className="h-11 w-10 bg-transparent text-center font-bold tabular-nums"
      />
      <button
        type="button"
        className={ROUND}
        disabled={line.quantity >= most}
        aria-label={texts.products.oneOf(line.name)}
        onClick={() => set(line.quantity + 1)}
      >
        +
      </button>
    </div>
  );
}
