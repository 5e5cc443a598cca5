"""Nobody notices a rebuild: it goes on while customers order, read and wait for results."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from uuid import UUID

import pytest

from infrastructure.ids import execution_id
from infrastructure.postgres.connections import tool_connection
from infrastructure.read_models.rebuild import Connections, rebuild, roll_back
from infrastructure.read_models.verify import Compared, verify
from projections import PROJECTIONS
from tests.infrastructure.conftest import Shop

pytestmark = pytest.mark.usefixtures("runners")

BUYERS = 6


class Customers:
    """They order one thing after the other, wait for each result, and look at what they have."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.stop = False
        self.news = asyncio.Event()
        self.results = 0

    async def buy(self, number: int, board: UUID) -> None:
        shop, customer = self.shop, await self.shop.customer(1_000_000_00)
        bought = 0
        while not self.stop:
            order = await shop.order(customer, {board: 1}, 10_00)
            name = f"{number}-{bought}"
            run = execution_id(customer[0], name)
            with shop.follower.changes("execution", [run]) as changes:
                async with asyncio.timeout(20):
                    placed = await shop.place(order, customer, name)
                    await shop.follower.wait_for(placed.position)
                    assert await self._status(run) is not None  # what was written can be read
                    changed = aiter(changes)
                    while await self._status(run) != "SUCCEEDED":
                        await anext(changed)
            bought += 1
            self.results += 1
            self.news.set()

    async def have(self, results: int) -> None:
        """Return when there are so many results."""
        while self.results < results:
            self.news.clear()
            await self.news.wait()

    async def _status(self, run: UUID) -> object:
        rows = await self.shop.rows("SELECT status FROM executions WHERE execution_id = %s", run)
        return rows[0][0] if rows else None

    async def read(self) -> None:
        """What is read is never older than what was read before."""
        queries = (
            "SELECT count(*), max(position), sum(position) FROM orders",
            "SELECT count(*), max(position), sum(position) FROM executions",
            "SELECT count(*), max(position), sum(position) FROM transactions",
            "SELECT count(*), max(position), sum(position) FROM accounts",
            "SELECT count(*), max(position), sum(position) FROM products",
        )
        before = dict.fromkeys(queries, (0, 0, 0))
        while not self.stop:
            for query in queries:
                [(count, last, total)] = await self.shop.rows(query)
                now = (int(str(count)), int(str(last or 0)), int(str(total or 0)))
                assert all(a <= b for a, b in zip(before[query], now, strict=True)), query
                before[query] = now


async def test_a_rebuild_of_each_read_model_during_load_is_not_noticed(quiet_shop: Shop) -> None:
    shop = quiet_shop
    board = await shop.product(quantity=1_000_000)
    customers = Customers(shop)

    def work(task: Callable[[Connections], None]) -> None:
        with ExitStack() as stack:
            task(
                Connections(
                    stack.enter_context(tool_connection(shop.url, "test reads")),
                    stack.enter_context(tool_connection(shop.url, "test writes")),
                )
            )

    def rebuild_all(on: Connections) -> None:
        for projection in PROJECTIONS:
            list(rebuild(on, projection))

    def roll_all_back(on: Connections) -> None:
        for projection in PROJECTIONS:
            list(roll_back(on, projection))

    def verify_all(on: Connections) -> None:
        for projection in PROJECTIONS:
            *_, result = verify(on, projection)
            assert isinstance(result, Compared)
            assert result.differences == 0

    async with asyncio.TaskGroup() as tasks:
        for number in range(BUYERS):
            tasks.create_task(customers.buy(number, board))
        tasks.create_task(customers.read())
        await customers.have(50)
        for task in (verify_all, rebuild_all, verify_all, roll_all_back, rebuild_all, verify_all):
            await asyncio.to_thread(work, task)
            await customers.have(customers.results + 10)
        customers.stop = True
    await shop.settled()
    await asyncio.to_thread(work, verify_all)
    done = await shop.rows("SELECT count(*) FROM orders WHERE status = 'COMPLETED'")
    assert done == [(customers.results,)]
