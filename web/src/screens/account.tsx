/** One's money: what there is, putting in and taking out, and all that moved it. */
import { Link } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { graphql } from "../gql";
import type { TransactionsQuery as Found } from "../gql/graphql";
import { Once } from "../lib/ids";
import { type Money, show, typed } from "../lib/money";
import { announce } from "../parts/announce";
import { Bones, Failed, Loading, told } from "../parts/asking";
import { Button, Card, Empty, Field, LOOKS, Price, Title } from "../parts/basics";
import { Deposit } from "../parts/deposit";
import { useViewer } from "../parts/frame";
import { ForPerson } from "../parts/person";
import { When } from "../parts/status";
import { texts } from "../texts";

const Withdraw = graphql(`
  mutation Withdraw($input: MoneyTransferInput!) {
    withdraw(input: $input) {
      __typename
      ... on AccountPayload { account { id balance { amount currency } } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
      ... on InsufficientFundsProblem { balance { amount currency } }
    }
  }
`);

const TransactionsQuery = graphql(`
  query Transactions($after: String) {
    viewer {
      id
      createdAt
      account {
        id
        transactions(first: 20, after: $after) {
          nodes {
            id type reason createdAt
            amount { amount currency }
            balance { amount currency }
            order { id number }
          }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
`);

export function Account() {
  return (
    <>
      <Title>{texts.account.title}</Title>
      <ForPerson titled>
        <Mine />
      </ForPerson>
    </>
  );
}

function Mine() {
  const viewer = useViewer();
  if (!viewer) {
    return (
      <Loading>
        <Bones className="h-72" />
      </Loading>
    );
  }
  const { account } = viewer;
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[2fr_3fr]">
      <div className="flex flex-col gap-6">
        {account ? (
          <Card>
            <h2 className="text-soft">{texts.account.balance}</h2>
            <p aria-live="polite" className="mb-6 text-4xl font-black tabular-nums">
              {show(account.balance)}
            </p>
            <Transfer balance={account.balance} />
          </Card>
        ) : (
          <Empty title={texts.account.noAccount} />
        )}
        <Card>
          <h2 className="mb-3 text-xl font-bold">{texts.account.you}</h2>
          <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1">
            <dt className="text-soft">{texts.account.name}</dt>
            <dd className="break-words">{viewer.name}</dd>
            <dt className="text-soft">{texts.account.email}</dt>
            <dd className="break-all">{viewer.email}</dd>
          </dl>
          <Link to="/password" search={{}} className={`${LOOKS.quiet} mt-3 -ml-3`}>
            {texts.account.password}
          </Link>
        </Card>
      </div>
      <Transactions />
    </div>
  );
}

function Transfer({ balance }: { balance: Money }) {
  const [amount, setAmount] = useState("");
  const [problem, setProblem] = useState<string>();
  const [depositing, deposit] = useMutation(Deposit);
  const [withdrawing, withdraw] = useMutation(Withdraw);
  const once = useRef({ deposit: new Once(), withdraw: new Once() });
  const busy = depositing.fetching || withdrawing.fetching;

  const send = async (way: "deposit" | "withdraw") => {
    const exact = typed(amount, balance.currency);
    if (busy) return;
    if (exact === null || !/[1-9]/.test(exact)) {
      return setProblem(amount.trim() ? texts.signUp.badAmount("12.50") : texts.signIn.required);
    }
    setProblem(undefined);
    const input = { amount: exact, id: once.current[way].id(exact) };
    const { data, error } = way === "deposit" ? await deposit({ input }) : await withdraw({ input });
    if (error) return setProblem(told(error));
    const answer = data && ("deposit" in data ? data.deposit : data.withdraw);
    if (!answer) return;
    if (answer.__typename === "InsufficientFundsProblem") {
      return setProblem(texts.account.tooLittle(show(answer.balance)));
    }
    if (answer.__typename === "ValidationProblem") {
      return setProblem(answer.fields.map(({ message }) => message).join(" "));
    }
    if (answer.__typename !== "AccountPayload") return setProblem(answer.message);
    once.current[way].done();
    setAmount("");
    const moved = show({ amount: exact, currency: balance.currency });
    announce(way === "deposit" ? texts.account.deposited(moved) : texts.account.withdrawn(moved));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send("deposit");
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-4">
      <Field
        label={`${texts.account.amount} (${balance.currency})`}
        name="amount"
        inputMode="decimal"
        autoComplete="off"
        value={amount}
        onChange={(event) => setAmount(event.target.value)}
        problem={problem}
      />
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <Button look="strong" type="submit" disabled={busy}>
          {texts.account.deposit}
        </Button>
        <Button disabled={busy} onClick={() => send("withdraw")}>
          {texts.account.withdraw}
        </Button>
      </div>
    </form>
  );
}

function Transactions() {
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, error, fetching }, again] = useQuery({
    query: TransactionsQuery,
    variables: { after },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) {
    return <Failed error={error} again={() => again({ requestPolicy: "network-only" })} />;
  }
  const page = data?.viewer?.account?.transactions;
  if (!page) {
    return (
      <Loading>
        <Bones className="h-96" />
      </Loading>
    );
  }
  if (page.nodes.length === 0) {
    return <Empty title={texts.account.none} text={texts.account.noneText} />;
  }
  return (
    <section>
      <h2 className="sr-only">{texts.account.transactions}</h2>
      <Card flush>
        <ul className="divide-y divide-line">
          {page.nodes.map((transaction) => (
            <Moved key={transaction.id} transaction={transaction} />
          ))}
        </ul>
      </Card>
      {page.pageInfo.hasNextPage && (
        <div className="mt-6 text-center">
          <Button disabled={fetching} onClick={() => setAfter(page.pageInfo.endCursor ?? null)}>
            {texts.state.more}
          </Button>
        </div>
      )}
    </section>
  );
}

type Page = NonNullable<NonNullable<Found["viewer"]>["account"]>["transactions"];

function Moved({ transaction }: { transaction: Page["nodes"][number] }) {
  const { type, reason, createdAt, amount, balance, order } = transaction;
  const signed = type === "DEBIT" ? { ...amount, amount: `-${amount.amount}` } : amount;
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1 p-4 sm:px-5">
      <span>
        <span className="block font-semibold">{texts.account.reason[reason]}</span>
        <span className="text-sm text-soft">
          <When at={createdAt} />
          {order && (
            <>
              {" · "}
              <Link to="/orders/$id" params={{ id: order.id }} className="underline underline-offset-4">
                {texts.orders.number(order.number)}
              </Link>
            </>
          )}
        </span>
      </span>
      <span className="text-right">
        <Price
          money={signed}
          className={`block text-lg font-bold ${type === "DEBIT" ? "" : "text-good"}`}
        />
        <span className="text-sm text-soft tabular-nums">{texts.account.after(show(balance))}</span>
      </span>
    </li>
  );
}
