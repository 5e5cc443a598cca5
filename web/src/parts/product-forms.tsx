/** What administrators fill in about a product. */
import { type FormEvent, useRef, useState } from "react";
import { useMutation } from "urql";
import { graphql } from "../gql";
import { Once } from "../lib/ids";
import { same, show } from "../lib/money";
import type { Managed } from "../screens/manage";
import { texts } from "../texts";
import { announce } from "./announce";
import { told } from "./asking";
import { Button, Field, Note, Picture } from "./basics";

const CreateProducts = graphql(`
  mutation CreateProducts($input: [ProductInput!]!) {
    createProducts(input: $input) {
      __typename
      ... on ProductsPayload { products { id name } }
      ... on Problem { message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

const UpdateProduct = graphql(`
  mutation UpdateProduct($input: UpdateProductInput!) {
    updateProduct(input: $input) {
      __typename
      ... on ProductPayload { product { id name imageUrl price { amount currency } } }
      ... on Problem { message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

const AdjustStock = graphql(`
  mutation AdjustStock($input: AdjustStockInput!) {
    adjustStock(input: $input) {
      __typename
      ... on ProductPayload { product { id available stock { onHand reserved available } } }
      ... on Problem { message }
      ... on ValidationProblem { fields { path message } }
    }
  }
`);

const DiscontinueProducts = graphql(`
  mutation DiscontinueProducts($ids: [ID!]!) {
    discontinueProducts(ids: $ids) {
      __typename
      ... on ProductsPayload { products { id discontinued available } }
      ... on Problem { message }
    }
  }
`);

type Problems = Record<string, string>;
type Answer = {
  __typename: string;
  message?: string;
  fields?: readonly { path: string; message: string }[];
};

/** Beside the field it belongs to; `all` for what belongs to none. */
function problemsOf({ message, fields }: Answer): Problems {
  if (!fields) return { all: message ?? "" };
  return Object.fromEntries(fields.map((field) => [field.path.split(".").at(-1)!, field.message]));
}

function All({ problems }: { problems: Problems }) {
  return <div role="alert">{problems.all && <Note tone="bad">{problems.all}</Note>}</div>;
}

type Texts = { name: string; price: string; imageUrl: string };

function Fields({ form, change, problems }: { form: Texts; change: (form: Texts) => void; problems: Problems }) {
  return (
    <>
      <Field
        label={texts.manage.name}
        name="name"
        value={form.name}
        onChange={(event) => change({ ...form, name: event.target.value })}
        problem={problems.name}
      />
      <Field
        label={texts.manage.price}
        name="price"
        inputMode="decimal"
        value={form.price}
        onChange={(event) => change({ ...form, price: event.target.value })}
        problem={problems.price}
      />
      <div className="flex items-end gap-4">
        <Field
          label={texts.manage.picture}
          name="imageUrl"
          value={form.imageUrl}
          onChange={(event) => change({ ...form, imageUrl: event.target.value })}
          problem={problems.imageUrl}
          className="flex-1"
        />
        {form.imageUrl && <Picture src={form.imageUrl} className="h-20 w-15 rounded-lg" />}
      </div>
    </>
  );
}

const plain = (price: string) => price.trim().replace(",", ".");

export function NewProduct({ done }: { done: () => void }) {
  const [form, setForm] = useState<Texts>({ name: "", price: "", imageUrl: "" });
  const [quantity, setQuantity] = useState("");
  const [problems, setProblems] = useState<Problems>({});
  const [{ fetching }, create] = useMutation(CreateProducts);
  const once = useRef(new Once());
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = missing({ ...form, quantity });
    if (!wrong.quantity && !/^\d+$/.test(quantity.trim())) wrong.quantity = texts.manage.wholeNumber;
    setProblems(wrong);
    if (Object.keys(wrong).length > 0 || fetching) return;
    const product = { ...form, price: plain(form.price), quantity: Number(quantity) };
    const id = once.current.id(product);
    const { data, error } = await create({ input: [{ id, ...product }] });
    if (error) return setProblems({ all: told(error) });
    if (data!.createProducts.__typename !== "ProductsPayload") {
      return setProblems(problemsOf(data!.createProducts));
    }
    announce(texts.manage.created(form.name));
    done();
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-5">
      <All problems={problems} />
      <Fields form={form} change={setForm} problems={problems} />
      <Field
        label={texts.manage.quantity}
        name="quantity"
        inputMode="numeric"
        value={quantity}
        onChange={(event) => setQuantity(event.target.value)}
        problem={problems.quantity}
      />
      <Button look="strong" type="submit" disabled={fetching}>
        {texts.manage.create}
      </Button>
    </form>
  );
}

function missing(form: Record<string, string>): Problems {
  const empty = Object.entries(form).filter(([, value]) => !value.trim());
  return Object.fromEntries(empty.map(([name]) => [name, texts.signIn.required]));
}

const asTexts = (product: Managed): Texts => ({
  name: product.name,
  price: product.price.amount,
  imageUrl: product.imageUrl,
});

export function ProductForm({ product, done }: { product: Managed; done: () => void }) {
  const [form, setForm] = useState(() => asTexts(product));
  const [seen, setSeen] = useState(product); // what the changes were meant for
  const [problems, setProblems] = useState<Problems>({});
  const [{ fetching }, update] = useMutation(UpdateProduct);
  const changed =
    seen.name !== product.name ||
    seen.imageUrl !== product.imageUrl ||
    !same(seen.price, product.price);

  const save = async () => {
    const wrong = missing(form);
    setProblems(wrong);
    if (Object.keys(wrong).length > 0 || fetching) return;
    const was = asTexts(seen);
    const input = {
      id: product.id,
      ...(form.name !== was.name && { name: form.name }),
      ...(form.imageUrl !== was.imageUrl && { imageUrl: form.imageUrl }),
      ...(form.price !== was.price && { price: plain(form.price) }),
    };
    const { data, error } = await update({ input });
    if (error) return setProblems({ all: told(error) });
    if (data!.updateProduct.__typename !== "ProductPayload") {
      return setProblems(problemsOf(data!.updateProduct));
    }
    announce(texts.manage.saved(form.name));
    done();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!changed) void save();
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-5">
      <All problems={problems} />
      <Fields form={form} change={setForm} problems={problems} />
      {changed && !fetching ? (
        <div role="alert">
          <Note tone="warn">
            <p className="w-full">
              {texts.manage.changedMeanwhile} {product.name}, {show(product.price)}
            </p>
            <Button
              onClick={() => {
                setForm(asTexts(product));
                setSeen(product);
              }}
            >
              {texts.manage.takeTheirs}
            </Button>
            <Button onClick={() => setSeen(product)}>{texts.manage.keepMine}</Button>
          </Note>
        </div>
      ) : (
        <Button look="strong" type="submit" disabled={fetching}>
          {texts.manage.save}
        </Button>
      )}
    </form>
  );
}

export function StockForm({ product, done }: { product: Managed; done: () => void }) {
  const [by, setBy] = useState("");
  const [reason, setReason] = useState("");
  const [problems, setProblems] = useState<Problems>({});
  const [{ fetching }, adjust] = useMutation(AdjustStock);
  const once = useRef(new Once());
  const whole = /^[+-]?\d{1,9}$/.test(by.trim()) ? Number(by) : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = missing({ by, reason });
    if (!wrong.by && !whole) wrong.by = texts.manage.wholeNumber;
    setProblems(wrong);
    if (Object.keys(wrong).length > 0 || fetching) return;
    const input = { productId: product.id, by: whole!, reason };
    const { data, error } = await adjust({ input: { ...input, id: once.current.id(input) } });
    if (error) return setProblems({ all: told(error) });
    if (data!.adjustStock.__typename !== "ProductPayload") {
      return setProblems(problemsOf(data!.adjustStock));
    }
    announce(texts.manage.saved(product.name));
    done();
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-5">
      <All problems={problems} />
      <Field
        label={texts.manage.by}
        name="by"
        hint={
          whole !== null && product.stock
            ? texts.manage.after(product.stock.onHand + whole)
            : texts.manage.byHint
        }
        value={by}
        onChange={(event) => setBy(event.target.value)}
        problem={problems.by}
      />
      <Field
        label={texts.manage.reason}
        name="reason"
        placeholder={texts.manage.counted}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        problem={problems.reason}
      />
      <Button look="strong" type="submit" disabled={fetching}>
        {texts.manage.save}
      </Button>
    </form>
  );
}

export function Discontinue({ product, done }: { product: Managed; done: () => void }) {
  const [problems, setProblems] = useState<Problems>({});
  const [{ fetching }, discontinue] = useMutation(DiscontinueProducts);
  const send = async () => {
    if (fetching) return;
    const { data, error } = await discontinue({ ids: [product.id] });
    if (error) return setProblems({ all: told(error) });
    const answer = data!.discontinueProducts;
    if (answer.__typename !== "ProductsPayload") return setProblems({ all: answer.message });
    announce(texts.manage.gone(product.name));
    done();
  };
  return (
    <>
      <All problems={problems} />
      <div className="flex flex-wrap justify-end gap-3">
        <Button onClick={done}>{texts.state.cancel}</Button>
        <Button look="strong" disabled={fetching} onClick={send}>
          {texts.manage.discontinue}
        </Button>
      </div>
    </>
  );
}
