/**
 * Who is signed in. The access token is kept in memory, the refresh token in a cookie that no
 * script can read; all tabs share that, so they refresh one at a time and tell each other.
 */
import { Store } from "./store";

export type Session =
  | { state: "unknown" }
  | { state: "nobody" }
  /** It ended by itself, or elsewhere: whoever was signed in may have typed something. */
  | { state: "ended"; userId: string }
  | { state: "somebody"; userId: string; role: "USER" | "ADMIN"; token: string; expires: number };

export type Refusal = { code: string; message: string; retryAfter?: number };

const KNOWN = "shop.signed-in"; // whether it is worth asking at the start
const EARLY = 30_000; // milliseconds before its end that a token is not used any more

export const session = new Store<Session>({ state: "unknown" });
const tabs = new BroadcastChannel("shop.session");

export class Away extends Error {}

/** Begin with what the cookie says, if there may be one. */
export async function begin(): Promise<void> {
  if (localStorage.getItem(KNOWN) === null) session.set({ state: "nobody" });
  else await refresh().catch(() => session.set({ state: "nobody" }));
}

export async function signIn(email: string, password: string): Promise<Refusal | null> {
  const answer = await ask("/session", { email, password });
  const body: unknown = await answer.json();
  if (!answer.ok) return body as Refusal;
  take(body as Tokens);
  tabs.postMessage("in");
  return null;
}

export async function signOut(): Promise<void> {
  leave({ state: "nobody" });
  tabs.postMessage("out");
  await ask("/session/end", {}).catch(() => undefined);
}

/** A token that is good for a while; null where nobody is signed in any more. Throws Away. */
export async function token(): Promise<string | null> {
  const now = session.get();
  if (now.state !== "somebody") return null;
  if (fresh(now)) return now.token;
  await refresh();
  const then = session.get();
  return then.state === "somebody" ? then.token : null;
}

export function fresh(now: { expires: number }): boolean {
  return Date.now() < now.expires - EARLY;
}

let running: Promise<void> | null = null;

/** Ask for the next token; whoever asks meanwhile waits for the same answer. Throws Away. */
export function refresh(): Promise<void> {
  running ??= alone(renew).finally(() => {
    running = null;
  });
  return running;
}

async function renew(): Promise<void> {
  const answer = await ask("/session/refresh", {});
  if (answer.status === 200) {
    take((await answer.json()) as Tokens);
    return;
  }
  if (answer.status !== 204 && answer.status !== 401) throw new Away();
  const before = session.get();
  leave(
    before.state === "somebody" ? { state: "ended", userId: before.userId } : { state: "nobody" },
  );
}

type Tokens = { accessToken: string; accessTokenExpiresAt: string };

function take({ accessToken, accessTokenExpiresAt }: Tokens): void {
  const claims = claimsOf(accessToken);
  localStorage.setItem(KNOWN, "yes");
  session.set({
    state: "somebody",
    userId: claims.sub,
    role: claims.role,
    token: accessToken,
    expires: Date.parse(accessTokenExpiresAt),
  });
}

function leave(next: Session): void {
  localStorage.removeItem(KNOWN);
  session.set(next);
}

export function claimsOf(jwt: string): { sub: string; role: "USER" | "ADMIN" } {
  const payload = jwt.split(".")[1] ?? "";
  return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
}

async function ask(path: string, body: object): Promise<Response> {
  try {
    return await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Away();
  }
}

/** No two tabs at once: a refresh token is good for one use. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks ? navigator.locks.request("shop.session", work) : work();
}

tabs.addEventListener("message", ({ data }: MessageEvent<"in" | "out">) => {
  if (data === "out") session.set({ state: "nobody" });
  else void refresh().catch(() => undefined);
});
