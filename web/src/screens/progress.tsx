/** An order as it runs, and how it ended; all that is needed to see it is its name in the URL. */
import { Link, useParams } from "@tanstack/react-router";
import { useQuery, useSubscription } from "urql";
import { graphql } from "../gql";
import type { ExecutionQuery as Found } from "../gql/graphql";
import { session } from "../lib/session";
import { useStore } from "../lib/store";
import { Bones, Failed, Loading } from "../parts/asking";
import { Card, Empty, LOOKS, Title } from "../parts/basics";
import { Outcome } from "../parts/outcome";
import { SignInFirst } from "../parts/sign-in-first";
import { type Step, Timeline, withStep } from "../parts/timeline";
import { texts } from "../texts";

const ExecutionQuery = graphql(`
  query Execution($name: String!) {
    execution(name: $name) {
      id name status startedAt finishedAt
      steps { number type productId at }
      problem { ...Ended }
      order {
        id status total { amount currency }
        items { productId productName imageUrl quantity unitPrice { amount currency } }
        shippingAddress { country city postCode street houseNumber localNumber }
      }
    }
  }
  fragment Ended on Problem {
    __typename code message
    ... on ProductsUnavailableProblem { products { productId name requested available } }
    ... on WrongOrderPriceProblem { provided { amount currency } calculated { amount currency } }
    ... on InsufficientFundsProblem { balance { amount currency } required { amount currency } }
  }
`);

const ProgressSubscription = graphql(`
  subscription OrderProgress($name: String!) {
    orderProgress(executionName: $name) { executionName number type productId at }
  }
`);

export type Execution = NonNullable<Found["execution"]>;

export function Progress() {
  const { name } = useParams({ from: "/executions/$name" });
  const { state } = useStore(session);
  if (state === "nobody") return <SignInFirst />;
  return <Running key={name} name={name} pause={state === "unknown"} />;
}

function Running({ name, pause }: { name: string; pause: boolean }) {
  const [{ data, error, fetching }, again] = useQuery({
    query: ExecutionQuery,
    variables: { name },
    pause,
    requestPolicy: "cache-and-network",
  });
  const ended = data?.execution?.finishedAt != null;
  const [{ data: steps = [] }] = useSubscription<{ orderProgress: Step }, Step[], { name: string }>(
    { query: ProgressSubscription, variables: { name }, pause: pause || ended },
    (known = [], { orderProgress }) => {
      if (isLast(orderProgress)) again({ requestPolicy: "network-only" });
      return withStep(known, orderProgress);
    },
  );
  if (error && !data) {
    return <Failed error={error} again={() => again({ requestPolicy: "network-only" })} />;
  }
  if (!data && (fetching || pause || steps.length === 0)) {
    return (
      <Loading>
        <Bones className="mx-auto h-96 max-w-3xl" />
      </Loading>
    );
  }
  const execution = data?.execution ?? null;
  if (execution === null && steps.length === 0 && !fetching) {
    return (
      <Empty whole title={texts.progress.unknown} text={texts.progress.unknownText}>
        <Link to="/" className={LOOKS.strong}>
          {texts.state.toProducts}
        </Link>
      </Empty>
    );
  }
  const shown = ended ? execution!.steps : steps.length > 0 ? steps : (execution?.steps ?? []);
  return (
    <div className="mx-auto max-w-3xl">
      <Title>{texts.progress.title}</Title>
      <div className="flex flex-col gap-6">
        <Outcome execution={execution} steps={shown} />
        <Card>
          <h2 className="mb-5 text-xl font-bold">{texts.progress.steps}</h2>
          <Timeline
            steps={shown}
            names={namesOf(execution)}
            running={!ended && !shown.some(isLast)}
          />
        </Card>
      </div>
    </div>
  );
}

function isLast({ type }: Step): boolean {
  return type === "SUCCEEDED" || type === "FAILED";
}

function namesOf(execution: Execution | null): Map<string, string> {
  return new Map(execution?.order.items.map((item) => [item.productId, item.productName]));
}
