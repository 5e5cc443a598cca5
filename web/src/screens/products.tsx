/** The shop window: pictures, prices, what is left; stock and prices move while one looks. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useQuery, useSubscription } from "urql";
import { graphql } from "../gql";
import type { ProductsQuery as Found } from "../gql/graphql";
import { cart, put } from "../lib/cart";
import { session } from "../lib/session";
import { useStore } from "../lib/store";
import { announce } from "../parts/announce";
import { Bones, Failed, Loading } from "../parts/asking";
import { Badge, Button, Empty, Picture, Price, Title } from "../parts/basics";
import { Quantity } from "../parts/quantity";
import { texts } from "../texts";

const ProductsQuery = graphql(`
  query Products($search: String, $inStock: Boolean, $after: String) {
    products(search: $search, inStock: $inStock, first: 24, after: $after) {
      nodes { id name imageUrl price { amount currency } available discontinued }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
`);

const ProductChanged = graphql(`
  subscription ProductChanged {
    productChanged { id name imageUrl price { amount currency } available discontinued }
  }
`);

type Product = Found["products"]["nodes"][number];

const GRID =
  "grid grid-cols-[repeat(auto-fill,minmax(min(100%,10rem),1fr))] gap-4 sm:grid-cols-[repeat(auto-fill,minmax(15rem,1fr))] sm:gap-6";
const FEW = 5;

export function Products() {
  const { q, there } = useSearch({ from: "/" });
  const known = useStore(session).state !== "unknown";
  const [after, setAfter] = useState<{ of: string; cursor: string } | null>(null);
  const of = `${q ?? ""}\n${there ?? false}`;
  const [{ data, error, fetching, stale }, again] = useQuery({
    query: ProductsQuery,
    variables: {
      search: q ?? null,
      inStock: there ?? null,
      after: after?.of === of ? after.cursor : null,
    },
    pause: !known,
  });
  useSubscription({ query: ProductChanged, pause: !known });
  const found = data?.products;
  return (
    <>
      <Title after={<Search />}>{texts.products.title}</Title>
      <p className="-mt-4 mb-8 text-lg text-soft">{texts.products.lead}</p>
      {error && !found ? (
        <Failed error={error} again={() => again({ requestPolicy: "network-only" })} />
      ) : !found ? (
        <Loading>
          <div className={GRID}>
            {Array.from({ length: 8 }, (_, n) => (
              <Bones key={n} className="h-[26rem]" />
            ))}
          </div>
        </Loading>
      ) : found.nodes.length === 0 ? (
        <Nothing search={q} />
      ) : (
        <>
          <p role="status" className="sr-only">
            {texts.products.count(found.totalCount)}
          </p>
          <ul className={GRID}>
            {found.nodes.map((product) => (
              <li key={product.id} className="far flex">
                <ProductCard product={product} />
              </li>
            ))}
          </ul>
          <More
            when={found.pageInfo.hasNextPage && !fetching && !stale}
            load={() => setAfter({ of, cursor: found.pageInfo.endCursor ?? "" })}
          />
        </>
      )}
    </>
  );
}

function Nothing({ search }: { search: string | undefined }) {
  const navigate = useNavigate();
  if (!search) return <Empty title={texts.products.empty}>{""}</Empty>;
  return (
    <Empty title={texts.products.nothing(search)} text={texts.products.nothingText}>
      <Button look="strong" onClick={() => navigate({ to: "/", search: {} })}>
        {texts.products.all}
      </Button>
    </Empty>
  );
}

const PATIENCE = 200; // milliseconds without a letter after which it is searched for

function Search() {
  const { q, there } = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const [text, setText] = useState(q ?? "");
  const [was, setWas] = useState(q);
  if (was !== q) {
    setWas(q);
    if ((q ?? "") !== text.trim()) setText(q ?? "");
  }
  useEffect(() => {
    const wanted = text.trim();
    if (wanted === (q ?? "")) return;
    const timer = setTimeout(() => {
      void navigate({ search: { ...(wanted && { q: wanted }), ...(there && { there }) }, replace: true });
    }, PATIENCE);
    return () => clearTimeout(timer);
  }, [text, q, there, navigate]);
  return (
    <form role="search" onSubmit={(event) => event.preventDefault()} className="flex flex-wrap items-center gap-4">
      <input
        type="search"
        value={text}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
        aria-label={texts.products.search}
        placeholder={texts.products.searchHint}
        className="min-h-11 w-56 rounded-full border border-edge bg-card px-5 placeholder:text-soft"
      />
      <label className="flex min-h-11 items-center gap-2 font-medium">
        <input
          type="checkbox"
          checked={there ?? false}
          onChange={(event) =>
            navigate({ search: { ...(q && { q }), ...(event.target.checked && { there: true }) } })
          }
          className="size-5 accent-accent"
        />
        {texts.products.inStock}
      </label>
    </form>
  );
}

/** Asks for the next page before its reader gets there. */
function More({ when, load }: { when: boolean; load: () => void }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!when || !end.current) return;
    const seen = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) load();
      },
      { rootMargin: "800px" },
    );
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [when, load]);
  return <div ref={end} />;
}

function ProductCard({ product }: { product: Product }) {
  const { lines } = useStore(cart);
  const line = lines.find((each) => each.productId === product.id);
  const can = !product.discontinued && product.available > 0;
  return (
    <article
      data-product={product.name}
      className="@container flex w-full flex-col overflow-hidden rounded-3xl border border-line bg-card"
    >
      <Picture
        src={product.imageUrl}
        className={`aspect-[4/5] w-full ${can ? "" : "opacity-50 grayscale"}`}
      />
      <div className="flex flex-1 flex-col gap-3 p-3 @3xs:p-4">
        <div className="flex flex-wrap items-baseline justify-between gap-x-3">
          <h2 className="text-lg font-bold break-words">{product.name}</h2>
          <Price money={product.price} className="text-lg font-semibold" />
        </div>
        <div className="mt-auto flex min-h-11 flex-wrap items-center justify-between gap-2 *:last:grow @3xs:*:last:grow-0">
          <Left product={product} />
          {line ? (
            <Quantity line={line} most={can ? product.available : 0} />
          ) : (
            <Button
              look="strong"
              disabled={!can}
              aria-label={texts.products.addOf(product.name)}
              onClick={() => {
                put({ productId: product.id, name: product.name, quantity: 1, seen: product.price });
                announce(texts.products.added(product.name, 1), { quietly: true });
              }}
            >
              {texts.products.add}
            </Button>
          )}
        </div>
      </div>
    </article>
  );
}

function Left({ product: { available, discontinued } }: { product: Product }) {
  if (discontinued) return <Badge tone="plain">{texts.products.discontinued}</Badge>;
  if (available === 0) return <Badge tone="bad">{texts.products.soldOut}</Badge>;
  if (available <= FEW) return <Badge tone="warn">{texts.products.fewLeft(available)}</Badge>;
  return <span className="text-sm text-soft">{texts.products.left(available)}</span>;
}
