/** A new account: who it is for, and what it starts with. */
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../gql";
import { LENGTHS, strengthOf } from "../lib/passwords";
import { told } from "../parts/asking";
import { Button, Card, Field, LOOKS, Note, Title } from "../parts/basics";
import { texts } from "../texts";
import { useDoor } from "./sign-in";
import { remember } from "./verify";

const SignUpMutation = graphql(`
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) {
      __typename
      ... on SignUpPayload { email }
      ... on ValidationProblem { message fields { path message } }
    }
  }
`);

const EMPTY = { name: "", email: "", password: "", again: "", openingDeposit: "", adminCode: "" };
type Form = typeof EMPTY;
type Problems = { [field in keyof Form]?: string } & { all?: string };

export function SignUp() {
  const [form, setForm] = useState(EMPTY);
  const [admin, setAdmin] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const [{ fetching }, signUp] = useMutation(SignUpMutation);
  const door = useDoor();
  const navigate = useNavigate();
  const field = (name: keyof Form) => ({
    name,
    value: form[name],
    onChange: (event: { target: { value: string } }) =>
      setForm({ ...form, [name]: event.target.value }),
    problem: problems[name],
  });

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = wrongWith(form);
    setProblems(wrong);
    if (Object.keys(wrong).length > 0 || fetching) return;
    const { data, error } = await signUp({
      input: {
        name: form.name,
        email: form.email,
        password: form.password,
        openingDeposit: form.openingDeposit.trim().replace(",", ".") || "0",
        ...(admin && { role: "ADMIN" as const, adminCode: form.adminCode }),
      },
    });
    if (error) return setProblems({ all: told(error) });
    const answer = data!.signUp;
    if (answer.__typename === "ValidationProblem") {
      return setProblems(
        Object.fromEntries(answer.fields.map(({ path, message }) => [path, message])),
      );
    }
    remember(form.email, form.password);
    await navigate({ to: "/verify", search: { email: form.email.trim() } });
  };
  return (
    <div className="mx-auto max-w-lg">
      <Title>{texts.signUp.title}</Title>
      <Card>
        <form noValidate onSubmit={submit} className="flex flex-col gap-5">
          <div role="alert">{problems.all && <Note tone="bad">{problems.all}</Note>}</div>
          <Field label={texts.signUp.name} autoComplete="name" {...field("name")} />
          <Field label={texts.signUp.email} type="email" autoComplete="username" {...field("email")} />
          <Field
            label={texts.signUp.password}
            type="password"
            autoComplete="new-password"
            hint={texts.signUp.rule(LENGTHS.enough)}
            {...field("password")}
          />
          <Strength password={form.password} />
          <Field
            label={texts.signUp.again}
            type="password"
            autoComplete="new-password"
            {...field("again")}
          />
          <Field
            label={texts.signUp.deposit}
            inputMode="decimal"
            placeholder="0"
            hint={texts.signUp.depositHint}
            {...field("openingDeposit")}
          />
          {door !== null && door.administrators !== "NOBODY" && (
            <label className="flex items-center gap-3 font-semibold">
              <input
                type="checkbox"
                checked={admin}
                onChange={(event) => setAdmin(event.target.checked)}
                className="size-5 accent-accent"
              />
              <span>
                {texts.signUp.role}
                <span className="block text-sm font-normal text-soft">{texts.signUp.roleHint}</span>
              </span>
            </label>
          )}
          {admin && door?.administrators === "WITH_CODE" && (
            <Field label={texts.signUp.code} autoComplete="off" {...field("adminCode")} />
          )}
          <Button look="strong" type="submit" disabled={fetching}>
            {texts.signUp.submit}
          </Button>
          <Link to="/sign-in" search={{}} className={LOOKS.quiet}>
            {texts.signUp.have}
          </Link>
        </form>
      </Card>
    </div>
  );
}

function wrongWith(form: Form): Problems {
  const wrong: Problems = {};
  for (const name of ["name", "email", "password", "again"] as const) {
    if (!form[name].trim()) wrong[name] = texts.signIn.required;
  }
  if (!wrong.password && form.password.length < LENGTHS.enough) {
    wrong.password = texts.signUp.short(LENGTHS.enough);
  }
  if (!wrong.again && form.again !== form.password) wrong.again = texts.signUp.differ;
  if (!/^\d*([.,]\d*)?$/.test(form.openingDeposit.trim())) {
    wrong.openingDeposit = texts.signUp.badAmount("12.50");
  }
  return wrong;
}

const COLOURS = ["bg-bad", "bg-warn", "bg-good"];

export function Strength({ password }: { password: string }) {
  const strength = strengthOf(password);
  return (
    <div className="-mt-2 flex items-center gap-3 text-sm text-soft">
      <span className="sr-only">{texts.signUp.strength}:</span>
      <span aria-hidden className="flex flex-1 gap-1">
        {COLOURS.map((colour, place) => (
          <span
            key={colour}
            className={`h-1.5 flex-1 rounded-full ${password && place <= strength ? COLOURS[strength] : "bg-sunk"}`}
          />
        ))}
      </span>
      <span aria-live="polite">{password && texts.signUp.strengths[strength]}</span>
    </div>
  );
}
