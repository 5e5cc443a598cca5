"""Synchronous replication: nothing is called recorded that no standby has, whatever ended the wait
for it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from threading import Event, Thread
from uuid import uuid4

import psycopg
import pytest

from domain.commands import OpenAccount
from domain.recorded import Origin
from infrastructure.command_handling.dispatcher import Dispatched, Dispatcher
from infrastructure.consumers.runner import ELECT, END_FROZEN, Lead, Runner
from infrastructure.errors import Unavailable
from infrastructure.event_store.appender import KeyTaken, Writer
from infrastructure.event_store.store import IdempotencyKey, NewEvent
from infrastructure.ids import new_id
from infrastructure.postgres import locks
from infrastructure.postgres.connections import async_pool, conninfo
from infrastructure.postgres.patience import Connection
from tests.api.mutations import CREATE_ORDER, DISCONTINUE, order_input
from tests.api.shop import whole_shop
from tests.faults.server import Server
from tests.faults.test_silence import events_at, two_servers
from tests.faults.waiting import until
from tests.infrastructure.test_runner import Ticker

WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> pg_backend_pid()"

WRITE = "SELECT pg_logical_emit_message(true, 'test', '')"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """A primary and the standby that it waits for."""
    with two_servers() as both:
        yield both


def waiting_for_standbys(primary: Server, name: str = "%") -> int:
    with psycopg.connect(primary.url, autocommit=True) as connection:
        row = connection.execute(
            f"SELECT count(*) {WAITING} AND application_name LIKE %s", (name,)
        ).fetchone()
    assert row
    return int(row[0])


def cancel(primary: Server) -> None:
    with psycopg.connect(primary.url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_cancel_backend(pid) {WAITING}")


def terminate(primary: Server) -> None:
    with psycopg.connect(primary.url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) {WAITING}")


def restart(primary: Server) -> None:
    primary.kill()
    primary.start()


@pytest.mark.parametrize("end", [cancel, terminate, restart])
async def test_what_no_standby_has_is_not_called_recorded(
    servers: tuple[Server, Server], end: Callable[[Server], None]
) -> None:
    primary, standby = servers
    before = events_at(primary)
    events, key = [NewEvent(new_id(), 1, "Tested", b"{}")], IdempotencyKey(new_id(), b"asked")
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(Writer(primary.url, patience=patience))
            for patience in (20.0, 0.5)
        ]
        with standby.frozen():
            under_way = asyncio.create_task(first.append(events, key))
            await until(lambda: waiting_for_standbys(primary) == 1)
            end(primary)
            await until(lambda: events_at(primary) == before + 1)
            for again in (key, None):
                with pytest.raises(Unavailable):
                    await second.append(events, again)
            assert not under_way.done()
        position = await under_way
    async with Writer(primary.url) as another:
        assert await another.append(events) == position
        with pytest.raises(KeyTaken):
            await another.append([NewEvent(new_id(), 1, "Tested", b"{}")], key)
    assert events_at(standby) == events_at(primary) == before + 1


@pytest.mark.parametrize("key", [None, IdempotencyKey(new_id(), b"asked")])
async def test_a_command_that_was_handled_is_not_called_so_before_a_standby_knows(
    servers: tuple[Server, Server], key: IdempotencyKey | None
) -> None:
    primary, standby = servers
    before = events_at(primary)
    opening, origin = OpenAccount(new_id(), new_id(), 0), Origin(None, new_id(), "first")
    again = Origin(None, new_id(), "again")
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(async_pool(primary.url, "test", size=2))
        first, second = [
            Dispatcher(
                pool, await stack.enter_async_context(Writer(primary.url, patience=patience))
            )
            for patience in (20.0, 0.5)
        ]
        with standby.frozen():
            under_way = asyncio.create_task(first.dispatch(opening, origin=origin, key=key))
            await until(lambda: waiting_for_standbys(primary) == 1)
            cancel(primary)
            await until(lambda: events_at(primary) == before + 1)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await second.dispatch(opening, origin=again, key=key)
        position = (await under_way).position
        handled = Dispatched(position, duplicate=True)
        assert await second.dispatch(opening, origin=again, key=key) == handled


async def test_an_order_that_was_created_is_not_called_so_before_a_standby_knows(
    servers: tuple[Server, Server],
) -> None:
    primary, standby = servers
    with whole_shop(primary.url, limits=False) as shop:
        ada, board = await shop.customer(), await shop.product()
        sent = order_input("10.00", {board: 1}, id=uuid4())
        created = await ada.ask(CREATE_ORDER, input=sent)
        await (await shop.admin()).ask(DISCONTINUE, ids=[board])
        with standby.frozen():
            again = asyncio.create_task(ada.ask(CREATE_ORDER, input=sent))
            await until(lambda: again.done() or waiting_for_standbys(primary, "% writer") == 1)
            assert not again.done()
        assert await again == created


async def test_nothing_can_be_recorded_while_no_standby_is_there(
    servers: tuple[Server, Server],
) -> None:
    """Which the readiness of an API process asks."""
    primary, standby = servers
    async with Writer(primary.url, patience=0.5) as writer:
        await writer.confirm()
        with standby.frozen(), pytest.raises(Unavailable):
            await writer.confirm()


async def test_who_waits_for_a_standby_is_ended_by_no_time_limit_and_by_no_other_runner(
    servers: tuple[Server, Server],
) -> None:
    primary, standby = servers
    lead = Connection.connect(
        conninfo(primary.url, "test", statement_timeout=100, lock_timeout=100), autocommit=True
    )
    end_frozen = (END_FROZEN, ("test", 0, locks.RUNNER, 1))
    with lead, psycopg.connect(primary.url, autocommit=True) as other:
        lead.execute("SELECT pg_advisory_lock(%s, 1)", (locks.RUNNER,))
        lead.execute(ELECT, {"name": "test", "holder": "test"})
        with standby.frozen():
            leading = asyncio.create_task(asyncio.to_thread(lead.execute, WRITE))
            await until(lambda: waiting_for_standbys(primary) == 1)
            await asyncio.sleep(0.2)
            assert other.execute(*end_frozen).fetchone() is None
            assert waiting_for_standbys(primary) == 1
        await leading
        assert other.execute(*end_frozen).fetchone() == ("test", True)


async def test_who_has_cancelled_a_wait_for_a_standby_is_not_believed(
    servers: tuple[Server, Server],
) -> None:
    """By any connection of the shop: runners and tools too."""
    primary, standby = servers
    with Connection.connect(conninfo(primary.url, "test"), autocommit=True) as connection:
        with standby.frozen():
            writing = asyncio.create_task(asyncio.to_thread(connection.execute, WRITE))
            await until(lambda: waiting_for_standbys(primary) == 1)
            cancel(primary)
            with pytest.raises(psycopg.OperationalError, match="the wait for a standby"):
                await writing
        assert connection.closed


class Beginner(Ticker):
    """A consumer that tells when it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = Event()

    def recover(self, lead: Lead) -> None:
        self.has_begun.set()

    def work(self, lead: Lead) -> bool:
        return False


async def test_who_takes_over_builds_on_nothing_that_no_standby_has(
    servers: tuple[Server, Server],
) -> None:
    """Whatever the one before it has committed."""
    primary, standby = servers
    beginner, stop = Beginner(), Event()
    runner = Thread(target=Runner(primary.url, beginner, stop).run)
    with standby.frozen():
        runner.start()
        await until(lambda: waiting_for_standbys(primary, "% ticker") == 1)
        assert not beginner.has_begun.is_set()
    await asyncio.to_thread(beginner.has_begun.wait, 30)
    stop.set()
    await asyncio.to_thread(runner.join)
    assert beginner.has_begun.is_set()
