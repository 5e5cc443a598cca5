"""How much one call, one user and one connection may ask for."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from graphql import get_introspection_query

from api.graphql.services import CONNECTIONS_A_USER, MUTATIONS_A_MINUTE, SUBSCRIPTIONS_A_USER
from tests.api.shop import Shop, hear, say, whole_shop

ORDERS = "query ($n: Int!) { viewer { orders(first: $n) { nodes { id items { productName } } } } }"
DEEP = "{ viewer { orders { nodes { " + "executions { order { " * 7 + "id" + " } }" * 7 + " } } } }"
WIDE = "{ products { nodes { " + " ".join(f"{f}" for f in ["id", "name"] * 150) + " } } }"
ALIASES = "{ " + " ".join(f"a{n}: __typename" for n in range(51)) + " }"
BOMB = (
    "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(30))
    + " fragment f30 on Query { viewer { id } }"
)
TOKENS = "{ " + "__typename " * 2_000 + "}"
COMMENTS = "#\n" * 3_000 + "{ __typename }"
NESTED = "{ product(id: " + "[" * 900 + "]" * 900 + ") { id } }"
COSTLY = """{ viewer { orders(first: 100) { nodes { id customer { orders(first: 100) { nodes { id
    items { productName } } } } } } } }"""
FULL_PAGE = """{ viewer { orders(first: 100) { totalCount pageInfo { endCursor } nodes { id
    status total { amount currency } createdAt updatedAt shippingAddress { country city street }
    items { productName quantity product { name available price { amount } } subtotal { amount } }
    shipment { id preparedAt } problem { ...P } executions { name status startedAt finishedAt
    problem { ...P } steps { number type productId at } } } } } }
    fragment P on Problem { code message
    ... on ProductsUnavailableProblem { products { productId name requested available } }
    ... on WrongOrderPriceProblem { provided { amount } calculated { amount } }
    ... on InsufficientFundsProblem { balance { amount } required { amount } } }"""
INTROSPECTION = "{ " + " ".join(f"a{n}: __schema {{ __typename }}" for n in range(11)) + " }"


@pytest.fixture
def unlimited_shop(database_url: str) -> Iterator[Shop]:
    with whole_shop(database_url, limits=False, introspection=False, graphiql=False) as shop:
        yield shop


@pytest.mark.parametrize(
    "document", [DEEP, WIDE, ALIASES, BOMB, TOKENS, COMMENTS, COSTLY, INTROSPECTION]
)
async def test_a_document_that_asks_for_too_much_is_refused(shop: Shop, document: str) -> None:
    ada = await shop.customer()
    assert await ada.code(document) == "QUERY_TOO_COMPLEX"


async def test_a_document_that_is_nested_too_deeply_to_be_read_is_refused(shop: Shop) -> None:
    assert await shop.visitor().code(NESTED) == "QUERY_TOO_COMPLEX"
    assert await shop.visitor().code("{ a " * 900 + "}" * 900) == "QUERY_TOO_COMPLEX"


async def test_tools_can_read_the_schema(shop: Shop) -> None:
    answer = await shop.visitor().send(get_introspection_query(input_value_deprecation=True))
    assert "errors" not in answer
    assert answer["extensions"] == {"cost": 5_000}


async def test_page_sizes_multiply_the_cost_of_what_is_below(shop: Shop) -> None:
    ada = await shop.customer()
    costs = [(await ada.send(ORDERS, n=n))["extensions"]["cost"] for n in (1, 10, 100)]
    # viewer, orders and nodes; then of each order its id, and 5 items of one field.
    assert costs == [3 + n * (1 + 1 + 5) for n in (1, 10, 100)]


async def test_a_whole_page_of_orders_with_all_that_they_hold_is_not_too_much(shop: Shop) -> None:
    ada = await shop.customer()
    assert "errors" not in await ada.send(FULL_PAGE)


async def test_of_fragments_that_exclude_each_other_the_dearest_is_counted(shop: Shop) -> None:
    ada = await shop.customer()
    document = """mutation { deposit(input: {amount: "1"}) {
        ... on AccountPayload { account { id } transaction { id } }
        ... on ValidationProblem { code message }
        ... on Problem { code } ... on AccountPayload { account { id } } } }"""
    answer = await ada.send(document)
    assert answer["extensions"] == {"cost": 1 + (2 + 2 + 2) + 1}


async def test_the_cost_is_of_the_page_size_that_is_meant(shop: Shop) -> None:
    visitor = shop.visitor()

    async def cost(document: str, **variables: object) -> int:
        found: int = (await visitor.send(document, **variables))["extensions"]["cost"]
        return found

    assert await cost("{ products { nodes { id } } }") == 2 + 20
    assert await cost("{ products(first: 7) { nodes { id } } }") == 2 + 7
    assert await cost("{ products(first: null) { nodes { id } } }") == 2 + 20
    default = "query ($n: Int = 9) { products(first: $n) { edges { node { id } } totalCount } }"
    assert await cost(default) == 3 + 9 * 2
    assert await cost(default, n=4) == 3 + 4 * 2
    inline = "{ products(first: 2) { ... on ProductConnection { nodes { ...P } } } }"
    fragment = " fragment P on Product { id price { amount } }"
    assert await cost(inline + fragment) == 2 + 2 * 3


async def test_a_page_size_that_is_none_is_bad_input_all_the_same(shop: Shop) -> None:
    ada = await shop.customer()
    for n in (101, -1, 2**31 - 1):
        assert await ada.code(ORDERS, n=n) == "BAD_USER_INPUT"


async def test_a_user_may_send_so_many_mutations_a_minute(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    order = str(uuid4())
    fields = " ".join(f'a{n}: cancelOrder(orderId: "{order}") {{ __typename }}' for n in range(50))
    document = f"mutation {{ {fields} }}"
    for _ in range(MUTATIONS_A_MINUTE // 50):
        assert "errors" not in await ada.send(document)
    [error] = (await ada.send(document))["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 1 <= error["extensions"]["retryAfter"] <= 60
    assert "errors" not in await ada.send("{ viewer { id } }")
    assert "errors" not in await bob.send(document)


async def test_a_user_may_open_so_many_connections(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    async with AsyncExitStack() as open_sockets:
        for _ in range(CONNECTIONS_A_USER):
            await open_sockets.enter_async_context(ada.socket())
        async with bob.socket():
            pass
        socket = await open_sockets.enter_async_context(ada.connection())
        payload = {"authorization": ada.token}
        await say(socket, type="connection_init", payload=payload)
        await socket.wait_closed()
        assert socket.close_code == 1013  # it passes by itself
    async with ada.socket():
        pass


async def test_a_user_may_follow_so_many_things_at_once(shop: Shop) -> None:
    ada = await shop.customer()
    payload = {"query": "subscription { productChanged { id } }"}
    async with ada.socket() as first, ada.socket() as second:
        for n in range(SUBSCRIPTIONS_A_USER):
            await say(first, type="subscribe", id=str(n), payload=payload)
        await say(first, type="ping")
        assert await hear(first) == {"type": "pong"}
        await say(second, type="subscribe", id="more", payload=payload)
        message = await hear(second)
        assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await say(first, type="complete", id="0")
        await say(first, type="ping")
        assert await hear(first) == {"type": "pong"}
        await say(second, type="subscribe", id="more", payload=payload)
        await say(second, type="ping")
        assert await hear(second) == {"type": "pong"}


async def test_limits_can_be_turned_off_but_for_what_one_call_may_ask_for(
    unlimited_shop: Shop,
) -> None:
    ada = await unlimited_shop.customer()
    for document in (DEEP, WIDE, ALIASES, COSTLY, TOKENS):
        assert await ada.code(document) == "QUERY_TOO_COMPLEX"
    large = await ada.post({"query": "{ __typename }", "padding": "x" * (2 << 20)})
    assert large.status_code == 413
    async with AsyncExitStack() as open_sockets:
        for _ in range(CONNECTIONS_A_USER + 1):
            await open_sockets.enter_async_context(ada.socket())


async def test_the_schema_can_be_hidden(unlimited_shop: Shop) -> None:
    visitor = unlimited_shop.visitor()
    assert await visitor.code('{ __type(name: "User") { name } }') == "BAD_USER_INPUT"
    [error] = (await visitor.send("{ product(id: 1) { nam } }"))["errors"]
    assert "Did you mean" not in error["message"]
    assert await visitor.ask("{ __typename }") == "Query"
    response = await visitor.get({"Accept": "text/html"})
    assert response.status_code == 404
