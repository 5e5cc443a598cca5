/** Moments as the API has them: with microseconds, which `Date` would drop. */

export function microseconds(moment: string): number {
  const [, part = ""] = /\.(\d+)/.exec(moment) ?? [];
  const whole = Date.parse(moment.replace(/\.\d+/, ""));
  return whole * 1000 + Number(part.padEnd(6, "0").slice(0, 6));
}

/** Milliseconds from one moment to another. */
export function between(from: string, to: string): number {
  return (microseconds(to) - microseconds(from)) / 1000;
}
