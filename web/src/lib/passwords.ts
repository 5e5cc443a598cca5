/** How long a password should be. Whether it is easily guessed the shop says, who knows the rule. */

export const LENGTHS = { enough: 10, good: 16 }; // characters

/** 0: refused for its length; 1: taken if nobody guesses it; 2: long enough for most. */
export function strengthOf(password: string): 0 | 1 | 2 {
  if (password.length < LENGTHS.enough) return 0;
  const varied = new Set(password).size >= 6;
  return password.length >= LENGTHS.good && varied ? 2 : 1;
}
