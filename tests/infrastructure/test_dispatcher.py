"""Orders are decided on what memory holds; whatever is answered still is what the log says."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from domain.commands import CancelOrder, Command, CreateOrder, PlaceOrder, RejectOrder
from domain.errors import Conflict, Invalid
from domain.recorded import Origin
from domain.values import OrderItem, ProcessingFailed
from infrastructure.command_handling.dispatcher import Dispatched, Dispatcher, idempotency_key
from infrastructure.event_store.appender import Writer
from infrastructure.event_store.store import IdempotencyKey
from infrastructure.ids import execution_id, new_id
from tests.infrastructure.conftest import ADDRESS, Shop

CUSTOMER = new_id()
PROBLEM = ProcessingFailed("test")


@pytest_asyncio.fixture
async def another(quiet_shop: Shop) -> AsyncIterator[Dispatcher]:
    """The dispatcher of another process."""
    async with Writer(quiet_shop.url) as writer:
        yield Dispatcher(quiet_shop.pool, writer)


async def send(
    dispatcher: Dispatcher, *commands: Command, key: IdempotencyKey | None = None
) -> Dispatched:
    return await dispatcher.dispatch(*commands, origin=Origin(None, new_id(), "test"), key=key)


def creation() -> CreateOrder:
    items = (OrderItem(new_id(), "Board", "/board.svg", 10_00, 1),)
    return CreateOrder(new_id(), CUSTOMER, new_id(), items, ADDRESS, 10_00)


def placing(order_id: UUID, name: str) -> PlaceOrder:
    return PlaceOrder(order_id, execution_id(CUSTOMER, name), name)


async def test_an_order_is_created_and_placed_without_reading(quiet_shop: Shop) -> None:
    order = creation()
    await send(quiet_shop.dispatcher, creation())  # connects the writer
    await quiet_shop.pool.close()
    assert await send(quiet_shop.dispatcher, order) == Dispatched(2, duplicate=False)
    placed = await send(quiet_shop.dispatcher, placing(order.order_id, "first"))
    assert placed == Dispatched(3, duplicate=False)


async def test_an_order_that_was_cancelled_elsewhere_is_not_placed(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    order = creation()
    await send(quiet_shop.dispatcher, order)
    await send(another, CancelOrder(order.order_id))
    with pytest.raises(Conflict, match="CANCELLED"):
        await send(quiet_shop.dispatcher, placing(order.order_id, "first"))


async def test_an_order_that_has_failed_meanwhile_is_placed_again(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    order, first = creation(), execution_id(CUSTOMER, "first")
    await send(quiet_shop.dispatcher, order)
    await send(quiet_shop.dispatcher, placing(order.order_id, "first"))
    await send(another, RejectOrder(order.order_id, first, PROBLEM))
    again = await send(quiet_shop.dispatcher, placing(order.order_id, "second"))
    assert again == Dispatched(4, duplicate=False)


async def test_an_order_that_was_placed_elsewhere_is_not_placed_twice(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    order = creation()
    place = placing(order.order_id, "first")
    key = idempotency_key(CUSTOMER, "first", order.order_id)
    await send(quiet_shop.dispatcher, order)
    assert await send(another, place, key=key) == Dispatched(2, duplicate=False)
    await send(another, RejectOrder(order.order_id, place.execution_id, PROBLEM))
    assert await send(quiet_shop.dispatcher, place, key=key) == Dispatched(3, duplicate=True)


async def test_a_name_that_was_used_for_another_order_is_refused(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    order, other = creation(), creation()
    await send(quiet_shop.dispatcher, order)
    await send(another, other)
    await send(
        another,
        placing(other.order_id, "first"),
        key=idempotency_key(CUSTOMER, "first", other.order_id),
    )
    with pytest.raises(Conflict, match="used before"):
        await send(
            quiet_shop.dispatcher,
            placing(order.order_id, "first"),
            key=idempotency_key(CUSTOMER, "first", order.order_id),
        )


async def test_what_has_happened_already_is_answered_with_where_the_stream_is_now(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    order = creation()
    await send(quiet_shop.dispatcher, order)
    await send(another, placing(order.order_id, "first"))
    assert await send(quiet_shop.dispatcher, order) == Dispatched(2, duplicate=True)


async def test_a_new_order_is_refused_by_what_stands_under_its_id(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    order = creation()
    await send(another, order)
    void = CreateOrder(order.order_id, CUSTOMER, order.account_id, (), ADDRESS, 0)
    with pytest.raises(Conflict):
        await send(quiet_shop.dispatcher, void)
    with pytest.raises(Invalid):
        await send(another, CreateOrder(new_id(), CUSTOMER, new_id(), (), ADDRESS, 0))


async def test_of_two_orders_one_of_which_has_moved_on_neither_is_recorded(
    quiet_shop: Shop, another: Dispatcher
) -> None:
    moved, other = creation(), creation()
    await send(quiet_shop.dispatcher, moved)
    await send(quiet_shop.dispatcher, other)
    await send(quiet_shop.dispatcher, CancelOrder(moved.order_id))  # memory has it, the log too
    await send(another, CancelOrder(other.order_id))
    both = (CancelOrder(moved.order_id), placing(other.order_id, "first"))
    with pytest.raises(Conflict):
        await send(quiet_shop.dispatcher, *both)
    assert await quiet_shop.rows("SELECT max(notification_id) FROM stored_events") == [(4,)]
