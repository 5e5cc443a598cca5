// The shop that the tests run against, and what each of them does with it.

export const HTTP = process.env.SHOP_HTTP;
export const WS = HTTP.replace("http", "ws");
export const TOKEN = process.env.SHOP_TOKEN;
export const PRODUCT = process.env.SHOP_PRODUCT;
export const PATIENCE = 20_000; // milliseconds

const address = { country: "Norway", city: "Oslo", postCode: "0150", street: "Karl Johans gate", houseNumber: "1" };

export const CREATE = `mutation Create($input: CreateOrderInput!) {
  createOrder(input: $input) { ... on OrderPayload { order { id } } ... on Problem { code message } }
}`;
export const PLACE = `mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { ... on PlaceOrderPayload { execution { name } } ... on Problem { code message } }
}`;
export const RESULT = `subscription Result($name: String!) {
  orderResult(executionName: $name) { executionName status }
}`;
export const VIEWER = "query Viewer { viewer { id name } }";

export async function ask(query, variables, token = TOKEN) {
  const response = await fetch(HTTP, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Place an order of one board, under this name. */
export async function buy(name, token = TOKEN) {
  const input = { items: [{ productId: PRODUCT, quantity: 1 }], total: "10.00", shippingAddress: address };
  const { createOrder } = await ask(CREATE, { input }, token);
  await ask(PLACE, { input: { orderId: createOrder.order.id, executionName: name } }, token);
}

export const nameOf = (test) => `${test} ${crypto.randomUUID()}`;
