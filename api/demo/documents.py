"""The GraphQL documents that the stories send."""

PROBLEM = "__typename ... on Problem { code message }"
INVALID = f"{PROBLEM} ... on ValidationProblem {{ fields {{ path message }} }}"

SIGN_IN = f"""mutation ($input: SignInInput!) {{ signIn(input: $input) {{
  {PROBLEM} ... on SignInPayload {{ session {{ accessToken }} }} }} }}"""

VIEWER = "{ viewer { account { balance { amount currency } } } }"

PRODUCTS = (
    "query ($ids: [ID!]!) { products(ids: $ids) { nodes { id price { amount } available } } }"
)

RESERVED = "query ($id: ID!) { product(id: $id) { stock { reserved } } }"

UPDATE_PRODUCT = f"""mutation ($input: UpdateProductInput!) {{ updateProduct(input: $input) {{
  {INVALID} }} }}"""

ADJUST_STOCK = (
    f"mutation ($input: AdjustStockInput!) {{ adjustStock(input: $input) {{ {INVALID} }} }}"
)

DEPOSIT = f"mutation ($input: MoneyTransferInput!) {{ deposit(input: $input) {{ {INVALID} }} }}"

CREATE_ORDER = f"""mutation ($input: CreateOrderInput!) {{ createOrder(input: $input) {{
  {INVALID} ... on OrderPayload {{ order {{ id }} }} }} }}"""

PLACE_ORDER = f"mutation ($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ {INVALID} }} }}"

PROGRESS = """subscription ($name: String!) { orderProgress(executionName: $name) {
  executionName number type productId at } }"""

RESULT = """subscription ($name: String!) { orderResult(executionName: $name) {
  executionName status order { shipment { id } } problem { code message
    ... on WrongOrderPriceProblem { provided { amount } calculated { amount } }
    ... on ProductsUnavailableProblem { products { productId requested available } }
    ... on InsufficientFundsProblem { balance { amount } required { amount } } } } }"""
