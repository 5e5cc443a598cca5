"""A shop on a PostgreSQL of its own, which the test may do to whatever it likes."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from infrastructure.operations.migrate import migrate
from tests.api.shop import Shop, whole_shop
from tests.conftest import FORGETFUL
from tests.faults.buyers import Answers, Buyer, Product
from tests.faults.checks import faults, is_settled
from tests.faults.server import Server, running_server
from tests.faults.waiting import until

BUYERS = 6
# A server that is killed must not forget what it has said is safe; the disk itself goes on.
OPTIONS = {
    **FORGETFUL,
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "16MB",
}


@dataclass
class Stand:
    """The shop that is put to the test, its PostgreSQL, and its customers."""

    server: Server
    shop: Shop
    answers: Answers

    async def buyers(self, count: int = BUYERS, money: int = 2_000_00) -> list[Buyer]:
        """New customers, and new products of which some run short."""
        products = [
            Product(await self.shop.product(price=price, quantity=quantity), price)
            for price, quantity in ((10_00, 1_000_000), (25_00, 1_000_000), (5_00, 40))
        ]
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")  # noqa: T201  # shown where a test fails
        customers = [await self.shop.customer(money) for _ in range(count)]
        return [
            Buyer(
                f"http://{customer.address}/graphql",
                customer.token or "",
                products,
                self.answers,
                random.Random(seed + n),
            )
            for n, customer in enumerate(customers)
        ]

    async def settled(self) -> None:
        """Wait until the last execution has ended and can be read."""
        await until(lambda: asyncio.to_thread(is_settled, self.server.url))

    async def nothing_is_wrong(self) -> None:
        """All that was acknowledged has come to its end, once, and everything agrees."""
        await self.settled()
        found = faults(self.server.url, created=self.answers.created, placed=self.answers.placed)
        assert not found, found

    async def takes_orders(self, answers: int = 10) -> None:
        """Wait until it is well again: so many orders more are placed."""
        enough = len(self.answers.placed) + answers
        await until(lambda: len(self.answers.placed) >= enough)


@contextmanager
def standing(folder: Path, **options: str) -> Iterator[Stand]:
    """A shop on a new server in `folder`."""
    with running_server(folder, {**OPTIONS, **options}) as server:
        migrate(server.url)
        with whole_shop(server.url, limits=False) as shop:
            yield Stand(server, shop, Answers())


@pytest.fixture
def stand(data_dir: Path) -> Iterator[Stand]:
    """The shop, with room for few connections more than it needs."""
    with standing(data_dir) as stand:
        yield stand
