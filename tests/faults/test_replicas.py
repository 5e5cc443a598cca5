"""Several replicas, each late by as much as it likes: a process reads from one of them, and nobody
is answered with less than he has seen."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any

import orjson
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from benchmarks.graphql_client import Address, HttpConnection, request
from infrastructure.operations.migrate import migrate
from tests.api.mutations import CREATE_ORDER, DEPOSIT, order_input
from tests.api.shop import Client, Shop, whole_shop
from tests.conftest import _temporary_folder
from tests.faults.conftest import OPTIONS
from tests.faults.server import Server, running_server
from tests.faults.test_replication import set_up
from tests.faults.waiting import until

BALANCE = "{ viewer { account { balance { amount } } } }"
ORDER = "query ($id: ID!) { order(id: $id) { id } }"
AWAY = "UNAVAILABLE"
CUSTOMERS = 50  # at once


@contextmanager
def two_replicas() -> Iterator[tuple[Shop, Server, Server]]:
    """A shop that knows two replicas, and these: the second is late."""
    with ExitStack() as stack:
        folders = [stack.enter_context(_temporary_folder()) for _ in range(3)]
        primary = stack.enter_context(running_server(folders[0], OPTIONS))
        migrate(primary.url)
        prompt, late = (stack.enter_context(primary.standby(f)) for f in folders[1:])
        set_up(late, "recovery_min_apply_delay", "200ms")
        for replica in (
            prompt,
            late,
        ):  # what is read there holds up what is written, not the reverse
            set_up(replica, "max_standby_streaming_delay", "-1")
        hosts = f"{late.folder},{prompt.folder}"
        url = make_conninfo(
            primary.url,
            host=hosts,
            target_session_attrs="prefer-standby",
            load_balance_hosts="random",
        )
        read = SecretStr(url)
        yield (
            stack.enter_context(whole_shop(primary.url, limits=False, read_database_url=read)),
            prompt,
            late,
        )


class Customer:
    """Writes and reads what was written at once, over and over; `found` counts what came of it."""

    def __init__(self, client: Client, board: str) -> None:
        port = int(client.address.rpartition(":")[2])
        self._http = HttpConnection(Address(port), client.token or "")
        self._board = board
        self._balance = Decimal(1_000)

    async def write_and_read(self, pairs: int, found: Counter[str]) -> None:
        async with self._http:
            for n in range(pairs):
                try:
                    found[await (self._deposit() if n % 2 else self._order())] += 1
                except Refused as refused:
                    found[str(refused)] += 1

    async def _deposit(self) -> str:
        paid = await self._ask(DEPOSIT, input={"amount": "1"})
        self._balance = Decimal(paid["account"]["balance"]["amount"])
        seen = await self._ask(BALANCE)
        fresh = Decimal(seen["account"]["balance"]["amount"]) >= self._balance
        return "good" if fresh else "stale"

    async def _order(self) -> str:
        made = await self._ask(CREATE_ORDER, input=order_input("10.00", {self._board: 1}))
        found = await self._ask(ORDER, id=made["order"]["id"])
        return "good" if found else "not found"

    async def _ask(self, document: str, **variables: object) -> Any:
        answer = orjson.loads(await self._http.post(request(document, variables)))
        if errors := answer.get("errors"):
            raise Refused(errors[0]["extensions"]["code"])
        [value] = answer["data"].values()
        return value


class Refused(Exception):
    """With this code."""


async def crowd(shop: Shop) -> list[Customer]:
    board = await shop.product(quantity=1_000_000)
    clients = await asyncio.gather(*(shop.customer() for _ in range(CUSTOMERS)))
    return [Customer(client, board) for client in clients]


async def pairs(customers: list[Customer], count: int) -> Counter[str]:
    """What comes of so many pairs of a write and a read."""
    found = Counter[str]()
    each = count // len(customers)
    await asyncio.gather(*(customer.write_and_read(each, found) for customer in customers))
    return found


def reads_from(shop: Shop) -> str:
    """The folder of the server that the shop reads from."""
    pool = shop.api.services.reads
    assert callable(pool.conninfo)
    return str(pool.conninfo())


def reads_from_the_primary(shop: Shop) -> bool:
    return str(conninfo_to_dict(shop.url)["host"]) in reads_from(shop)


async def test_nobody_reads_less_than_he_has_seen_whichever_replica_is_read_from() -> None:
    with two_replicas() as (shop, *replicas):
        first, other = sorted(replicas, key=lambda each: str(each.folder) not in reads_from(shop))
        customers = await crowd(shop)
        assert await pairs(customers, 1_000) == {"good": 1_000}
        set_up(first, "recovery_min_apply_delay", "1min")
        assert await pairs(customers, 1_000) == {"good": 1_000}
        assert str(other.folder) in reads_from(shop)
        other.kill()
        assert set(await pairs(customers, 100)) <= {"good", AWAY}
        assert reads_from_the_primary(shop)
        assert await pairs(customers, 100) == {"good": 100}
        set_up(first, "recovery_min_apply_delay", "0")
        await until(lambda: str(first.folder) in reads_from(shop))
        assert await pairs(customers, 100) == {"good": 100}
