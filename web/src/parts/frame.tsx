/** Around every screen: the way to the others, the balance, and whether the shop can be heard. */
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef } from "react";
import { useQuery, useSubscription } from "urql";
import { graphql } from "../gql";
import { cart, count } from "../lib/cart";
import { connection } from "../lib/client";
import { session, signOut } from "../lib/session";
import { useStore } from "../lib/store";
import { texts } from "../texts";
import { Announcements, announce } from "./announce";
import { Board, LOOKS, Price } from "./basics";
import { useRestored } from "./restored";

const SessionEnded = lazy(() => import("./session-ended"));

export const ViewerQuery = graphql(`
  query Viewer {
    viewer { id name email role account { id balance { amount currency } } }
  }
`);

const AccountChanged = graphql(`
  subscription AccountChanged { accountChanged { id balance { amount currency } } }
`);

/** Who is signed in, as the shop knows them; null until it is known. */
export function useViewer() {
  const now = useStore(session);
  const [{ data }] = useQuery({ query: ViewerQuery, pause: now.state !== "somebody" });
  return now.state === "somebody" || now.state === "ended" ? (data?.viewer ?? null) : null;
}

const TAB =
  "rounded-full px-3 py-2 font-semibold hover:bg-sunk aria-[current=page]:bg-ink aria-[current=page]:text-paper";

export function Frame() {
  const now = useStore(session);
  const viewer = useViewer();
  useRestored(now.state === "somebody" ? viewer?.id : undefined);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(path);
  useEffect(() => {
    // Whoever came here by keyboard goes on from the top of what is new.
    if (first.current !== path) main.current?.focus({ preventScroll: true });
    first.current = path;
  }, [path]);
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="absolute -top-20 left-4 z-40 rounded-full bg-ink px-5 py-3 font-semibold text-paper focus:top-4"
      >
        {texts.skip}
      </a>
      <Header />
      <Heard />
      <main
        ref={main}
        id="content"
        tabIndex={-1}
        className="mx-auto w-full max-w-[100rem] flex-1 px-4 py-8 outline-none sm:px-8"
      >
        <Outlet />
      </main>
      <Announcements />
      {now.state === "ended" && viewer && (
        <Suspense>
          <SessionEnded email={viewer.email} />
        </Suspense>
      )}
    </div>
  );
}

function Header() {
  const now = useStore(session);
  const { lines } = useStore(cart);
  const viewer = useViewer();
  const navigate = useNavigate();
  const items = count(lines);
  const leave = async () => {
    await signOut();
    announce(texts.signIn.bye);
    await navigate({ to: "/" });
  };
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-paper">
      <div className="mx-auto flex max-w-[100rem] flex-wrap items-center gap-x-2 gap-y-1 px-4 py-3 sm:px-8">
        <Link to="/" aria-label={texts.home} className="mr-2 flex items-center gap-2 text-xl font-black">
          <Board className="h-6 w-14 text-accent" />
          <span aria-hidden>{texts.shop}</span>
        </Link>
        <nav aria-label={texts.nav.label} className="order-last flex w-full flex-wrap items-center gap-1 text-sm md:order-none md:w-auto md:flex-1 md:text-base">
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }} className={TAB}>
            {texts.nav.products}
          </Link>
          {now.state === "somebody" && (
            <>
              <Link to="/orders" search={{}} activeOptions={{ includeSearch: false }} className={TAB}>
                {texts.nav.orders}
              </Link>
              <Link to="/account" className={TAB}>
                {texts.nav.account}
              </Link>
              {now.role === "ADMIN" && (
                <Link to="/manage" className={TAB}>
                  {texts.nav.manage}
                </Link>
              )}
            </>
          )}
        </nav>
        <div className="ml-auto flex items-center gap-2">
          {viewer?.account && (
            <span className="hidden font-semibold sm:inline">
              <span className="sr-only">{texts.nav.balance} </span>
              <Price money={viewer.account.balance} />
            </span>
          )}
          <Link to="/cart" className={`${TAB} flex items-center gap-2`}>
            <span className="sr-only">{texts.nav.inCart(items)}</span>
            <span aria-hidden>{texts.nav.cart}</span>
            <span
              aria-hidden
              className="min-w-6 rounded-full bg-accent px-1.5 text-center text-sm leading-6 text-on-accent tabular-nums"
            >
              {items}
            </span>
          </Link>
          {now.state === "somebody" || now.state === "ended" ? (
            <button type="button" onClick={leave} className={TAB}>
              {texts.nav.signOut}
            </button>
          ) : (
            <Link to="/sign-in" search={{}} className={`${LOOKS.strong} min-h-10 px-4`}>
              {texts.nav.signIn}
            </Link>
          )}
        </div>
      </div>
      {viewer?.account && <Following key={viewer.id} />}
    </header>
  );
}

/** Keeps the balance as it is. */
function Following() {
  useSubscription({ query: AccountChanged });
  return null;
}

function Heard() {
  const state = useStore(connection);
  const before = useRef(state);
  useEffect(() => {
    if (before.current === "lost" && state !== "lost") announce(texts.connection.back);
    before.current = state;
  }, [state]);
  if (state !== "lost") return null;
  return (
    <p role="alert" className="bg-warn-wash px-4 py-2 text-center font-semibold text-warn">
      {texts.connection.lost}
    </p>
  );
}
