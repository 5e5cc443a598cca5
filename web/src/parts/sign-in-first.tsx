/** What is shown of something that has an owner to who is not signed in. */
import { Link, useRouterState } from "@tanstack/react-router";
import { texts } from "../texts";
import { Empty, LOOKS } from "./basics";

export function SignInFirst({ whole = true }: { whole?: boolean }) {
  const to = useRouterState({ select: (state) => state.location.href });
  return (
    <Empty whole={whole} title={texts.state.signInFirst} text={texts.state.signInFirstText}>
      <Link to="/sign-in" search={{ to }} className={LOOKS.strong}>
        {texts.nav.signIn}
      </Link>
    </Empty>
  );
}
