/** The code from a mail: pasted in any form, and sent again where it does not come. */
import { useEffect, useState } from "react";
import { texts } from "../texts";
import { announce } from "./announce";
import { Button, Field } from "./basics";

export const DIGITS = 6;

/** The digits of what was pasted, if those are six: "Your code: 123 456." will do. */
export function digitsOf(text: string): string | null {
  const digits = text.normalize("NFKC").replace(/\D/g, "");
  return digits.length === DIGITS ? digits : null;
}

type Props = { value: string; change: (text: string) => void; problem?: string | undefined };

export function CodeField({ value, change, problem }: Props) {
  return (
    <Field
      label={texts.code.label}
      hint={texts.code.hint}
      inputMode="numeric"
      autoComplete="one-time-code"
      name="code"
      value={value}
      onChange={(event) => change(event.target.value)}
      problem={problem}
      className="[&_input]:text-2xl [&_input]:font-bold [&_input]:tracking-[0.3em]"
    />
  );
}

const PAUSE = 30; // seconds before another code may be asked for

export function Resend({ send }: { send: () => Promise<string | null> }) {
  const [left, setLeft] = useState(PAUSE);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  const again = async () => {
    setLeft(PAUSE);
    const wrong = await send();
    setProblem(wrong ?? "");
    if (wrong === null) announce(texts.code.resent);
  };
  return (
    <>
      <Button look="quiet" disabled={left > 0} onClick={again}>
        {left > 0 ? texts.code.resendIn(left) : texts.code.resend}
      </Button>
      <p role="alert" className="text-bad">
        {problem}
      </p>
    </>
  );
}
