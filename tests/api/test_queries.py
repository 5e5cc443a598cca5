"""What queries answer, and to whom."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from api.ids import booking_id, shipment_id
from domain.commands import (
    ChangeProduct,
    CreateOrder,
    Deposit,
    ListProduct,
    OpenAccount,
    PlaceOrder,
)
from domain.values import Address, OrderItem
from infrastructure.ids import execution_id
from infrastructure.postgres.connections import conninfo
from tests.api.reading import Reader, add_user, reader
from tests.projections.shops import Shop
from tests.projections.tables import apply

ADA, BOB, ROOT, NOBODY = (UUID(int=n) for n in range(1, 5))
BOARD, WHEEL = UUID(int=11), UUID(int=12)
ORDERS = [UUID(int=n) for n in range(100, 140)]
RUN = execution_id(ADA, "first try")
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "7", "4")


def add_order(shop: Shop, order: UUID, customer: UUID, total: int = 10_50) -> None:
    items = (
        OrderItem(BOARD, "Board", "/board.svg", 10_00, 1),
        OrderItem(WHEEL, "Wheel", "/wheel.svg", 25, 2),
    )
    shop.send(CreateOrder(order, customer, customer, items, ADDRESS, total))


def a_shop() -> Shop:
    """Ada has 20 orders, of which the first is completed; Bob has one."""
    shop = Shop().send(
        ListProduct(BOARD, "Board", "/board.svg", 10_00, 10),
        ListProduct(WHEEL, "Wheel", "/wheel.svg", 25, 10),
        OpenAccount(ADA, ADA, 100_00),
        OpenAccount(BOB, BOB, 5),
    )
    for order in ORDERS[:20]:
        add_order(shop, order, ADA)
    add_order(shop, ORDERS[20], BOB)
    shop.send(PlaceOrder(ORDERS[0], RUN, "first try")).run()
    return shop


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        add_user(connection, ADA, "ada")
        add_user(connection, BOB, "bob")
        add_user(connection, ROOT, "root", "ADMIN")
        yield connection


@pytest.fixture
def shop(database: psycopg.Connection) -> Shop:
    shop = a_shop()
    apply(database, shop.log)
    return shop


@pytest_asyncio.fixture
async def ada(database_url: str, shop: Shop) -> AsyncIterator[Reader]:
    async with reader(database_url, ADA) as somebody:
        yield somebody


@pytest_asyncio.fixture
async def bob(database_url: str, shop: Shop) -> AsyncIterator[Reader]:
    async with reader(database_url, BOB) as somebody:
        yield somebody


@pytest_asyncio.fixture
async def root(database_url: str, shop: Shop) -> AsyncIterator[Reader]:
    async with reader(database_url, ROOT, "ADMIN") as somebody:
        yield somebody


@pytest_asyncio.fixture
async def nobody(database_url: str, shop: Shop) -> AsyncIterator[Reader]:
    async with reader(database_url) as somebody:
        yield somebody


async def test_the_viewer_is_the_caller(ada: Reader, nobody: Reader) -> None:
    viewer = """{ viewer {
        id email name role emailVerified createdAt account { id balance { amount } }
    } }"""
    assert await ada.ask(viewer) == {
        "viewer": {
            "id": str(ADA),
            "email": "ada@shop.test",
            "name": "ada",
            "role": "USER",
            "emailVerified": True,
            "createdAt": "2026-05-01T08:00:00.000000Z",
            "account": {"id": str(ADA), "balance": {"amount": "89.50"}},
        }
    }
    assert await nobody.ask(viewer) == {"viewer": None}


async def test_an_order_in_full(ada: Reader) -> None:
    answer = await ada.ask(
        """query ($id: ID!) { order(id: $id) {
            id status createdAt updatedAt total { amount currency }
            customer { name }
            items {
                productId productName imageUrl quantity
                unitPrice { amount } subtotal { amount }
                product { id name }
            }
            shippingAddress { country city postCode street houseNumber localNumber }
            shipment { id preparedAt address { city } }
            problem { code message }
            executions {
                name status startedAt finishedAt problem { code } order { id }
                steps { executionName number type productId at }
            }
        } }""",
        id=ORDERS[0],
    )
    order = answer["order"]
    assert order["status"] == "COMPLETED"
    assert order["total"] == {"amount": "10.50", "currency": "USD"}
    assert order["customer"] == {"name": "ada"}
    assert order["items"][1] == {
        "productId": str(WHEEL),
        "productName": "Wheel",
        "imageUrl": "/wheel.svg",
        "quantity": 2,
        "unitPrice": {"amount": "0.25"},
        "subtotal": {"amount": "0.50"},
        "product": {"id": str(WHEEL), "name": "Wheel"},
    }
    assert order["shippingAddress"] == {
        "country": "PL",
        "city": "Kraków",
        "postCode": "30-001",
        "street": "Długa",
        "houseNumber": "7",
        "localNumber": "4",
    }
    assert order["shipment"]["id"] == str(shipment_id(RUN))
    assert order["shipment"]["address"] == {"city": "Kraków"}
    assert order["problem"] is None
    [execution] = order["executions"]
    assert execution["name"] == "first try"
    assert execution["status"] == "SUCCEEDED"
    assert execution["finishedAt"] == order["updatedAt"]
    assert execution["order"] == {"id": str(ORDERS[0])}
    assert execution["steps"][1] == {
        "executionName": "first try",
        "number": 2,
        "type": "STOCK_RESERVED",
        "productId": str(BOARD),
        "at": "2026-05-01T08:00:27.000000Z",
    }
    assert execution["steps"][-1]["type"] == "SUCCEEDED"
    assert execution["steps"][-1]["productId"] is None


async def test_items_tell_what_was_ordered_and_products_what_is_now(
    ada: Reader, shop: Shop, database: psycopg.Connection
) -> None:
    known = len(shop.log)
    apply(database, shop.send(ChangeProduct(BOARD, "Deck", None, 11_00)).log[known:])
    answer = await ada.ask(
        "query ($id: ID!) { order(id: $id) { items {"
        " productName unitPrice { amount } product { name price { amount } } } } }",
        id=ORDERS[1],
    )
    assert answer["order"]["items"][0] == {
        "productName": "Board",
        "unitPrice": {"amount": "10.00"},
        "product": {"name": "Deck", "price": {"amount": "11.00"}},
    }


async def test_transactions_newest_first(ada: Reader) -> None:
    answer = await ada.ask(
        "{ viewer { account { transactions { totalCount nodes {"
        " id type reason amount { amount } balance { amount } order { id } } } } } }"
    )
    assert answer["viewer"]["account"]["transactions"] == {
        "totalCount": 2,
        "nodes": [
            {
                "id": str(booking_id(29)),
                "type": "DEBIT",
                "reason": "ORDER_PAYMENT",
                "amount": {"amount": "10.50"},
                "balance": {"amount": "89.50"},
                "order": {"id": str(ORDERS[0])},
            },
            {
                "id": str(booking_id(3)),
                "type": "CREDIT",
                "reason": "OPENING_DEPOSIT",
                "amount": {"amount": "100.00"},
                "balance": {"amount": "100.00"},
                "order": None,
            },
        ],
    }


async def test_products_are_for_everybody(nobody: Reader) -> None:
    answer = await nobody.ask(
        """{ products(search: "BOA") {
            nodes { id name imageUrl price { amount } available discontinued }
        } }"""
    )
    assert answer["products"]["nodes"] == [
        {
            "id": str(BOARD),
            "name": "Board",
            "imageUrl": "/board.svg",
            "price": {"amount": "10.00"},
            "available": 9,
            "discontinued": False,
        }
    ]
    one = "query ($id: ID!) { product(id: $id) { name } }"
    assert await nobody.ask(one, id=WHEEL) == {"product": {"name": "Wheel"}}
    assert await nobody.ask(one, id=NOBODY) == {"product": None}


async def test_stock_is_for_administrators(nobody: Reader, ada: Reader, root: Reader) -> None:
    stock = "query ($id: ID!) { product(id: $id) { stock { onHand reserved available } } }"
    assert await nobody.code(stock, id=BOARD) == "UNAUTHENTICATED"
    assert await ada.code(stock, id=BOARD) == "FORBIDDEN"
    answer = await root.ask(stock, id=BOARD)
    assert answer["product"]["stock"] == {"onHand": 9, "reserved": 0, "available": 9}


ORDER = "query ($id: ID!) { order(id: $id) { id } }"
ORDERS_OF = "query ($id: ID) { orders(userId: $id) { totalCount nodes { id } } }"


async def test_others_orders_are_as_if_they_were_not(
    ada: Reader, bob: Reader, root: Reader, nobody: Reader
) -> None:
    assert await ada.ask(ORDER, id=ORDERS[20]) == await ada.ask(ORDER, id=NOBODY) == {"order": None}
    for reader_ in (bob, root):
        assert await reader_.ask(ORDER, id=ORDERS[20]) == {"order": {"id": str(ORDERS[20])}}
    assert await nobody.code(ORDER, id=ORDERS[20]) == "UNAUTHENTICATED"


async def test_orders_are_the_callers_own_and_all_for_an_administrator(
    bob: Reader, root: Reader, nobody: Reader
) -> None:
    own = {"orders": {"totalCount": 1, "nodes": [{"id": str(ORDERS[20])}]}}
    assert await bob.ask(ORDERS_OF) == own
    assert await bob.ask(ORDERS_OF, id=BOB) == own
    assert await root.ask(ORDERS_OF, id=BOB) == own
    assert (await root.ask(ORDERS_OF))["orders"]["totalCount"] == 21
    assert await bob.code(ORDERS_OF, id=ADA) == "FORBIDDEN"
    assert await nobody.code(ORDERS_OF) == "UNAUTHENTICATED"


async def test_orders_by_status(ada: Reader, root: Reader) -> None:
    done = "{ orders(status: [COMPLETED, FAILED]) { totalCount nodes { id } } }"
    only = {"orders": {"totalCount": 1, "nodes": [{"id": str(ORDERS[0])}]}}
    assert await ada.ask(done) == await root.ask(done) == only
    none = await ada.ask("{ orders(status: []) { totalCount nodes { id } } }")
    assert none == {"orders": {"totalCount": 0, "nodes": []}}


async def test_an_execution_is_found_by_its_customer_alone(
    ada: Reader, bob: Reader, root: Reader, nobody: Reader
) -> None:
    execution = '{ execution(name: "first try") { status order { id } } }'
    found = {"execution": {"status": "SUCCEEDED", "order": {"id": str(ORDERS[0])}}}
    assert await ada.ask(execution) == found
    assert await bob.ask(execution) == await root.ask(execution) == {"execution": None}
    assert await nobody.code(execution) == "UNAUTHENTICATED"


async def test_users_and_all_executions_are_for_administrators(
    ada: Reader, root: Reader, nobody: Reader
) -> None:
    user = "query ($id: ID, $email: String) { user(id: $id, email: $email) { name } }"
    executions = "{ executions(status: [SUCCEEDED]) { totalCount nodes { name } } }"
    for document in (user, executions):
        assert await ada.code(document) == "FORBIDDEN"
        assert await nobody.code(document) == "UNAUTHENTICATED"
    assert await root.ask(user, id=ADA) == {"user": {"name": "ada"}}
    assert await root.ask(user, email="ADA@shop.test") == {"user": {"name": "ada"}}
    for unknown in ("eve@shop.test", "no address", "\0", "x" * 1_000):
        assert await root.ask(user, email=unknown) == {"user": None}
    assert await root.code(user) == "BAD_USER_INPUT"
    assert await root.code(user, id=ADA, email="ada@shop.test") == "BAD_USER_INPUT"
    assert await root.ask(executions) == {
        "executions": {"totalCount": 1, "nodes": [{"name": "first try"}]}
    }


@pytest.mark.parametrize(
    "document",
    [
        '{ product(id: "board") { id } }',
        '{ product(id: "") { id } }',
        '{ product(id: "0000000b000000000000000000000000") { id } }',
        '{ products(ids: ["1"]) { totalCount } }',
        "{ products(first: 101) { totalCount } }",
        "{ products(first: -1) { totalCount } }",
        "{ products(last: 101) { totalCount } }",
        "{ products(last: -1) { totalCount } }",
        "{ products(first: 1, last: 1) { totalCount } }",
        '{ products(after: "") { totalCount } }',
        '{ products(before: "") { totalCount } }',
        '{ products(after: "abc") { totalCount } }',
        '{ products(after: "MQ==") { totalCount } }',
        '{ products(before: "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=") { totalCount } }',
        '{ products(after: "☃") { totalCount } }',
        r'{ products(search: "\u0000") { totalCount } }',
        '{ orders(userId: "x") { totalCount } }',
        "{ orders(first: 101) { totalCount } }",
        "{ viewer { orders(first: 101) { totalCount } } }",
        '{ viewer { account { transactions(after: "x") { totalCount } } } }',
        r'{ execution(name: "\u0000") { name } }',
    ],
)
async def test_what_makes_no_sense_is_bad_input(ada: Reader, document: str) -> None:
    assert await ada.code(document) == "BAD_USER_INPUT"


async def test_words_to_look_for_may_be_any_that_can_be_printed(nobody: Reader) -> None:
    document = "query ($search: String) { products(search: $search) { totalCount } }"
    for odd in ("%", "' OR true --", "\u200d", "👩\u200d🔧", "ё", "x" * 200):
        assert await nobody.ask(document, search=odd) == {"products": {"totalCount": 0}}
    for bad in ("\0", "a\nb", "\ud800", "x" * 201):
        assert await nobody.code(document, search=bad) == "BAD_USER_INPUT"


async def test_what_was_let_in_once_turns_nobodys_page(
    ada: Reader, shop: Shop, database: psycopg.Connection
) -> None:
    known, turned = len(shop.log), "Board\u202egpj.exe"
    database.execute("UPDATE users SET name = %s WHERE user_id = %s", (turned, ADA))
    items = (OrderItem(BOARD, turned, "/board.svg", 10_00, 1),)
    address = replace(ADDRESS, city=turned)
    shop.send(
        ChangeProduct(BOARD, turned, None, None),
        CreateOrder(ORDERS[21], ADA, ADA, items, address, 10_00),
    )
    apply(database, shop.log[known:])
    answer = await ada.ask(
        """query ($id: ID!) { order(id: $id) { customer { name } shippingAddress { city }
            items { productName product { name } } } }""",
        id=ORDERS[21],
    )
    upright = "Board\ufffdgpj.exe"
    assert answer["order"] == {
        "customer": {"name": upright},
        "shippingAddress": {"city": upright},
        "items": [{"productName": upright, "product": {"name": upright}}],
    }


async def test_many_search_at_once_and_all_are_answered(nobody: Reader) -> None:
    document = "query ($search: String) { products(search: $search) { totalCount nodes { id } } }"
    answers = await asyncio.gather(
        *(nobody.ask(document, search=f"nothing {number}") for number in range(20))
    )
    assert all(answer == {"products": {"totalCount": 0, "nodes": []}} for answer in answers)


async def test_too_many_ids_are_bad_input(nobody: Reader) -> None:
    document = "query ($ids: [ID!]) { products(ids: $ids) { totalCount } }"
    assert await nobody.code(document, ids=[str(BOARD)] * 1001) == "BAD_USER_INPUT"
    answer = await nobody.ask(document, ids=[str(BOARD)] * 1000)
    assert answer == {"products": {"totalCount": 1}}


PAGE = """query ($first: Int, $after: String) { orders(first: $first, after: $after) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} }"""


async def page(somebody: Reader, first: int | None, after: str | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = (await somebody.ask(PAGE, first=first, after=after))["orders"]
    return answer


async def test_pages_meet_each_other(ada: Reader) -> None:
    first = await page(ada, 15)
    info = first["pageInfo"]
    assert first["totalCount"] == 20
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)
    assert [edge["node"] for edge in first["edges"]] == first["nodes"]
    assert info["startCursor"] == first["edges"][0]["cursor"]
    assert info["endCursor"] == first["edges"][-1]["cursor"]
    second = await page(ada, 15, info["endCursor"])
    assert second["pageInfo"]["hasNextPage"] is False
    assert second["pageInfo"]["hasPreviousPage"] is True
    nodes = first["nodes"] + second["nodes"]
    assert nodes == [{"id": str(order)} for order in ORDERS[19::-1]]
    beyond = await page(ada, 15, second["pageInfo"]["endCursor"])
    assert (beyond["nodes"], beyond["pageInfo"]["endCursor"]) == ([], None)
    assert beyond["totalCount"] == 20


async def test_a_page_that_is_just_full_has_no_next(ada: Reader) -> None:
    assert (await page(ada, 20))["pageInfo"]["hasNextPage"] is False
    assert (await page(ada, 19))["pageInfo"]["hasNextPage"] is True
    nothing = await page(ada, 0)
    assert (nothing["nodes"], nothing["totalCount"]) == ([], 20)
    assert nothing["pageInfo"]["hasNextPage"] is False  # there is no cursor to go on from
    assert len((await page(ada, None))["nodes"]) == 20


async def test_pages_stay_right_while_rows_arrive(
    ada: Reader, shop: Shop, database: psycopg.Connection
) -> None:
    first = await page(ada, 10)
    known = len(shop.log)
    for order in ORDERS[21:25]:
        add_order(shop, order, ADA)
    shop.send(PlaceOrder(ORDERS[5], UUID(int=202), "second try")).run()
    apply(database, shop.log[known:])
    second = await page(ada, 10, first["pageInfo"]["endCursor"])
    nodes = first["nodes"] + second["nodes"]
    assert nodes == [{"id": str(order)} for order in ORDERS[19::-1]]


FULL_PAGE = """query ($first: Int) { orders(first: $first) { totalCount nodes {
    id status total { amount }
    customer { name account { balance { amount } transactions { nodes { order { id } } } } }
    items { productName product { name available } }
    executions { name status steps { type at } order { id } }
} } }"""


async def test_a_page_costs_the_same_statements_however_long_it_is(root: Reader) -> None:
    short = await root.statements(FULL_PAGE, first=2)
    long = await root.statements(FULL_PAGE, first=20)
    # Orders, their total, executions, users, products; accounts, transactions and their orders,
    # of which the long page has all already.
    assert (len(short), len(long)) == (8, 7)


async def test_the_total_is_counted_only_where_it_is_selected(ada: Reader) -> None:
    for plain, counted in (
        ("{ products { nodes { id } } }", "{ products { totalCount } }"),
        ("{ orders { nodes { id } } }", "{ orders { totalCount } }"),
    ):
        assert len(await ada.statements(plain)) == 1
        assert len(await ada.statements(counted)) == 2


async def test_customers_side_by_side_are_read_in_one_statement(root: Reader) -> None:
    document = """{ orders(first: 21) { nodes { customer {
        orders(first: 3, status: [PENDING]) { totalCount nodes { id } }
        account { transactions(first: 1) { totalCount nodes { id } } }
    } } } }"""
    assert len(await root.statements(document)) == 7
    nodes = (await root.ask(document))["orders"]["nodes"]
    bobs, adas = nodes[0]["customer"], nodes[1]["customer"]
    assert bobs["orders"] == {"totalCount": 1, "nodes": [{"id": str(ORDERS[20])}]}
    assert adas["orders"]["totalCount"] == 19
    assert [node["id"] for node in adas["orders"]["nodes"]] == [
        str(ORDERS[n]) for n in (19, 18, 17)
    ]
    assert bobs["account"]["transactions"]["totalCount"] == 1


PROBLEM = """query ($id: ID!) { order(id: $id) { status problem {
    __typename code message
    ... on ProductsUnavailableProblem { products { productId name requested available } }
    ... on WrongOrderPriceProblem { provided { amount } calculated { amount } }
    ... on InsufficientFundsProblem { balance { amount } required { amount } }
} executions { problem { code } } } }"""


async def test_a_failed_order_says_why(
    bob: Reader, shop: Shop, database: psycopg.Connection
) -> None:
    known = len(shop.log)
    shop.send(PlaceOrder(ORDERS[20], UUID(int=202), "no money")).run()
    add_order(shop, ORDERS[21], BOB, total=10_49)
    shop.send(PlaceOrder(ORDERS[21], UUID(int=203), "wrong price")).run()
    items = (OrderItem(BOARD, "Board", "/board.svg", 10_00, 50),)
    shop.send(CreateOrder(ORDERS[22], BOB, BOB, items, ADDRESS, 500_00), Deposit(BOB, RUN, 500_00))
    shop.send(PlaceOrder(ORDERS[22], UUID(int=204), "none left")).run()
    apply(database, shop.log[known:])
    poor, wrong, short = [(await bob.ask(PROBLEM, id=id_))["order"] for id_ in ORDERS[20:23]]
    assert poor["problem"] == {
        "__typename": "InsufficientFundsProblem",
        "code": "INSUFFICIENT_FUNDS",
        "message": "The account holds 0.05 USD, 10.50 USD are needed.",
        "balance": {"amount": "0.05"},
        "required": {"amount": "10.50"},
    }
    assert wrong["problem"] == {
        "__typename": "WrongOrderPriceProblem",
        "code": "WRONG_ORDER_PRICE",
        "message": "The order says 10.49 USD, but its products cost 10.50 USD.",
        "provided": {"amount": "10.49"},
        "calculated": {"amount": "10.50"},
    }
    assert short["problem"] == {
        "__typename": "ProductsUnavailableProblem",
        "code": "PRODUCTS_UNAVAILABLE",
        "message": "Fewer are available than were ordered of: Board.",
        "products": [{"productId": str(BOARD), "name": "Board", "requested": 50, "available": 9}],
    }
    assert short["status"] == "FAILED"
    assert short["executions"] == [{"problem": {"code": "PRODUCTS_UNAVAILABLE"}}]


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "10.00"), ("JPY", "1000"), ("BHD", "1.000"), ("CLF", "0.1000")]
)
async def test_amounts_have_their_currencys_digits(
    database_url: str, shop: Shop, currency: str, amount: str
) -> None:
    async with reader(database_url, currency=currency) as somebody:
        answer = await somebody.ask(
            "{ products(first: 1) { nodes { price { amount currency } } } }"
        )
    assert answer["products"]["nodes"] == [{"price": {"amount": amount, "currency": currency}}]
