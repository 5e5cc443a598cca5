"""Who may ask for what: signed out, its owner, another customer, an administrator."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType
from graphql import build_schema as read_schema

from api.schema import sdl
from tests.api.mutations import ADDRESS, buy, create
from tests.api.shop import Client, Shop, hear, say

SCHEMA = read_schema(sdl())

YES, NO, NULL = "yes", "FORBIDDEN", "null"
WHO, UNKNOWN = "UNAUTHENTICATED", "NOT_FOUND"
WAITS = "waits"
PUBLIC = (YES, YES, YES, YES)
SIGNED_IN = (WHO, YES, YES, YES)
ADMINISTRATORS = (WHO, NO, NO, YES)
OWN_OBJECT = (WHO, YES, UNKNOWN, UNKNOWN)
OWN_NAME = (WHO, YES, NULL, NULL)

# For each root field: a document (with the names below in it) and what becomes of it for a visitor,
# for the customer whose things they are, for another customer and for an administrator.
ROOTS: dict[str, tuple[str, tuple[str, str, str, str]]] = {
    "Query.viewer": ("{ viewer { id } }", (NULL, YES, YES, YES)),
    "Query.product": ('{ product(id: "$product") { id } }', PUBLIC),
    "Query.products": ("{ products { totalCount } }", PUBLIC),
    "Query.order": ('{ order(id: "$done") { id } }', (WHO, YES, NULL, YES)),
    "Query.orders": ('{ orders(userId: "$owner") { totalCount } }', (WHO, YES, NO, YES)),
    "Query.execution": ('{ execution(name: "$run") { name } }', OWN_NAME),
    "Query.user": ('{ user(id: "$owner") { id } }', ADMINISTRATORS),
    "Query.executions": ("{ executions { totalCount } }", ADMINISTRATORS),
    "Mutation.signUp": (
        'mutation { signUp(input: { email: "x", password: "x", name: "x" }) { __typename } }',
        PUBLIC,
    ),
    "Mutation.verifyEmail": (
        'mutation { verifyEmail(input: { email: "$email", code: "0" }) { __typename } }',
        PUBLIC,
    ),
    "Mutation.requestVerificationCode": (
        'mutation { requestVerificationCode(email: "$email") { email } }',
        PUBLIC,
    ),
    "Mutation.signIn": (
        'mutation { signIn(input: { email: "$email", password: "x" }) { __typename } }',
        PUBLIC,
    ),
    "Mutation.refreshSession": (
        'mutation { refreshSession(refreshToken: "x") { __typename } }',
        PUBLIC,
    ),
    "Mutation.signOut": ('mutation { signOut(refreshToken: "x") { ok } }', PUBLIC),
    "Mutation.requestPasswordReset": (
        'mutation { requestPasswordReset(email: "$email") { email } }',
        PUBLIC,
    ),
    "Mutation.resetPassword": (
        (
            'mutation { resetPassword(input: { email: "$email", code: "0", newPassword: "x" }) {'
            " __typename } }"
        ),
        PUBLIC,
    ),
    "Mutation.createProducts": (
        (
            'mutation { createProducts(input: [{ name: "x", imageUrl: "/x", price: 1,'
            " quantity: 1 }]) { __typename } }"
        ),
        ADMINISTRATORS,
    ),
    "Mutation.updateProduct": (
        'mutation { updateProduct(input: { id: "$product", name: "x" }) { __typename } }',
        ADMINISTRATORS,
    ),
    "Mutation.adjustStock": (
        (
            'mutation { adjustStock(input: { productId: "$product", by: 1, reason: "x" }) {'
            " __typename } }"
        ),
        ADMINISTRATORS,
    ),
    "Mutation.discontinueProducts": (
        'mutation { discontinueProducts(ids: ["$old"]) { __typename } }',
        ADMINISTRATORS,
    ),
    "Mutation.deposit": ('mutation { deposit(input: { amount: "1" }) { __typename } }', SIGNED_IN),
    "Mutation.withdraw": (
        'mutation { withdraw(input: { amount: "1" }) { __typename } }',
        SIGNED_IN,
    ),
    "Mutation.createOrder": (
        (
            'mutation { createOrder(input: { items: [{ productId: "$product", quantity: 1 }],'
            ' total: "10", shippingAddress: $address }) { __typename } }'
        ),
        SIGNED_IN,
    ),
    "Mutation.placeOrder": (
        (
            'mutation { placeOrder(input: { orderId: "$first", executionName: "$first" }) {'
            " ... on Problem { code } } }"
        ),
        OWN_OBJECT,
    ),
    "Mutation.cancelOrder": (
        'mutation { cancelOrder(orderId: "$second") { ... on Problem { code } } }',
        OWN_OBJECT,
    ),
    "Subscription.orderResult": (
        'subscription { orderResult(executionName: "$run") { status } }',
        (WHO, YES, WAITS, WAITS),
    ),
    "Subscription.orderProgress": (
        'subscription { orderProgress(executionName: "$run") { number } }',
        (WHO, YES, WAITS, WAITS),
    ),
    "Subscription.productChanged": (
        'subscription { productChanged(ids: ["$product"]) { id } }',
        (WAITS, WAITS, WAITS, WAITS),
    ),
    "Subscription.accountChanged": (
        "subscription { accountChanged { id } }",
        (WHO, WAITS, WAITS, WAITS),
    ),
}
# Fields that ask for more than the object that they are a field of.
GUARDED = {"Product.stock": ('{ product(id: "$product") { stock { onHand } } }', ADMINISTRATORS)}
# All fields of these are for whoever was given the object.
GIVEN = {
    "Account": "id balance transactions",
    "AccountPayload": "account transaction",
    "Address": "country city postCode street houseNumber localNumber",
    "AuthenticationProblem": "code message",
    "ConflictProblem": "code message",
    "Execution": "name status order steps problem startedAt finishedAt",
    "ExecutionConnection": "edges nodes pageInfo totalCount",
    "ExecutionEdge": "cursor node",
    "ExecutionStep": "executionName number type productId at",
    "FieldProblem": "path message",
    "InsufficientFundsProblem": "code message balance required",
    "Money": "amount currency",
    "NotFoundProblem": "code message id",
    "Order": (
        "id status customer items shippingAddress"
        " total shipment problem executions createdAt updatedAt"
    ),
    "OrderConnection": "edges nodes pageInfo totalCount",
    "OrderEdge": "cursor node",
    "OrderItem": "productId product productName imageUrl unitPrice quantity subtotal",
    "OrderPayload": "order",
    "OrderResult": "executionName status order problem",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PlaceOrderPayload": "execution",
    "ProcessingFailedProblem": "code message",
    "Product": "id name imageUrl price available discontinued createdAt",
    "ProductConnection": "edges nodes pageInfo totalCount",
    "ProductEdge": "cursor node",
    "ProductPayload": "product",
    "ProductsPayload": "products",
    "ProductsUnavailableProblem": "code message products",
    "RequestCodePayload": "email",
    "ResetPasswordPayload": "email",
    "Session": "accessToken accessTokenExpiresAt refreshToken user",
    "Shipment": "id address preparedAt",
    "SignInPayload": "session",
    "SignOutPayload": "ok",
    "SignUpPayload": "email",
    "Stock": "onHand reserved available",
    "Transaction": "id type reason amount balance order createdAt",
    "TransactionConnection": "edges nodes pageInfo totalCount",
    "TransactionEdge": "cursor node",
    "UnavailableProduct": "productId name requested available",
    "User": "id email name role emailVerified createdAt account orders",
    "ValidationProblem": "code message fields",
    "VerifyEmailPayload": "user",
    "WrongOrderPriceProblem": "code message provided calculated",
}


@dataclass
class Things:
    """Who asks, and what for: everything named belongs to the `owner`."""

    visitor: Client
    owner: Client
    other: Client
    admin: Client
    names: dict[str, str]

    def fill(self, document: str) -> str:
        for name, value in self.names.items():
            document = document.replace(f"${name}", value)
        return document


@pytest.fixture
async def things(shop: Shop) -> Things:
    owner, other = await shop.customer(), await shop.customer()
    product, old = await shop.product(), await shop.product()
    run = str(uuid4())
    names = {
        "owner": str(owner.user_id),
        "email": f"{uuid4()}@shop.test",
        "product": product,
        "old": old,
        "run": run,
        "done": (await buy(owner, run, "10.00", {product: 1}))["order"]["id"],
        "first": await create(owner, "10.00", {product: 1}),
        "second": await create(owner, "10.00", {product: 1}),
        "address": "{ " + ", ".join(f'{k}: "{v}"' for k, v in ADDRESS.items()) + " }",
    }
    return Things(shop.visitor(), owner, other, await shop.admin(), names)


async def outcome(client: Client, document: str) -> str:
    if document.startswith("subscription"):
        return await first_message(client, document)
    return told(await client.send(document))


async def first_message(client: Client, document: str) -> str:
    async with client.socket() as socket:
        await say(socket, type="subscribe", id="1", payload={"query": document})
        try:
            async with asyncio.timeout(0.3):
                message = await hear(socket)
        except TimeoutError:
            return WAITS
    payload = message["payload"]
    return told({"errors": payload} if message["type"] == "error" else payload)


def told(answer: dict[str, Any]) -> str:
    for error in answer.get("errors", ()):
        code: str = error["extensions"]["code"]
        return code
    [value] = answer["data"].values()
    if value is None:
        return NULL
    problem: str | None = value.get("code")
    return problem or YES


@pytest.mark.parametrize("field", [*ROOTS, *GUARDED])
async def test_who_may(things: Things, field: str) -> None:
    document, expected = (ROOTS | GUARDED)[field]
    asked = things.fill(document)
    # The owner last: what the owner does is done.
    visitor, other, admin, owner = [
        await outcome(client, asked)
        for client in (things.visitor, things.other, things.admin, things.owner)
    ]
    assert (visitor, owner, other, admin) == expected


def test_every_field_of_the_schema_has_a_row() -> None:
    rows = {*ROOTS, *GUARDED} | {
        f"{name}.{field}" for name, fields in GIVEN.items() for field in fields.split()
    }
    schema = {
        f"{kind.name}.{field}"
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        for field in kind.fields
    }
    assert rows == schema
