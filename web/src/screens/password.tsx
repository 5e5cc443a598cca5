/** Another password, for who has forgotten theirs: by a code that is mailed. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../gql";
import { LENGTHS } from "../lib/passwords";
import { announce } from "../parts/announce";
import { told } from "../parts/asking";
import { Button, Card, Field, Note, Title } from "../parts/basics";
import { CodeField, digitsOf, Resend } from "../parts/code";
import { texts } from "../texts";
import { Strength } from "./sign-up";

const RequestReset = graphql(`
  mutation RequestReset($email: String!) { requestPasswordReset(email: $email) { email } }
`);

const ResetPassword = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) {
    resetPassword(input: $input) {
      __typename
      ... on ResetPasswordPayload { email }
      ... on AuthenticationProblem { message }
      ... on ValidationProblem { message fields { path message } }
    }
  }
`);

export function Password() {
  const { email } = useSearch({ from: "/password" });
  return (
    <div className="mx-auto max-w-lg">
      <Title>{email ? texts.code.title : texts.reset.title}</Title>
      <Card>{email ? <Reset email={email} /> : <Ask />}</Card>
    </div>
  );
}

function Ask() {
  const [email, setEmail] = useState("");
  const [problem, setProblem] = useState<string>();
  const [{ fetching }, request] = useMutation(RequestReset);
  const navigate = useNavigate();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!email.trim()) return setProblem(texts.signIn.required);
    if (fetching) return;
    const { error } = await request({ email });
    if (error) return setProblem(told(error));
    await navigate({ to: "/password", search: { email: email.trim() } });
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-5">
      <p>{texts.reset.text}</p>
      <Field
        label={texts.signIn.email}
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        problem={problem}
      />
      <Button look="strong" type="submit" disabled={fetching}>
        {texts.reset.send}
      </Button>
    </form>
  );
}

function Reset({ email }: { email: string }) {
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [problems, setProblems] = useState<{ code?: string; password?: string; all?: string }>({});
  const [{ fetching }, reset] = useMutation(ResetPassword);
  const [, request] = useMutation(RequestReset);
  const navigate = useNavigate();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const digits = digitsOf(code);
    const wrong = {
      ...(digits === null && { code: texts.code.incomplete }),
      ...(password.length < LENGTHS.enough && { password: texts.signUp.short(LENGTHS.enough) }),
    };
    setProblems(wrong);
    if (digits === null || wrong.password || fetching) return;
    const { data, error } = await reset({ input: { email, code: digits, newPassword: password } });
    if (error) return setProblems({ all: told(error) });
    const answer = data!.resetPassword;
    if (answer.__typename === "AuthenticationProblem") return setProblems({ code: answer.message });
    if (answer.__typename === "ValidationProblem") {
      return setProblems({ password: answer.fields.map(({ message }) => message).join(" ") });
    }
    announce(texts.reset.done);
    await navigate({ to: "/sign-in", search: {} });
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-5">
      <p>{texts.code.sent(email)}</p>
      <div role="alert">{problems.all && <Note tone="bad">{problems.all}</Note>}</div>
      <CodeField value={code} change={setCode} problem={problems.code} />
      <Field
        label={texts.reset.password}
        type="password"
        name="password"
        autoComplete="new-password"
        hint={texts.signUp.rule(LENGTHS.enough)}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        problem={problems.password}
      />
      <Strength password={password} />
      <Button look="strong" type="submit" disabled={fetching}>
        {texts.reset.submit}
      </Button>
      <Resend
        send={async () => {
          const { error } = await request({ email });
          return error ? told(error) : null;
        }}
      />
    </form>
  );
}
