/** The proof that an address is one's own: then the account is open, and one is signed in. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../gql";
import { signIn } from "../lib/session";
import { announce } from "../parts/announce";
import { told } from "../parts/asking";
import { Button, Card, Title } from "../parts/basics";
import { CodeField, digitsOf, Resend } from "../parts/code";
import { texts } from "../texts";

const VerifyEmail = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      __typename
      ... on VerifyEmailPayload { user { id name } }
      ... on AuthenticationProblem { code message }
    }
  }
`);

const RequestCode = graphql(`
  mutation RequestCode($email: String!) { requestVerificationCode(email: $email) { email } }
`);

// From one screen to the next, in memory alone: after a reload it is typed again.
let remembered = { email: "", password: "" };

export function remember(email: string, password: string): void {
  remembered = { email: email.trim(), password };
}

export function Verify() {
  const { email = "" } = useSearch({ from: "/verify" });
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<string>();
  const [{ fetching }, verify] = useMutation(VerifyEmail);
  const [, request] = useMutation(RequestCode);
  const navigate = useNavigate();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const digits = digitsOf(code);
    if (digits === null) return setProblem(texts.code.incomplete);
    if (fetching) return;
    const { data, error } = await verify({ input: { email, code: digits } });
    if (error) return setProblem(told(error));
    const answer = data!.verifyEmail;
    if (answer.__typename === "AuthenticationProblem") return setProblem(answer.message);
    const { password } = remembered.email === email ? remembered : { password: "" };
    if (password && (await signIn(email, password).catch(() => "away")) === null) {
      announce(texts.signIn.welcome(answer.user.name));
      return navigate({ to: "/" });
    }
    announce(texts.code.signInNow);
    return navigate({ to: "/sign-in", search: {} });
  };
  return (
    <div className="mx-auto max-w-lg">
      <Title>{texts.code.title}</Title>
      <Card>
        <form noValidate onSubmit={submit} className="flex flex-col gap-5">
          <p>{texts.code.sent(email)}</p>
          <CodeField value={code} change={setCode} problem={problem} />
          <Button look="strong" type="submit" disabled={fetching}>
            {texts.code.submit}
          </Button>
          <Resend
            send={async () => {
              const { error } = await request({ email });
              return error ? told(error) : null;
            }}
          />
        </form>
      </Card>
    </div>
  );
}
