/** Signing in; where it is a demo, one press is enough. */
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { Away, type Refusal, signIn } from "../lib/session";
import { announce } from "../parts/announce";
import { Button, Card, Field, LOOKS, Note, Title } from "../parts/basics";
import { texts } from "../texts";

export type Person = { name: string; email: string; password: string; role: "USER" | "ADMIN" };
export type Door = { people: Person[]; administrators: "NOBODY" | "WITH_CODE" | "ANYBODY" };

/** Whom the shop lets in without being asked; nobody until it has said so. */
export function useDoor(): Door | null {
  const [door, setDoor] = useState<Door | null>(null);
  useEffect(() => {
    fetch("/session/door")
      .then(async (answer) => setDoor((await answer.json()) as Door))
      .catch(() => undefined);
  }, []);
  return door;
}

export function SignIn() {
  const { to } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  return (
    <div className="mx-auto max-w-lg">
      <Title>{texts.signIn.title}</Title>
      <Card>
        <SignInForm after={() => navigate({ href: to?.startsWith("/") && !to.startsWith("//") ? to : "/", replace: true })} />
      </Card>
    </div>
  );
}

/** `after` is done when somebody is signed in; `email` is who it has to be. */
export function SignInForm({ after, email: given }: { after: () => void; email?: string }) {
  const [email, setEmail] = useState(given ?? "");
  const [password, setPassword] = useState("");
  const [problems, setProblems] = useState<{ email?: string; password?: string; all?: string }>({});
  const [unverified, setUnverified] = useState(false);
  const [busy, setBusy] = useState(false);
  const door = useDoor();

  const enter = async (address: string, secret: string, name = address) => {
    if (busy) return;
    setBusy(true);
    setProblems({});
    try {
      const refusal = await signIn(address, secret);
      if (refusal === null) {
        announce(texts.signIn.welcome(name), { quietly: true });
        after();
        return;
      }
      setUnverified(refusal.code === "EMAIL_NOT_VERIFIED");
      setProblems(explain(refusal));
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      setProblems({ all: texts.state.offline });
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const required = texts.signIn.required;
    const missing = { ...(!email.trim() && { email: required }), ...(!password && { password: required }) };
    if (Object.keys(missing).length > 0) setProblems(missing);
    else void enter(email, password);
  };
  return (
    <>
      <form noValidate onSubmit={submit} className="flex flex-col gap-5">
        {problems.all && (
          <div role="alert">
            <Note tone="bad">{problems.all}</Note>
          </div>
        )}
        <Field
          label={texts.signIn.email}
          type="email"
          name="email"
          autoComplete="username"
          value={email}
          readOnly={given !== undefined}
          onChange={(event) => setEmail(event.target.value)}
          problem={problems.email}
        />
        {unverified && (
          <Link to="/verify" search={{ email }} className={`${LOOKS.quiet} -mt-3 self-start`}>
            {texts.signIn.enterCode}
          </Link>
        )}
        <Field
          label={texts.signIn.password}
          type="password"
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          problem={problems.password}
        />
        <Button look="strong" type="submit" disabled={busy}>
          {texts.signIn.submit}
        </Button>
      </form>
      {given === undefined && (
        <div className="mt-4 flex flex-wrap justify-between gap-x-4">
          <Link to="/sign-up" className={LOOKS.quiet}>
            {texts.signIn.create}
          </Link>
          <Link to="/password" search={{}} className={LOOKS.quiet}>
            {texts.signIn.forgotten}
          </Link>
        </div>
      )}
      {given === undefined && door !== null && door.people.length > 0 && (
        <div className="mt-6 border-t border-line pt-5">
          <h2 className="mb-3 font-bold">{texts.signIn.demo}</h2>
          <ul className="grid gap-2 sm:grid-cols-3">
            {door.people.map((person) => (
              <li key={person.email}>
                <Button
                  className="w-full flex-col gap-0 rounded-2xl"
                  disabled={busy}
                  onClick={() => enter(person.email, person.password, person.name)}
                >
                  <span>
                    <span className="sr-only">{texts.signIn.demoPerson} </span>
                    {person.name}
                  </span>
                  <span className="text-sm font-normal text-soft">
                    {person.role === "ADMIN" ? texts.signIn.administrator : texts.signIn.customer}
                  </span>
                </Button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function explain({ code, message, retryAfter }: Refusal) {
  if (code === "RATE_LIMITED") return { all: texts.state.limited(retryAfter ?? 1) };
  if (code === "UNAVAILABLE") return { all: texts.state.busy(retryAfter ?? 1) };
  if (code === "EMAIL_NOT_VERIFIED") return { email: message };
  if (code === "INVALID_CREDENTIALS") return { password: message };
  return { all: message };
}

