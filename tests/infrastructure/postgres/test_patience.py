"""No wait for a server lasts longer than our own clock allows, and none that is worth it is cut."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack
from time import monotonic

import psutil
import psycopg
import pytest

from infrastructure.postgres import watchdog
from infrastructure.postgres.connections import async_pool, conninfo, tool_connection
from infrastructure.postgres.patience import AsyncConnection, Connection
from tests.conftest import FORGETFUL, _temporary_folder
from tests.faults.server import Server, running_server
from tests.faults.test_database import take_all
from tests.faults.waiting import until

LONG = 12.0  # seconds, at the very most, that anybody waits for a server that is silent


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with (
        _temporary_folder() as folder,
        running_server(folder, {**FORGETFUL, "max_connections": "20"}) as server,
    ):
        yield server


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits makes the watchdog ask at once, and again and again."""
    monkeypatch.setattr(watchdog, "SUSPICIOUS", 0.2)


async def statement(url: str) -> None:
    async with await AsyncConnection.connect(conninfo(url, "test"), autocommit=True) as own:
        while True:
            await own.execute("SELECT 1")


async def news(url: str) -> None:
    async with await AsyncConnection.connect(conninfo(url, "test"), autocommit=True) as own:
        await own.execute("LISTEN nothing")
        async for _ in own.notifies():
            pass


async def pooled(url: str) -> None:
    async with async_pool(url, "test", size=1) as pool:
        while True:
            async with pool.connection() as own:
                await own.execute("SELECT 1")


def long_statement(url: str) -> None:
    with tool_connection(url, "test") as own:
        own.execute("SELECT pg_sleep(3600)")


def pipeline(url: str) -> None:
    with Connection.connect(conninfo(url, "test"), autocommit=True) as own:
        while True:
            with own.pipeline(), own.transaction():
                own.execute("SELECT 1")


def news_in_a_thread(url: str) -> None:
    with Connection.connect(conninfo(url, "test"), autocommit=True) as own:
        own.execute("LISTEN nothing")
        for _ in own.notifies():
            pass


ASYNC = [statement, news, pooled]
SYNC = [long_statement, pipeline, news_in_a_thread]


async def test_every_wait_for_a_server_that_is_frozen_ends(server: Server) -> None:
    waits: list[Awaitable[None]] = [
        *(asyncio.create_task(wait(server.url)) for wait in ASYNC),
        *(asyncio.create_task(asyncio.to_thread(wait, server.url)) for wait in SYNC),
    ]
    await asyncio.sleep(1)  # all are at work
    with server.frozen():
        async with asyncio.timeout(LONG):
            ends = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(end) for end in ends] == [psycopg.OperationalError] * len(waits), ends


async def test_the_pool_gives_none_of_the_silent_connections_to_anybody(server: Server) -> None:
    async with async_pool(server.url, "test", size=8) as pool:
        taken = [await pool.getconn() for _ in range(8)]
        for each in taken:
            await pool.putconn(each)
        with server.frozen(), pytest.raises(psycopg.OperationalError):
            async with pool.connection() as own:
                await own.execute("SELECT 1")
        began = monotonic()
        async with pool.connection() as own:
            assert own not in taken
            await own.execute("SELECT 1")
        assert monotonic() - began < LONG


@pytest.mark.usefixtures("soon")
async def test_a_statement_that_takes_long_is_waited_for(server: Server) -> None:
    with tool_connection(server.url, "test") as own:
        assert own.execute("SELECT pg_sleep(1.5), 1").fetchone() == ("", 1)


@pytest.mark.usefixtures("soon")
async def test_a_server_that_lets_nobody_in_is_waited_for(server: Server) -> None:
    with tool_connection(server.url, "test") as own, ExitStack() as taken:
        take_all(server.url, taken)
        assert own.execute("SELECT pg_sleep(1.5), 1").fetchone() == ("", 1)


async def test_a_backend_that_is_frozen_alone_has_its_limit(server: Server) -> None:
    address = conninfo(server.url, "test", statement_timeout=500)
    with Connection.connect(address, autocommit=True) as own:
        own.limit = 0.5
        backend = psutil.Process(own.info.backend_pid)
        backend.suspend()
        try:
            with pytest.raises(psycopg.OperationalError, match="no answer"):
                own.execute("SELECT 1")
        finally:
            backend.resume()


async def test_who_is_cancelled_cancels_nothing(server: Server) -> None:
    address = conninfo(server.url, "test")
    async with await AsyncConnection.connect(address, autocommit=True) as own:
        await own.execute("CREATE TEMP TABLE told (at timestamptz)")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await own.execute("INSERT INTO told SELECT now() FROM pg_sleep(0.5)")
        assert (await (await own.execute("SELECT count(*) FROM told")).fetchone()) == (1,)


async def test_a_server_ends_what_nobody_waits_for(server: Server) -> None:
    own = tool_connection(server.url, "test of leaving")
    asked = asyncio.create_task(asyncio.to_thread(own.execute, "SELECT pg_sleep(3600)"))
    with psycopg.connect(server.url, autocommit=True) as operator:

        def is_there() -> bool:
            found = operator.execute(
                "SELECT FROM pg_stat_activity WHERE application_name = 'shop test of leaving'"
                " AND wait_event = 'PgSleep'"
            )
            return found.rowcount == 1

        await until(is_there)
        own.pulse.give_up("nobody waits for it any more")  # type: ignore[attr-defined]  # it is ours
        with pytest.raises(psycopg.OperationalError, match="nobody waits"):
            await asked
        await until(lambda: not is_there())
