/** The few parts that every screen is made of. */
import { Link } from "@tanstack/react-router";
import { type ComponentProps, type ReactNode, useEffect, useId } from "react";
import { type Money, show } from "../lib/money";
import { texts } from "../texts";

const BUTTON =
  "inline-flex min-h-11 items-center justify-center gap-2 rounded-full px-5 py-2 font-semibold transition-colors disabled:cursor-not-allowed disabled:opacity-60";
export const LOOKS = {
  strong: `${BUTTON} bg-accent text-on-accent hover:bg-accent-strong`,
  plain: `${BUTTON} border border-edge bg-card text-ink hover:bg-sunk`,
  quiet: `${BUTTON} px-3 text-ink underline decoration-edge underline-offset-4 hover:decoration-accent`,
} as const;

type Looks = { look?: keyof typeof LOOKS };

export function Button({ look = "plain", className = "", ...rest }: ComponentProps<"button"> & Looks) {
  return <button type="button" {...rest} className={`${LOOKS[look]} ${className}`} />;
}

/** A heading that the page's title follows, and the focus where a screen was changed by keyboard. */
export function Title({ children, after }: { children: string; after?: ReactNode }) {
  useEffect(() => {
    document.title = `${children} · ${texts.shop}`;
  }, [children]);
  return (
    <div className="mb-6 flex flex-wrap items-end justify-between gap-4">
      <h1 className="text-3xl font-black tracking-tight sm:text-4xl">{children}</h1>
      {after}
    </div>
  );
}

const CARDS = {
  plain: "border-line bg-card",
  good: "border-good bg-good-wash",
  bad: "border-bad bg-bad-wash",
} as const;
type CardProps = ComponentProps<"section"> & { tone?: keyof typeof CARDS; flush?: boolean };

/** `flush` is for lists that go from edge to edge. */
export function Card({ tone = "plain", flush = false, className = "", ...rest }: CardProps) {
  const padding = flush ? "overflow-hidden" : "p-5 sm:p-6";
  return (
    <section {...rest} className={`rounded-3xl border ${CARDS[tone]} ${padding} ${className}`} />
  );
}

export function Price({ money, className = "" }: { money: Money; className?: string }) {
  return <span className={`tabular-nums ${className}`}>{show(money)}</span>;
}

export function Picture({ src, className = "" }: { src: string; className?: string }) {
  // The name stands beside it.
  return (
    <img
      src={src}
      alt=""
      loading="lazy"
      decoding="async"
      width={240}
      height={320}
      className={`bg-sunk object-cover ${className}`}
    />
  );
}

type FieldProps = Omit<ComponentProps<"input">, "id"> & {
  label: string;
  problem?: string | undefined;
  hint?: string | undefined;
};

/** A field with its label above, what is wrong with it below, and both said when it is focused. */
export function Field({ label, problem, hint, className = "", ...rest }: FieldProps) {
  const id = useId();
  const about = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div className={`flex flex-col gap-1.5 ${className}`}>
      <label htmlFor={id} className="font-semibold">
        {label}
      </label>
      <input
        {...rest}
        id={id}
        aria-invalid={problem ? true : undefined}
        aria-describedby={about || undefined}
        className="min-h-11 w-full rounded-xl border border-edge bg-paper px-3.5 py-2 text-ink aria-invalid:border-2 aria-invalid:border-bad"
      />
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-soft">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="text-sm font-medium text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

const TONES = {
  good: "bg-good-wash text-good",
  bad: "bg-bad-wash text-bad",
  warn: "bg-warn-wash text-warn",
  plain: "bg-sunk text-ink",
} as const;
export type Tone = keyof typeof TONES;

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span
      className={`inline-block rounded-full px-3 py-1 text-sm font-semibold whitespace-nowrap ${TONES[tone]}`}
    >
      {children}
    </span>
  );
}

export function Note({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <div className={`flex flex-wrap items-center gap-3 rounded-2xl px-4 py-3 ${TONES[tone]}`}>
      {children}
    </div>
  );
}

type EmptyProps = { title: string; text?: string; whole?: boolean; children?: ReactNode };

/** Nothing here, and what to do about it; `whole` where the screen is nothing else. */
export function Empty({ title, text, whole = false, children }: EmptyProps) {
  const Heading = whole ? "h1" : "h2";
  return (
    <div className="flex flex-col items-center gap-4 rounded-3xl border border-dashed border-edge px-6 py-16 text-center">
      <Board />
      <Heading className="text-xl font-bold">{title}</Heading>
      {text && <p className="max-w-md text-soft">{text}</p>}
      {children ?? (
        <Link to="/" className={LOOKS.strong}>
          {texts.state.toProducts}
        </Link>
      )}
    </div>
  );
}

/** A board, drawn with a few lines. */
export function Board({ className = "h-10 w-24 text-edge" }: { className?: string }) {
  return (
    <svg viewBox="0 0 96 40" className={className} aria-hidden fill="none" stroke="currentColor">
      <path d="M4 8q6 10 16 10h56q10 0 16-10" strokeWidth="5" strokeLinecap="round" />
      <circle cx="28" cy="29" r="6" strokeWidth="4" />
      <circle cx="68" cy="29" r="6" strokeWidth="4" />
    </svg>
  );
}
