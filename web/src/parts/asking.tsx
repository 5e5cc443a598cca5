/** The states of everything that is asked of the shop: not here yet, failed, here. */
import type { CombinedError } from "@urql/core";
import type { ReactNode } from "react";
import { texts } from "../texts";
import { Button, Empty } from "./basics";

/** What to tell of an error, in one sentence. */
export function told(error: CombinedError): string {
  const [first] = error.graphQLErrors;
  if (!first) return navigator.onLine ? texts.state.failedText : texts.state.offline;
  const { code, retryAfter } = first.extensions as { code?: string; retryAfter?: number };
  if (code === "RATE_LIMITED") return texts.state.limited(retryAfter ?? 1);
  if (code === "UNAVAILABLE") return texts.state.busy(retryAfter ?? 1);
  return first.message;
}

export function Failed({ error, again }: { error: CombinedError; again: () => void }) {
  return (
    <Empty title={texts.state.failed} text={told(error)}>
      <Button look="strong" onClick={again}>
        {texts.state.again}
      </Button>
    </Empty>
  );
}

/** Grey where something will be, of the size that it will have: nothing jumps when it comes. */
export function Bones({ className = "" }: { className?: string }) {
  return <div aria-hidden className={`animate-breathe rounded-2xl bg-sunk ${className}`} />;
}

export function Loading({ children }: { children: ReactNode }) {
  return (
    <div>
      <p role="status" className="sr-only">
        {texts.state.loading}
      </p>
      {children}
    </div>
  );
}
