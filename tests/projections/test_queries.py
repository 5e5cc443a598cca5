"""How the read models are read: by id, by page, counted."""

from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncConnection

from domain.commands import (
    AdjustStock,
    CreateOrder,
    Deposit,
    DiscontinueProduct,
    ListProduct,
    OpenAccount,
    PlaceOrder,
)
from domain.values import OrderItem
from infrastructure.postgres.connections import conninfo
from projections.accounts import (
    accounts_by_ids,
    accounts_by_owners,
    count_transactions,
    transaction_at,
    transaction_by_id,
    transactions_at,
    transactions_pages,
)
from projections.executions import (
    count_executions,
    executions_by_ids,
    executions_by_orders,
    executions_page,
)
from projections.orders import (
    count_orders,
    count_orders_by_customers,
    orders_by_ids,
    orders_page,
    orders_pages,
)
from projections.products import ProductFilter, count_products, products_by_ids, products_page
from projections.window import Window
from tests.projections.shops import ADDRESS, Shop
from tests.projections.tables import apply

NAMES = ["100% Maple", "maple_deck", "Maple\\Deck", "Wheel", "Ящик 🛹"]
PRODUCTS = [UUID(int=n) for n in range(1, 6)]
ADA, BOB, EVE = UUID(int=11), UUID(int=12), UUID(int=13)
ACCOUNTS = {ADA: UUID(int=21), BOB: UUID(int=22)}
ORDERS = [UUID(int=n) for n in range(31, 37)]
NOBODY = UUID(int=99)


def a_shop() -> Shop:
    """Ada has orders 0, 2, 4, of which 2 failed once and was placed again; Bob has the others."""
    shop = Shop()
    for product, name in zip(PRODUCTS, NAMES, strict=True):
        shop.send(ListProduct(product, name, "/p.svg", 10, 100))
    shop.send(
        AdjustStock(PRODUCTS[3], PRODUCTS[0], -100, "stolen"),
        DiscontinueProduct(PRODUCTS[4]),
        OpenAccount(ACCOUNTS[ADA], ADA, 0),
        OpenAccount(ACCOUNTS[BOB], BOB, 500),
    )
    item = OrderItem(PRODUCTS[0], NAMES[0], "/p.svg", 10, 1)
    for n, order in enumerate(ORDERS):
        customer = ADA if n % 2 == 0 else BOB
        shop.send(CreateOrder(order, customer, ACCOUNTS[customer], (item,), ADDRESS, 10))
    shop.send(PlaceOrder(ORDERS[2], UUID(int=41), "one")).run()
    shop.send(Deposit(ACCOUNTS[ADA], UUID(int=51), 10)).run()
    shop.send(PlaceOrder(ORDERS[2], UUID(int=42), "two")).run()
    shop.send(PlaceOrder(ORDERS[1], UUID(int=43), "one"))
    return shop


@pytest.fixture
def shop(connection: psycopg.Connection) -> Shop:
    shop = a_shop()
    apply(connection, shop.log)
    return shop


@pytest_asyncio.fixture
async def database(database_url: str, shop: Shop) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(
        conninfo(database_url, "test"), autocommit=True
    ) as connection:
        yield connection


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ProductFilter(), [0, 1, 2, 3, 4]),
        (ProductFilter(search="MAPLE"), [0, 1, 2]),
        (ProductFilter(search="%"), [0]),
        (ProductFilter(search="_"), [1]),
        (ProductFilter(search="\\"), [2]),
        (ProductFilter(search="ящик 🛹"), [4]),
        (ProductFilter(search="' OR true --"), []),
        (ProductFilter(in_stock=True), [0, 1, 2]),
        (ProductFilter(in_stock=False), [3, 4]),
        (ProductFilter(ids=(PRODUCTS[3], PRODUCTS[1], NOBODY)), [1, 3]),
        (ProductFilter(ids=()), []),
        (ProductFilter(ids=tuple(PRODUCTS), search="maple", in_stock=False), []),
    ],
)
async def test_products_by_filter(
    database: AsyncConnection, wanted: ProductFilter, found: list[int]
) -> None:
    rows = await products_page(database, wanted, Window(10, newest=False))
    assert [row.product_id for row in rows] == [PRODUCTS[n] for n in found]
    assert await count_products(database, wanted) == len(found)


async def test_products_by_page_and_by_id(database: AsyncConnection) -> None:
    first = await products_page(database, ProductFilter(), Window(2, newest=False))
    beyond = Window(2, above=first[-1].created_position, newest=False)
    second = await products_page(database, ProductFilter(), beyond)
    assert [row.name for row in first + second] == NAMES[:4]
    back = Window(9, above=first[0].created_position, below=second[-1].created_position)
    rows = await products_page(database, ProductFilter(), back)
    assert rows == [second[0], first[1]]
    [row] = await products_by_ids(database, [PRODUCTS[4], NOBODY])
    assert (row.name, row.discontinued, row.available) == (NAMES[4], True, 0)


async def test_orders_newest_first_by_page(database: AsyncConnection) -> None:
    first = await orders_page(database, None, Window(4))
    rest = await orders_page(database, None, Window(4, below=first[-1].created_position))
    assert [row.order_id for row in first + rest] == ORDERS[::-1]
    oldest = await orders_page(database, None, Window(2, newest=False))
    assert oldest == rest[::-1]
    pending = await orders_page(database, ["PENDING", "COMPLETED"], Window(10))
    assert [row.order_id for row in pending] == [ORDERS[n] for n in (5, 4, 3, 2, 0)]
    assert await orders_page(database, [], Window(10)) == []
    assert await count_orders(database, None) == 6
    assert await count_orders(database, ["PLACED"]) == 1
    assert {row.order_id for row in await orders_by_ids(database, [*ORDERS[:2], NOBODY])} == set(
        ORDERS[:2]
    )


async def test_orders_of_several_customers_at_once(database: AsyncConnection) -> None:
    rows = await orders_pages(database, [ADA, BOB, EVE], None, Window(2))
    assert [row.order_id for row in rows] == [ORDERS[n] for n in (5, 4, 3, 2)]
    oldest = await orders_pages(database, [ADA, BOB, EVE], None, Window(1, newest=False))
    assert [row.order_id for row in oldest] == ORDERS[:2]
    before = Window(2, below=rows[-2].created_position)
    rows = await orders_pages(database, [ADA, BOB], ["PENDING"], before)
    assert [row.order_id for row in rows] == [ORDERS[0]]
    assert await count_orders_by_customers(database, [ADA, BOB, EVE], None) == {ADA: 3, BOB: 3}
    assert await count_orders_by_customers(database, [ADA, BOB], ["PLACED"]) == {BOB: 1}


async def test_executions_by_id(database: AsyncConnection) -> None:
    adas, bobs = sorted(
        await executions_by_ids(database, [UUID(int=41), UUID(int=43), NOBODY]),
        key=lambda row: row.execution_id,
    )
    assert (adas.order_id, adas.customer_id, adas.status) == (ORDERS[2], ADA, "FAILED")
    assert (bobs.order_id, bobs.customer_id, bobs.status) == (ORDERS[1], BOB, "RUNNING")


async def test_executions_by_order_and_by_page(database: AsyncConnection) -> None:
    rows = await executions_by_orders(database, ORDERS)
    assert [(row.name, row.customer_id) for row in rows] == [
        ("one", BOB),
        ("two", ADA),
        ("one", ADA),
    ]
    assert await executions_page(database, None, Window(10)) == rows
    assert await executions_page(database, ["FAILED", "SUCCEEDED"], Window(1)) == rows[1:2]
    middle = rows[1].started_position
    assert await executions_page(database, None, Window(9, below=middle)) == rows[2:]
    assert await executions_page(database, None, Window(9, above=middle)) == rows[:1]
    assert await count_executions(database, None) == 3
    assert await count_executions(database, ["RUNNING"]) == 1


async def test_accounts_and_transactions(database: AsyncConnection) -> None:
    ada, bob = ACCOUNTS[ADA], ACCOUNTS[BOB]
    [account] = await accounts_by_owners(database, [ADA, EVE])
    assert (account.account_id, account.balance) == (ada, 0)
    assert await accounts_by_ids(database, [ada, NOBODY]) == [account]
    rows = await transactions_pages(database, [ada, bob], Window(1))
    assert [(row.account_id, row.reason) for row in rows] == [
        (ada, "ORDER_PAYMENT"),
        (bob, "OPENING_DEPOSIT"),
    ]
    [deposit] = await transactions_pages(database, [ada], Window(10, below=rows[0].position))
    assert (deposit.transaction_id, deposit.balance) == (UUID(int=51), 10)
    assert await transaction_at(database, ada, deposit.position) == deposit
    assert await transaction_at(database, bob, deposit.position) is None
    # Here the log is made of nothing: transactions are found by the streams that stand in it.
    assert await transactions_at(database, [deposit.position]) == []
    assert await transaction_by_id(database, ada, UUID(int=51)) == deposit
    assert await count_transactions(database, [ada, bob, NOBODY]) == {ada: 2, bob: 1}
