/** What is to be ordered, and where to; whatever would be refused is said before. */
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useMutation, useQuery, useSubscription } from "urql";
import { graphql } from "../gql";
import type { CartProductsQuery as Found, CreateOrderInput } from "../gql/graphql";
import { type Address, attemptOf, cart, change, type Line, put } from "../lib/cart";
import { type Concern, concernsOf } from "../lib/checks";
import { missing as missingTo, type Money, show, sum, times } from "../lib/money";
import { session } from "../lib/session";
import { useStore } from "../lib/store";
import { Bones, Loading, told } from "../parts/asking";
import { Button, Card, Empty, Field, LOOKS, Note, Picture, Price, Title } from "../parts/basics";
import { DepositMissing } from "../parts/deposit";
import { useViewer } from "../parts/frame";
import { Quantity } from "../parts/quantity";
import { texts } from "../texts";

const CartProducts = graphql(`
  query CartProducts($ids: [ID!]!) {
    products(ids: $ids, first: 100) {
      nodes { id name imageUrl price { amount currency } available discontinued }
    }
  }
`);

const CartChanged = graphql(`
  subscription CartChanged($ids: [ID!]!) {
    productChanged(ids: $ids) { id name imageUrl price { amount currency } available discontinued }
  }
`);

const CreateOrder = graphql(`
  mutation CreateOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on OrderPayload { order { id status } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

const ChangeOrder = graphql(`
  mutation ChangeOrder($input: ChangeOrderInput!) {
    changeOrder(input: $input) {
      __typename
      ... on OrderPayload { order { id status } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

const PlaceOrder = graphql(`
  mutation PlaceOrder($input: PlaceOrderInput!) {
    placeOrder(input: $input) {
      __typename
      ... on PlaceOrderPayload { execution { id name status } }
      ... on Problem { code message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

type Order = Omit<CreateOrderInput, "id">;
type Made = [orderId: string | null, problems: Problems];
type Product = Found["products"]["nodes"][number];
type Problems = { [field in keyof Address]?: string } & { all?: string };

export function CartScreen() {
  const { lines } = useStore(cart);
  const ids = lines.map((line) => line.productId).toSorted();
  const { state } = useStore(session);
  const pause = ids.length === 0 || state === "unknown";
  const [{ data, error }] = useQuery({ query: CartProducts, variables: { ids }, pause });
  useSubscription({ query: CartChanged, variables: { ids }, pause });
  if (lines.length === 0) {
    return (
      <>
        <Title>{texts.cart.title}</Title>
        <Empty title={texts.cart.empty} text={texts.cart.emptyText} />
      </>
    );
  }
  const products = data?.products.nodes ?? [];
  const concerns = concernsOf(lines, products);
  const total = sum(
    lines.map((line) => times(line.seen, line.quantity)),
    lines[0]!.seen.currency,
  );
  return (
    <>
      <Title>{texts.cart.title}</Title>
      <div className="grid items-start gap-6 lg:grid-cols-[3fr_2fr]">
        <div className="flex flex-col gap-4">
          {error && !data && <Note tone="bad">{told(error)}</Note>}
          {concerns.length > 0 && <Concerns concerns={concerns} />}
          <Card flush>
            <ul className="divide-y divide-line">
              {lines.map((line) => (
                <Row
                  key={line.productId}
                  line={line}
                  product={products.find(({ id }) => id === line.productId)}
                />
              ))}
            </ul>
            <p className="flex items-baseline justify-between border-t border-line p-5 text-xl font-bold">
              <span>{texts.cart.total}</span>
              <Price money={total} />
            </p>
          </Card>
        </div>
        <Ordering lines={lines} total={total} blocked={concerns.length > 0} />
      </div>
    </>
  );
}

function Row({ line, product }: { line: Line; product: Product | undefined }) {
  const most = product && !product.discontinued ? product.available : 0;
  return (
    <li data-product={line.name} className="flex gap-4 p-4 sm:p-5">
      {product ? (
        <Picture src={product.imageUrl} className="h-24 w-18 shrink-0 rounded-xl" />
      ) : (
        <Loading>
          <Bones className="h-24 w-18" />
        </Loading>
      )}
      <div className="flex min-w-0 flex-1 flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <div>
          <h2 className="text-lg font-bold">{line.name}</h2>
          <p className="text-soft">
            <Price money={line.seen} /> {texts.cart.each}
          </p>
        </div>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Quantity line={line} most={product ? most : line.quantity} />
          <Price money={times(line.seen, line.quantity)} className="min-w-20 text-right font-bold" />
          <Button
            look="quiet"
            aria-label={texts.products.removeOf(line.name)}
            onClick={() => put({ ...line, quantity: 0 })}
          >
            {texts.products.remove}
          </Button>
        </div>
      </div>
    </li>
  );
}

function Concerns({ concerns }: { concerns: Concern[] }) {
  return (
    <section aria-live="polite" className="flex flex-col gap-2">
      <h2 className="sr-only">{texts.cart.notes}</h2>
      {concerns.map((concern) => (
        <Note key={`${concern.kind} ${concern.line.productId}`} tone="warn">
          <ConcernText concern={concern} />
        </Note>
      ))}
    </section>
  );
}

function ConcernText({ concern }: { concern: Concern }) {
  const { line } = concern;
  const take = (quantity: number) => () => put({ ...line, quantity });
  switch (concern.kind) {
    case "gone":
      return (
        <>
          <span className="flex-1">{texts.cart.gone(line.name)}</span>
          <Button onClick={take(0)}>{texts.cart.takeLeft(0)}</Button>
        </>
      );
    case "short":
      return (
        <>
          <span className="flex-1">{texts.cart.short(line.name, concern.available)}</span>
          <Button onClick={take(concern.available)}>{texts.cart.takeLeft(concern.available)}</Button>
        </>
      );
    case "price":
      return (
        <>
          <span className="flex-1">
            {texts.cart.price(line.name, show(line.seen), show(concern.now))}
          </span>
          <Button onClick={() => put({ ...line, seen: concern.now })}>
            {texts.cart.takePrice(show(concern.now))}
          </Button>
        </>
      );
  }
}

const FIELDS = [
  ["street", "address-line1", "col-span-4"],
  ["houseNumber", "off", "col-span-2"],
  ["localNumber", "address-line2", "col-span-6"],
  ["postCode", "postal-code", "col-span-2"],
  ["city", "address-level2", "col-span-4"],
  ["country", "country-name", "col-span-6"],
] as const;

function Ordering({ lines, total, blocked }: { lines: Line[]; total: Money; blocked: boolean }) {
  const { address } = useStore(cart);
  const { state } = useStore(session);
  const viewer = useViewer();
  const [problems, setProblems] = useState<Problems>({});
  const [place, busy] = usePlacing(lines, total, setProblems);
  const balance = viewer?.account?.balance;
  const lacking = balance && missingTo(balance, total);
  const poor = lacking !== undefined && Number(lacking.amount) > 0;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wrong = Object.fromEntries(
      FIELDS.filter(([name]) => name !== "localNumber" && !address[name].trim()).map(([name]) => [
        name,
        texts.signIn.required,
      ]),
    );
    setProblems(wrong);
    if (Object.keys(wrong).length === 0) void place(address);
  };
  return (
    <Card className="lg:sticky lg:top-24">
      <form noValidate onSubmit={submit} className="flex flex-col gap-5">
        <fieldset className="grid grid-cols-6 gap-4">
          <legend className="mb-4 text-xl font-bold">{texts.cart.address}</legend>
          {FIELDS.map(([name, autoComplete, wide]) => (
            <Field
              key={name}
              label={texts.cart[name]}
              name={name}
              autoComplete={autoComplete}
              className={wide}
              value={address[name]}
              onChange={(event) => change({ address: { ...address, [name]: event.target.value } })}
              problem={problems[name]}
            />
          ))}
        </fieldset>
        {poor && (
          <Note tone="warn">
            <span className="flex-1">{texts.cart.poor(show(balance!), show(lacking))}</span>
            <DepositMissing missing={lacking} />
          </Note>
        )}
        <div role="alert">{problems.all && <Note tone="bad">{problems.all}</Note>}</div>
        {state === "nobody" ? (
          <Link to="/sign-in" search={{ to: "/cart" }} className={LOOKS.strong}>
            {texts.cart.signIn}
          </Link>
        ) : (
          <Button look="strong" type="submit" disabled={busy || blocked} className="text-lg">
            {busy ? texts.cart.placing : texts.cart.place}
          </Button>
        )}
      </form>
    </Card>
  );
}

/** Creates the order and places it; sent again it is the same order and the same execution. */
function usePlacing(lines: Line[], total: Money, setProblems: (problems: Problems) => void) {
  const [, create] = useMutation(CreateOrder);
  const [, alter] = useMutation(ChangeOrder);
  const [, start] = useMutation(PlaceOrder);
  const [busy, setBusy] = useState(false);
  const navigate = useNavigate();

  const make = async (id: string, order: Order): Promise<Made> => {
    const { data, error } = await create({ input: { id, ...order } });
    if (error) return [null, { all: told(error) }];
    const answer = data!.createOrder;
    return answer.__typename === "OrderPayload" ? [answer.order.id, {}] : [null, byField(answer)];
  };
  const correct = async (orderId: string, id: string, order: Order): Promise<Made> => {
    const { data, error } = await alter({ input: { orderId, id, ...order } });
    if (error) return [null, { all: told(error) }];
    const answer = data!.changeOrder;
    if (answer.__typename === "OrderPayload") return [orderId, {}];
    if (answer.__typename === "ValidationProblem") return [null, byField(answer)];
    // It was placed, cancelled or belongs to somebody else: what is in the cart is another one.
    change({ order: null });
    return make(id, order);
  };
  const place = async ({ localNumber, ...address }: Address): Promise<Problems> => {
    const order = {
      items: lines.map(({ productId, quantity }) => ({ productId, quantity })),
      shippingAddress: { ...address, localNumber: localNumber.trim() || null },
      total: total.amount,
    };
    const begun = cart.get().order;
    const attempt = attemptOf({ begun, ...order });
    const [created, problems] = begun
      ? await correct(begun, attempt.orderId, order)
      : await make(attempt.orderId, order);
    if (!created) return problems;
    const orderId = created;
    const { executionName } = attempt;
    const placed = await start({ input: { orderId, executionName } });
    if (placed.error) return { all: told(placed.error) };
    const answer = placed.data!.placeOrder;
    if (answer.__typename !== "PlaceOrderPayload") return { all: answer.message };
    // Going back from there must not find a form that looks as if nothing had happened.
    await navigate({ to: "/executions/$name", params: { name: executionName }, replace: true });
    change({ lines: [], order: null, attempt: null });
    return {};
  };
  const once = async (address: Address) => {
    if (busy) return;
    setBusy(true);
    setProblems(await place(address));
    setBusy(false);
  };
  return [once, busy] as const;
}

type Told = { message: string; fields?: readonly { path: string; message: string }[] };

/** Each problem beside its field, what has none above the button. */
function byField(problem: Told): Problems {
  if (!problem.fields) return { all: problem.message };
  const found: Problems = {};
  const others: string[] = [];
  for (const { path, message } of problem.fields) {
    const name = path.replace(/^shippingAddress\./, "");
    if (FIELDS.some(([field]) => field === name)) found[name as keyof Address] = message;
    else others.push(message);
  }
  return others.length > 0 ? { ...found, all: others.join(" ") } : found;
}
