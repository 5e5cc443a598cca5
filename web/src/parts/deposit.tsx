/** One press that deposits exactly what is missing. */
import { useRef, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../gql";
import { Once } from "../lib/ids";
import { type Money, show } from "../lib/money";
import { texts } from "../texts";
import { announce } from "./announce";
import { told } from "./asking";
import { Button } from "./basics";

export const Deposit = graphql(`
  mutation Deposit($input: MoneyTransferInput!) {
    deposit(input: $input) {
      __typename
      ... on AccountPayload { account { id balance { amount currency } } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

export function DepositMissing({ missing, after }: { missing: Money; after?: () => void }) {
  const [{ fetching }, deposit] = useMutation(Deposit);
  const once = useRef(new Once());
  const [problem, setProblem] = useState("");
  const send = async () => {
    if (fetching) return;
    const id = once.current.id(missing);
    const { data, error } = await deposit({ input: { id, amount: missing.amount } });
    if (error) return setProblem(told(error));
    if (data?.deposit.__typename !== "AccountPayload") return setProblem(data?.deposit.message ?? "");
    once.current.done();
    announce(texts.cart.deposited(show(missing)));
    after?.();
  };
  return (
    <>
      <Button disabled={fetching} onClick={send}>
        {texts.cart.deposit(show(missing))}
      </Button>
      {problem && <span role="alert">{problem}</span>}
    </>
  );
}
