"""Customers who place orders through the application layer, and when their results were there."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Self
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from domain.commands import Command, CreateOrder, ListProduct, OpenAccount, PlaceOrder
from domain.message import message
from domain.recorded import Origin
from domain.values import Address, OrderItem
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.event_store.store import IdempotencyKey
from infrastructure.ids import execution_id, new_id
from infrastructure.postgres.connections import async_pool
from infrastructure.read_models.changes import Follower

ADDRESS = Address("NL", "Delft", "2611 GX", "Markt", "87")
FINISHED = "SELECT execution_id FROM executions WHERE position > %s AND finished_at IS NOT NULL"


@message
class Shop:
    """What there is to buy, and who buys: `customers` are their ids and those of their accounts."""

    products: tuple[OrderItem, ...]
    customers: tuple[tuple[UUID, UUID], ...]

    def order(self, customer: tuple[UUID, UUID], chance: random.Random) -> CreateOrder:
        """An order of two products."""
        items = tuple(chance.sample(self.products, 2))
        total = sum(item.unit_price * item.quantity for item in items)
        return CreateOrder(new_id(), *customer, items, ADDRESS, total)


@message
class Bought:
    """When, by the machine's monotonic clock, an order was placed and when its result was there."""

    placed: float
    result: float


class Counter:
    """Sends commands as an API process does, and learns of results as its subscriptions do: woken
    by the read models, with one query a wake-up for everybody who waits."""

    def __init__(self, url: str) -> None:
        self._pool = async_pool(url, "benchmark", size=4)
        self._writer = Writer(url)
        self._follower = Follower(url, self._pool)
        self._dispatcher = Dispatcher(self._pool, self._writer)
        self._waiting: dict[UUID, asyncio.Future[float]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._pool.open()
        self._stack.push_async_callback(self._pool.close)
        await self._stack.enter_async_context(self._writer)
        await self._stack.enter_async_context(self._follower)
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        watch = group.create_task(_watch(self._pool, self._follower, self._waiting))
        self._stack.callback(watch.cancel)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def send(self, *commands: Command) -> int:
        """The position at which they are recorded."""
        origin = Origin(None, new_id(), "benchmark")
        return (await self._dispatcher.dispatch(*commands, origin=origin)).position

    async def buy(self, order: CreateOrder) -> Bought:
        """Create the order, place it, and wait for its result in the read models."""
        await self.send(order)
        return await self.place(order, monotonic())

    async def place(self, order: CreateOrder, placed: float) -> Bought:
        """Place an order that was created; `placed` is when that was meant to happen."""
        name = str(order.order_id)
        execution = execution_id(order.customer_id, name)
        waiting = self._waiting[execution] = asyncio.get_running_loop().create_future()
        await self._dispatcher.dispatch(
            PlaceOrder(order.order_id, execution, name),
            origin=Origin(order.customer_id, execution, "benchmark"),
            key=IdempotencyKey(execution, order.order_id.bytes),
        )
        return Bought(placed, await waiting)


async def _watch(
    pool: AsyncConnectionPool, follower: Follower, waiting: dict[UUID, asyncio.Future[float]]
) -> None:
    seen = 0
    while True:
        await follower.wait_for(seen + 1, timeout=3600)
        reached = follower.position  # what comes while we read is for the next time
        async with pool.connection() as connection:
            rows = await (await connection.execute(FINISHED, (seen,), binary=True)).fetchall()
        now = monotonic()
        seen = reached
        for (execution,) in rows:
            found = waiting.pop(execution, None)
            if found is not None and not found.done():
                found.set_result(now)


async def open_shop(url: str, products: int = 100, customers: int = 200) -> Shop:
    """List products that never run out, and open accounts that hold enough for everything."""
    items = tuple(
        OrderItem(new_id(), f"Board {n}", f"/images/{n}.svg", 1_000 + n, 1) for n in range(products)
    )
    buyers = tuple((new_id(), new_id()) for _ in range(customers))
    listings: Sequence[Command] = [
        ListProduct(i.product_id, i.name, i.image_url, i.unit_price, 2**31 - 1) for i in items
    ]
    openings: Sequence[Command] = [OpenAccount(account, owner, 10**15) for owner, account in buyers]
    async with Counter(url) as counter, asyncio.TaskGroup() as group:
        for command in (*listings, *openings):
            group.create_task(counter.send(command))
    return Shop(items, buyers)


async def buy_without_pause(
    url: str, shop: Shop, buyers: int, begin: float, end: float
) -> list[Bought]:
    """`buyers` at once, each ordering again as soon as the result is there, until `end`."""
    chance = random.Random(begin)
    bought: list[Bought] = []

    async def buyer(counter: Counter) -> None:
        await asyncio.sleep(max(0.0, begin - monotonic()))
        while monotonic() < end:
            order = shop.order(chance.choice(shop.customers), chance)
            bought.append(await counter.buy(order))

    async with Counter(url) as counter, asyncio.TaskGroup() as group:
        for _ in range(buyers):
            group.create_task(buyer(counter))
    return bought


async def buy_at_rate(url: str, shop: Shop, rate: float, begin: float, end: float) -> list[Bought]:
    """`rate` orders a second, each placed at its time whether or not those before it are done.

    Waiting counts from when an order was due, so that a stall hides nothing.
    """
    chance = random.Random(begin)
    due: list[float] = []
    moment = begin
    while (moment := moment + chance.expovariate(rate)) < end:
        due.append(moment)
    async with Counter(url) as counter:
        orders = [shop.order(chance.choice(shop.customers), chance) for _ in due]
        for first in range(0, len(orders), 1_000):
            await asyncio.gather(*map(counter.send, orders[first : first + 1_000]))

        async def buyer(order: CreateOrder, at: float) -> Bought:
            await asyncio.sleep(max(0.0, at - monotonic()))
            return await counter.place(order, at)

        return await asyncio.gather(*map(buyer, orders, due))
