/** The steps of an execution, one below the other, with the time that each took. */
import type { ExecutionStepType } from "../gql/graphql";
import { between } from "../lib/moments";
import { texts } from "../texts";

export type Step = {
  number: number;
  type: ExecutionStepType;
  productId: string | null;
  at: string;
};

/** After a connection was lost the steps are sent anew: those that are known stay as they are. */
export function withStep(steps: readonly Step[], step: Step): Step[] {
  const others = steps.filter((each) => each.number !== step.number);
  return [...others, step].toSorted((one, other) => one.number - other.number);
}

const DOTS: Record<ExecutionStepType, string> = {
  STARTED: "fill-soft",
  STOCK_RESERVED: "fill-good",
  STOCK_REFUSED: "fill-bad",
  PRICE_REFUSED: "fill-bad",
  PAYMENT_TAKEN: "fill-good",
  PAYMENT_REFUSED: "fill-bad",
  STOCK_RELEASED: "fill-warn",
  SHIPMENT_PREPARED: "fill-good",
  SUCCEEDED: "fill-good",
  CANCELLATION_REQUESTED: "fill-warn",
  FAILED: "fill-bad",
};
const MARKS: Record<ExecutionStepType, string> = {
  STARTED: "M7 12h10",
  STOCK_RESERVED: "M7 12l4 4 6-8",
  STOCK_REFUSED: "M8 8l8 8M16 8l-8 8",
  PRICE_REFUSED: "M8 8l8 8M16 8l-8 8",
  PAYMENT_TAKEN: "M7 12l4 4 6-8",
  PAYMENT_REFUSED: "M8 8l8 8M16 8l-8 8",
  STOCK_RELEASED: "M16.500 8.500a6 6 0 1 0 1.500 4M17 5v4h-4",
  SHIPMENT_PREPARED: "M7 12l4 4 6-8",
  SUCCEEDED: "M7 12l4 4 6-8",
  CANCELLATION_REQUESTED: "M8 8l8 8M16 8l-8 8",
  FAILED: "M8 8l8 8M16 8l-8 8",
};

export function Timeline({
  steps,
  names,
  running,
}: {
  steps: readonly Step[];
  names: Map<string, string>;
  running: boolean;
}) {
  return (
    <ol aria-live="polite" aria-relevant="additions" className="flex flex-col">
      {steps.map((step, place) => (
        <li key={step.number} data-step={step.type} className="animate-arrive relative flex gap-4 pb-5 last:pb-0">
          {(place < steps.length - 1 || running) && (
            <span aria-hidden className="absolute top-7 bottom-[-0.25rem] left-[0.8rem] w-0.5 bg-line" />
          )}
          <svg viewBox="0 0 24 24" aria-hidden className="relative size-7 shrink-0">
            <circle cx="12" cy="12" r="12" className={DOTS[step.type]} />
            <path
              d={MARKS[step.type]}
              fill="none"
              strokeWidth="2.2"
              strokeLinecap="round"
              strokeLinejoin="round"
              className="stroke-card"
            />
          </svg>
          <span className="flex flex-1 flex-wrap items-baseline justify-between gap-x-4">
            <span className="font-semibold">
              {texts.progress.step[step.type](nameOf(step, names))}
            </span>
            <span className="text-sm text-soft tabular-nums">{took(steps, place)}</span>
          </span>
        </li>
      ))}
      {running && (
        <li className="flex gap-4 text-soft">
          <span aria-hidden className="animate-breathe m-1.5 size-4 shrink-0 rounded-full bg-accent" />
          {texts.progress.waiting}
        </li>
      )}
    </ol>
  );
}

function nameOf({ productId }: Step, names: Map<string, string>): string {
  return (productId !== null && names.get(productId)) || texts.progress.product;
}

function took(steps: readonly Step[], place: number): string {
  const before = steps[place - 1];
  const step = steps[place];
  if (!before || !step) return "";
  const format = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
  // What is recorded together happened together.
  const passed = between(before.at, step.at);
  return passed > 0 ? texts.progress.took(format.format(passed)) : texts.progress.atOnce;
}
