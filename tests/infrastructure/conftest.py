"""The shop below its API: writer, dispatcher, follower and, in threads, its runners."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg_pool import AsyncConnectionPool

from domain.commands import Command, CreateOrder, ListProduct, OpenAccount, PlaceOrder
from domain.recorded import Origin
from domain.values import Address, OrderItem
from infrastructure.command_handling.dispatcher import Dispatched, Dispatcher
from infrastructure.consumers.runner import Consumer, Runner
from infrastructure.event_store.appender import Writer
from infrastructure.ids import execution_id, new_id
from infrastructure.observability.order_metrics import OrderMeasures
from infrastructure.postgres.connections import async_pool
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.changes import Follower
from infrastructure.read_models.projector import Projector

ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "1")


@dataclass
class Shop:
    """What a test needs to play a customer without the API."""

    url: str
    pool: AsyncConnectionPool
    writer: Writer
    dispatcher: Dispatcher
    follower: Follower

    async def send(self, *commands: Command, actor: UUID | None = None) -> Dispatched:
        return await self.dispatcher.dispatch(*commands, origin=Origin(actor, new_id(), "test"))

    async def product(self, price: int = 10_00, quantity: int = 10) -> UUID:
        product = new_id()
        await self.send(ListProduct(product, "Board", "/board.svg", price, quantity))
        return product

    async def customer(self, money: int = 1_000_00) -> tuple[UUID, UUID]:
        account, owner = new_id(), new_id()
        await self.send(OpenAccount(account, owner, money))
        return owner, account

    async def order(self, customer: tuple[UUID, UUID], lines: dict[UUID, int], total: int) -> UUID:
        order = new_id()
        items = tuple(OrderItem(p, "Board", "/board.svg", 10_00, n) for p, n in lines.items())
        await self.send(CreateOrder(order, *customer, items, ADDRESS, total))
        return order

    async def place(self, order: UUID, customer: tuple[UUID, UUID], name: str) -> Dispatched:
        run = execution_id(customer[0], name)
        return await self.send(PlaceOrder(order, run, name), actor=customer[0])

    async def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query.encode(), parameters)).fetchall()

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        for _ in range(200):
            head = (await self.rows("SELECT max(notification_id) FROM stored_events"))[0][0]
            await self.follower.wait_for(int(str(head)), 10)
            unfinished = await self.rows(
                "SELECT count(*) FROM executions WHERE status IN ('RUNNING', 'COMPENSATING')"
            )
            if unfinished == [(0,)]:
                return
        raise AssertionError("executions do not end")


@pytest_asyncio.fixture
async def quiet_shop(database_url: str) -> AsyncIterator[Shop]:
    """A shop whose runners do not run."""
    async with (
        async_pool(database_url, "test", size=8) as pool,
        Writer(database_url) as writer,
        Follower(database_url, pool) as follower,
    ):
        yield Shop(database_url, pool, writer, Dispatcher(pool, writer), follower)


@contextmanager
def running(url: str, consumer: Consumer) -> Iterator[None]:
    """The consumer's runner, in a thread."""
    stop = Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            Runner(url, consumer, stop).run()
        except BaseException as error:
            failures.append(error)

    thread = Thread(target=run, name=consumer.name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
    assert not failures, failures
    assert not thread.is_alive()


@pytest.fixture
def runners(database_url: str) -> Iterator[None]:
    """The process manager and the projector."""
    with ExitStack() as stack:
        for make in RUNNERS:
            stack.enter_context(running(database_url, make()))
        yield


def observed_projector() -> Projector:
    return Projector(observe=lambda registry: OrderMeasures(registry).applied)


RUNNERS: tuple[Callable[[], Consumer], ...] = (ProcessManager, observed_projector)
