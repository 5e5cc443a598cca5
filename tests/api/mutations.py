"""The mutations that tests send, with what they look at in the answers."""

from typing import Any

from tests.api.shop import Client

PROBLEM = "__typename ... on Problem { code message }"
INVALID = PROBLEM + " ... on ValidationProblem { fields { path message } }"
UNKNOWN = " ... on NotFoundProblem { id }"
SHORT = " ... on InsufficientFundsProblem { balance { amount } required { amount } }"
MONEY = "{ amount currency }"
PRODUCT = f"id name imageUrl price {MONEY} available discontinued"
CREATE_PRODUCTS = f"""mutation ($input: [ProductInput!]!) {{ createProducts(input: $input) {{
    {INVALID} ... on ProductsPayload {{ products {{ {PRODUCT} }} }} }} }}"""
UPDATE_PRODUCT = f"""mutation ($input: UpdateProductInput!) {{ updateProduct(input: $input) {{
    {INVALID} {UNKNOWN} ... on ProductPayload {{ product {{ {PRODUCT} }} }} }} }}"""
ADJUST_STOCK = f"""mutation ($input: AdjustStockInput!) {{ adjustStock(input: $input) {{
    {INVALID} {UNKNOWN}
    ... on ProductPayload {{ product {{ {PRODUCT} stock {{ onHand reserved }} }} }} }} }}"""
DISCONTINUE = f"""mutation ($ids: [ID!]!) {{ discontinueProducts(ids: $ids) {{
    {PROBLEM} {UNKNOWN} ... on ProductsPayload {{ products {{ {PRODUCT} }} }} }} }}"""
TRANSFER = f"""{INVALID} ... on AccountPayload {{
    account {{ id balance {MONEY} }}
    transaction {{ id type reason amount {MONEY} balance {MONEY} }} }}"""
DEPOSIT = f"mutation ($input: MoneyTransferInput!) {{ deposit(input: $input) {{ {TRANSFER} }} }}"
WITHDRAW = (
    f"mutation ($input: MoneyTransferInput!) {{ withdraw(input: $input) {{ {TRANSFER} {SHORT} }} }}"
)
ORDER = f"""id number allowedActions status total {MONEY} shipment {{ id }}
    items {{ productId productName imageUrl unitPrice {MONEY} quantity subtotal {MONEY} }}
    shippingAddress {{ country city postCode street houseNumber localNumber }}
    problem {{ {PROBLEM} {SHORT}
        ... on WrongOrderPriceProblem {{ provided {{ amount }} calculated {{ amount }} }}
        ... on ProductsUnavailableProblem {{
            products {{ productId name requested available }} }} }}"""
CREATE_ORDER = f"""mutation ($input: CreateOrderInput!) {{ createOrder(input: $input) {{
    {INVALID} ... on OrderPayload {{ order {{ {ORDER} }} }} }} }}"""
PLACE_ORDER = f"""mutation ($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{
    {INVALID} {UNKNOWN}
    ... on PlaceOrderPayload {{ execution {{ name status order {{ id }} }} }} }} }}"""
CANCEL_ORDER = f"""mutation ($orderId: ID!) {{ cancelOrder(orderId: $orderId) {{
    {PROBLEM} {UNKNOWN} ... on OrderPayload {{ order {{ {ORDER} }} }} }} }}"""
CHANGE_ORDER = f"""mutation ($input: ChangeOrderInput!) {{ changeOrder(input: $input) {{
    {INVALID} {UNKNOWN} ... on OrderPayload {{ order {{ {ORDER} }} }} }} }}"""
RESULT = f"""subscription ($name: String!) {{ orderResult(executionName: $name) {{
    executionName status order {{ {ORDER} }} }} }}"""
PROGRESS = """subscription ($name: String!) { orderProgress(executionName: $name) {
    executionName number type productId at } }"""

ADDRESS = {
    "country": "Norway",
    "city": "Oslo",
    "postCode": "0150",
    "street": "Karl Johans gate",
    "houseNumber": "1",
    "localNumber": None,
}


def order_input(total: str, lines: dict[str, int], **changes: object) -> dict[str, Any]:
    """What `createOrder` takes: product ids and quantities."""
    items = [{"productId": product, "quantity": n} for product, n in lines.items()]
    return {"items": items, "total": total, "shippingAddress": ADDRESS, **changes}


async def create(client: Client, total: str, lines: dict[str, int]) -> str:
    """The id of a new order."""
    payload = await client.ask(CREATE_ORDER, input=order_input(total, lines))
    order_id: str = payload["order"]["id"]
    return order_id


async def place(client: Client, order_id: str, name: str) -> dict[str, Any]:
    """What `placeOrder` answers."""
    payload: dict[str, Any] = await client.ask(
        PLACE_ORDER, input={"orderId": order_id, "executionName": name}
    )
    return payload


async def buy(client: Client, name: str, total: str, lines: dict[str, int]) -> dict[str, Any]:
    """The result of an order that was created, placed and followed to its end."""
    return await place_and_wait(client, await create(client, total, lines), name)


async def place_and_wait(client: Client, order_id: str, name: str) -> dict[str, Any]:
    """The result of an order that was placed and followed to its end."""
    await place(client, order_id, name)
    async with client.follow(RESULT, name=name) as result:
        outcome: dict[str, Any] = await result.next()
    return outcome
