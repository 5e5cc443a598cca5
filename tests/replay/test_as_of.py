"""What something was at a moment, and how it got there."""

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.events import (
    AccountOpened,
    OrderCreated,
    ProductListed,
    StockReserved,
)
from infrastructure.errors import NotThere, ReplayError
from infrastructure.history.as_of import (
    AsOf,
    account_as_of,
    order_as_of,
    product_as_of,
)
from infrastructure.history.order_history import order_history
from infrastructure.postgres.connections import conninfo
from projections.accounts import accounts_by_ids
from projections.executions import executions_by_orders
from projections.orders import orders_by_ids
from projections.products import products_by_ids
from tests.replay.histories import History, derived, store

NOW = AsOf()


async def connect(url: str) -> "AsyncConnection[tuple[object, ...]]":
    return await psycopg.AsyncConnection.connect(conninfo(url, "test"), autocommit=True)


async def test_now_everything_is_as_the_read_models_have_it(
    past: History, database_url: str
) -> None:
    ids = {
        kind: [r.stream_id for r in past.recorded if isinstance(r.event, kind)]
        for kind in (OrderCreated, ProductListed, AccountOpened)
    }
    async with await connect(database_url) as connection:
        for order_id in ids[OrderCreated]:
            found = await order_as_of(connection, order_id, NOW)
            assert [found.order] == await orders_by_ids(connection, [order_id])
            rows = await executions_by_orders(connection, [order_id])
            assert list(found.executions) == rows[::-1]
        for product_id in ids[ProductListed]:
            product = await product_as_of(connection, product_id, NOW)
            assert [product.product] == await products_by_ids(connection, [product_id])
        for account_id in ids[AccountOpened]:
            account = await account_as_of(connection, account_id, NOW)
            assert [account.account] == await accounts_by_ids(connection, [account_id])


async def test_an_order_can_be_seen_after_each_of_its_events(database_url: str) -> None:
    history = History()
    ada, board = history.customer(), history.product()
    order = history.buy(ada, {board: 2}, "first")
    store(database_url, history.recorded)
    async with await connect(database_url) as connection:
        seen = [await order_as_of(connection, order, AsOf(version=n)) for n in (1, 2, 3, 4)]
    assert [s.order.status for s in seen] == ["PENDING", "PLACED", "PLACED", "COMPLETED"]
    assert [s.order.shipment_id is None for s in seen] == [True, True, False, False]
    assert [[e.status for e in s.executions] for s in seen] == [
        [],
        ["RUNNING"],
        ["RUNNING"],
        ["SUCCEEDED"],
    ]
    assert [len(s.executions[0].steps) for s in seen[1:]] == [1, 4, 5]


async def test_an_order_can_be_seen_at_any_time_of_its_execution(database_url: str) -> None:
    history = History()
    ada, board = history.customer(), history.product()
    order = history.buy(ada, {board: 1}, "first")
    store(database_url, history.recorded)
    at = next(r.recorded_at for r in history.recorded if isinstance(r.event, StockReserved))
    async with await connect(database_url) as connection:
        found = await order_as_of(connection, order, AsOf(at=at))
        before = await order_as_of(connection, order, AsOf(at=at - timedelta(microseconds=1)))
    assert [s["type"] for s in found.executions[0].steps] == ["STARTED", "STOCK_RESERVED"]
    assert [s["type"] for s in before.executions[0].steps] == ["STARTED"]


async def test_a_balance_can_be_seen_as_it_was(past: History, database_url: str) -> None:
    account = next(r for r in past.recorded if isinstance(r.event, AccountOpened))
    async with await connect(database_url) as connection:
        opened = await account_as_of(connection, account.stream_id, AsOf(version=1))
        later = await account_as_of(connection, account.stream_id, AsOf(at=past.now))
    assert opened.account.balance == 10_000_00
    assert later.account.balance != opened.account.balance


async def test_what_was_not_there_is_said_so(past: History, database_url: str) -> None:
    order = next(r for r in past.recorded if isinstance(r.event, OrderCreated))
    early = AsOf(at=order.recorded_at - timedelta(microseconds=1))
    async with await connect(database_url) as connection:
        for order_id, as_of, text in (
            (derived("nothing"), NOW, "Nothing is recorded under the id"),
            (order.stream_id, early, "was not there yet"),
            (order.stream_id, AsOf(version=99), "has only"),
        ):
            with pytest.raises(NotThere, match=text):
                await order_as_of(connection, order_id, as_of)
        with pytest.raises(NotThere, match="There is no product"):
            await product_as_of(connection, order.stream_id, NOW)
        with pytest.raises(NotThere, match="There is no order"):
            await order_history(connection, account_of(past))


async def test_what_cannot_be_read_is_said_so(past: History, database_url: str) -> None:
    order = next(r.stream_id for r in past.recorded if isinstance(r.event, OrderCreated))
    async with await connect(database_url) as connection:
        await connection.execute(
            "UPDATE stored_events SET state = '{}' WHERE originator_id = %s", (order,)
        )
        story = await order_history(connection, order)
        assert story[0].event.data == "{}"
        with pytest.raises(ReplayError, match=r"The OrderCreated at position .* cannot be read"):
            await order_as_of(connection, order, NOW)


def account_of(history: History) -> UUID:
    return next(r.stream_id for r in history.recorded if isinstance(r.event, AccountOpened))


async def test_a_story_tells_of_its_own_executions_alone(database_url: str) -> None:
    history = History()
    ada, bob, board = history.customer(money=10_00), history.customer(), history.product(20_00)
    order, other = history.order(ada, {board: 1}), history.order(bob, {board: 1})
    history.run(ada, order, "too poor")
    history.run(bob, other, "first")
    history.place(ada, order, "again")
    store(database_url, history.recorded)
    async with await connect(database_url) as connection:
        story = await order_history(connection, order)
    assert [told.event.type for told in story] == [
        "OrderCreated",
        "OrderPlaced",
        "StockReserved",
        "ChargeDeclined",
        "ReservationReleased",
        "OrderRejected",
        "OrderPlaced",
    ]
    times = [told.event.recorded_at for told in story]
    assert [told.took for told in story] == [
        None,
        *(b - a for a, b in pairwise(times) if a and b),
    ]
