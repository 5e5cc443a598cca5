/** How an execution ended, in words, and what can be done about it. */
import { Link, useNavigate } from "@tanstack/react-router";
import { missing as missingTo, show } from "../lib/money";
import type { Execution } from "../screens/progress";
import { texts } from "../texts";
import { Board, Button, Card, LOOKS } from "./basics";
import { DepositMissing } from "./deposit";
import { refill } from "./restored";
import type { Step } from "./timeline";

export function Outcome({ execution, steps }: { execution: Execution | null; steps: readonly Step[] }) {
  const last = steps.at(-1)?.type;
  if (last === "SUCCEEDED" && execution) return <Completed execution={execution} />;
  if (last === "FAILED" && execution?.problem) return <Refused execution={execution} />;
  const undoing = steps.some(({ type }) => type.endsWith("_REFUSED"));
  return (
    <Card aria-live="polite" className="flex flex-wrap items-center gap-5">
      <Board className="animate-breathe h-12 w-28 text-accent" />
      <div className="flex-1">
        <h2 className="text-2xl font-bold">
          {undoing ? texts.progress.undoing : texts.progress.running}
        </h2>
        <p className="text-soft">{texts.progress.keep}</p>
      </div>
    </Card>
  );
}

function Completed({ execution: { order } }: { execution: Execution }) {
  return (
    <Card role="status" tone="good" className="animate-arrive">
      <h2 className="text-2xl font-bold text-good">{texts.progress.completed}</h2>
      <p className="mt-1">{texts.progress.completedText(show(order.total))}</p>
      <div className="mt-5 flex flex-wrap gap-3">
        <Link to="/" className={LOOKS.strong}>
          {texts.progress.on}
        </Link>
        <Link to="/orders/$id" params={{ id: order.id }} className={LOOKS.plain}>
          {texts.progress.order}
        </Link>
      </div>
    </Card>
  );
}

function Refused({ execution }: { execution: Execution }) {
  const correct = useCorrecting();
  const problem = execution.problem!;
  return (
    <Card role="status" tone="bad" className="animate-arrive">
      <h2 className="text-2xl font-bold text-bad">{texts.progress.failed}</h2>
      <p className="mt-1">{texts.progress.failedText}</p>
      <div className="mt-4 flex flex-col gap-1 font-medium">
        <Why problem={problem} />
      </div>
      <div className="mt-5 flex flex-wrap gap-3">
        {problem.__typename === "InsufficientFundsProblem" && (
          <DepositMissing
            missing={missingTo(problem.balance, problem.required)}
            after={() => correct(execution.order)}
          />
        )}
        <Button look="strong" onClick={() => correct(execution.order)}>
          {texts.progress.correct}
        </Button>
        <Link to="/orders/$id" params={{ id: execution.order.id }} className={LOOKS.plain}>
          {texts.progress.order}
        </Link>
      </div>
    </Card>
  );
}

function Why({ problem }: { problem: NonNullable<Execution["problem"]> }) {
  switch (problem.__typename) {
    case "ProductsUnavailableProblem":
      return (
        <ul>
          {problem.products.map(({ productId, name, requested, available }) => (
            <li key={productId}>{texts.progress.short(name, requested, available)}</li>
          ))}
        </ul>
      );
    case "WrongOrderPriceProblem":
      return (
        <Amounts
          rows={[
            [texts.progress.shown, show(problem.provided)],
            [texts.progress.calculated, show(problem.calculated)],
          ]}
        />
      );
    case "InsufficientFundsProblem":
      return (
        <Amounts
          rows={[
            [texts.progress.balance, show(problem.balance)],
            [texts.progress.needed, show(problem.required)],
          ]}
        />
      );
    default:
      return <p>{problem.message}</p>;
  }
}

function Amounts({ rows }: { rows: [string, string][] }) {
  return (
    <dl className="grid w-fit grid-cols-2 gap-x-6">
      {rows.map(([name, amount]) => (
        <div key={name} className="contents">
          <dt>{name}</dt>
          <dd className="text-right tabular-nums">{amount}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Puts the order into the cart again, where what has changed since is shown. */
export function useCorrecting() {
  const navigate = useNavigate();
  return (order: Parameters<typeof refill>[0]) => {
    refill(order);
    void navigate({ to: "/cart" });
  };
}
