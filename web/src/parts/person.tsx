/** Whose screen it is: shown to who is signed in, or else the way there. */
import type { ReactNode } from "react";
import { session } from "../lib/session";
import { useStore } from "../lib/store";
import { texts } from "../texts";
import { Bones, Loading } from "./asking";
import { Empty } from "./basics";
import { SignInFirst } from "./sign-in-first";

type Props = { children: ReactNode; admin?: boolean; titled?: boolean };

/** `titled` where the screen has its heading above this. */
export function ForPerson({ children, admin = false, titled = false }: Props) {
  const now = useStore(session);
  if (now.state === "nobody") return <SignInFirst whole={!titled} />;
  if (now.state === "unknown") {
    return (
      <Loading>
        <Bones className="h-96" />
      </Loading>
    );
  }
  if (admin && now.state === "somebody" && now.role !== "ADMIN") {
    return <Empty whole title={texts.state.adminsOnly} text={texts.state.adminsOnlyText} />;
  }
  return children;
}
