"""A primary that says nothing any more: another one is promoted, and orders go on by themselves."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

import psycopg
import pytest

from infrastructure.operations.migrate import migrate
from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.patience import Connection
from tests.api.shop import whole_shop
from tests.conftest import _temporary_folder
from tests.faults.buyers import Answers, buying
from tests.faults.conftest import OPTIONS, Stand
from tests.faults.proxy import proxy_to
from tests.faults.server import STANDBY, Server, primary_of, running_server
from tests.faults.test_replication import set_up

SOON = 15.0  # seconds, on a machine that does much else: see docs/guarantees.md for real ones


@contextmanager
def two_servers() -> Iterator[tuple[Server, Server]]:
    """A primary that says nothing is recorded before its standby has it, and that standby."""
    with ExitStack() as stack:
        folders = [stack.enter_context(_temporary_folder()) for _ in range(2)]
        primary = stack.enter_context(running_server(folders[0], OPTIONS))
        migrate(primary.url)
        standby = stack.enter_context(primary.standby(folders[1]))
        set_up(primary, "synchronous_standby_names", STANDBY)
        yield primary, standby


def events_at(server: Server) -> int:
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM stored_events").fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("way", ["hosts", "proxy"])
async def test_orders_go_on_when_the_primary_is_frozen_and_the_standby_promoted(way: str) -> None:
    with two_servers() as (primary, standby), proxy_to(primary) as proxy:
        url = primary_of(primary, standby) if way == "hosts" else proxy.url
        with whole_shop(url, limits=False) as shop:
            stand = Stand(standby, shop, Answers())
            async with buying(await stand.buyers()):
                await stand.takes_orders(20)
                with primary.frozen():
                    standby.promote()
                    proxy.server = standby
                    began = monotonic()
                    await stand.takes_orders(20)
                    assert monotonic() - began < SOON
                frozen = events_at(primary)
                await stand.takes_orders(20)
            await stand.nothing_is_wrong()
            assert events_at(primary) == frozen


async def test_of_two_primaries_the_one_that_was_promoted_is_found() -> None:
    """Also by a process that has seen neither before."""
    with two_servers() as (primary, standby):
        with primary.frozen():
            standby.promote()
        with Connection.connect(conninfo(primary_of(primary, standby), "test")) as connection:
            assert connection.info.host == str(standby.folder)
