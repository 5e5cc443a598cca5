/** Over whatever somebody was doing when their session ended: it is still there afterwards. */
import { session } from "../lib/session";
import { useStore } from "../lib/store";
import { SignInForm } from "../screens/sign-in";
import { texts } from "../texts";
import { Asked } from "./dialog";

export default function SessionEnded({ email }: { email: string }) {
  const now = useStore(session);
  return (
    <Asked
      title={texts.state.ended}
      text={texts.state.endedText}
      open={now.state === "ended"}
      close={() => session.set({ state: "nobody" })}
    >
      <SignInForm email={email} after={() => undefined} />
    </Asked>
  );
}
