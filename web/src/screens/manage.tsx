/** What administrators see of the products, and change; others' changes come in as they happen. */
import { useState } from "react";
import { useQuery, useSubscription } from "urql";
import { graphql } from "../gql";
import type { ManagedQuery as Found } from "../gql/graphql";
import { Bones, Failed, Loading } from "../parts/asking";
import { Badge, Button, Card, Empty, Picture, Price, Title } from "../parts/basics";
import { Asked } from "../parts/dialog";
import { Discontinue, NewProduct, ProductForm, StockForm } from "../parts/product-forms";
import { ForPerson } from "../parts/person";
import { texts } from "../texts";

const ManagedQuery = graphql(`
  query Managed($after: String) {
    products(first: 50, after: $after) {
      nodes {
        id name imageUrl price { amount currency } available discontinued
        stock { onHand reserved available }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ManagedChanged = graphql(`
  subscription ManagedChanged {
    productChanged {
      id name imageUrl price { amount currency } available discontinued
      stock { onHand reserved available }
    }
  }
`);

export type Managed = Found["products"]["nodes"][number];
type Doing = { what: "edit" | "stock" | "discontinue"; id: string } | { what: "new" } | null;

export function Manage() {
  return (
    <ForPerson admin>
      <Table />
    </ForPerson>
  );
}

function Table() {
  const [after, setAfter] = useState<string | null>(null);
  const [doing, setDoing] = useState<Doing>(null);
  const [{ data, error, fetching }, again] = useQuery({
    query: ManagedQuery,
    variables: { after },
    requestPolicy: "cache-and-network",
  });
  useSubscription({ query: ManagedChanged });
  const products = data?.products.nodes;
  const done = () => setDoing(null);
  const created = () => {
    setDoing(null);
    again({ requestPolicy: "network-only" });
  };
  const chosen =
    doing && doing.what !== "new" ? products?.find(({ id }) => id === doing.id) : undefined;
  return (
    <>
      <Title
        after={
          <Button look="strong" onClick={() => setDoing({ what: "new" })}>
            {texts.manage.add}
          </Button>
        }
      >
        {texts.manage.title}
      </Title>
      {error && !products ? (
        <Failed error={error} again={() => again({ requestPolicy: "network-only" })} />
      ) : !products ? (
        <Loading>
          <Bones className="h-96" />
        </Loading>
      ) : products.length === 0 ? (
        <Empty title={texts.manage.empty}>{""}</Empty>
      ) : (
        <Card flush>
          <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={texts.manage.title}>
            <table className="w-full min-w-[46rem] text-left">
              <thead className="bg-sunk text-sm">
                <tr>
                  <th scope="col" className="p-3 pl-5">{texts.manage.name}</th>
                  <th scope="col" className="p-3 text-right">{texts.manage.price}</th>
                  <th scope="col" className="p-3 text-right">{texts.manage.quantity}</th>
                  <th scope="col" className="p-3 text-right">{texts.manage.reserved}</th>
                  <th scope="col" className="p-3 text-right">{texts.manage.available}</th>
                  <th scope="col" className="p-3 pr-5 text-right">{texts.manage.actions}</th>
                </tr>
              </thead>
              <tbody className="divide-y divide-line">
                {products.map((product) => (
                  <Row key={product.id} product={product} act={setDoing} />
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
      {data?.products.pageInfo.hasNextPage && (
        <div className="mt-6 text-center">
          <Button
            disabled={fetching}
            onClick={() => setAfter(data.products.pageInfo.endCursor ?? null)}
          >
            {texts.state.more}
          </Button>
        </div>
      )}
      <Asked title={texts.manage.add} open={doing?.what === "new"} close={done}>
        <NewProduct done={created} />
      </Asked>
      {chosen && (
        <>
          <Asked
            title={texts.manage.editOf(chosen.name)}
            open={doing?.what === "edit"}
            close={done}
          >
            <ProductForm product={chosen} done={done} />
          </Asked>
          <Asked
            title={texts.manage.stockOf(chosen.name)}
            open={doing?.what === "stock"}
            close={done}
          >
            <StockForm product={chosen} done={done} />
          </Asked>
          <Asked
            title={texts.manage.sure(chosen.name)}
            text={texts.manage.sureText(chosen.stock?.reserved ?? 0)}
            open={doing?.what === "discontinue"}
            close={done}
          >
            <Discontinue product={chosen} done={done} />
          </Asked>
        </>
      )}
    </>
  );
}

function Row({ product, act }: { product: Managed; act: (doing: Doing) => void }) {
  const { id, name, stock } = product;
  return (
    <tr data-product={name}>
      <th scope="row" className="min-w-48 p-3 pl-5">
        <span className="flex items-center gap-3">
          <Picture src={product.imageUrl} className="h-14 w-10.5 rounded-lg" />
          <span>
            <span className="block font-bold">{name}</span>
            {product.discontinued && <Badge tone="plain">{texts.products.discontinued}</Badge>}
          </span>
        </span>
      </th>
      <td className="p-3 text-right">
        <Price money={product.price} />
      </td>
      <td className="p-3 text-right tabular-nums">{stock?.onHand}</td>
      <td className="p-3 text-right tabular-nums">{stock?.reserved}</td>
      <td className="p-3 text-right font-bold tabular-nums">{product.available}</td>
      <td className="p-3 pr-5">
        <span className="flex justify-end gap-1">
          <Button
            look="quiet"
            aria-label={texts.manage.editOf(name)}
            onClick={() => act({ what: "edit", id })}
          >
            {texts.manage.edit}
          </Button>
          <Button
            look="quiet"
            aria-label={texts.manage.stockOf(name)}
            onClick={() => act({ what: "stock", id })}
          >
            {texts.manage.stock}
          </Button>
          {!product.discontinued && (
            <Button
              look="quiet"
              aria-label={texts.manage.discontinueOf(name)}
              onClick={() => act({ what: "discontinue", id })}
            >
              {texts.manage.discontinue}
            </Button>
          )}
        </span>
      </td>
    </tr>
  );
}
