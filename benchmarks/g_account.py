"""Loading an account that 100,000 events have happened to, in a process that has none of it."""

import asyncio
from collections.abc import Callable, Mapping
from statistics import median as middle
from time import perf_counter
from uuid import UUID

import psycopg

from application.deciders import ACCOUNT
from application.unit_of_work import EMPTY, Loaded, UnitOfWork
from benchmarks.b_orders import uv
from benchmarks.contest import Case, in_turns
from benchmarks.result import Claim, Result, machine, median, percentile
from benchmarks.server import Server, temporary_server
from domain.commands import AccountCommand, Deposit, OpenAccount, Withdraw
from domain.recorded import Origin
from infrastructure.clock import utc_now
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.command_handling.snapshots import EVERY, save_snapshots
from infrastructure.event_store.appender import Writer
from infrastructure.event_store.store import encoded
from infrastructure.ids import new_id
from infrastructure.postgres.connections import async_pool, conninfo

EVENTS = 100_000
WITH, WITHOUT = "with its snapshot", "from all its events"


def run(quick: bool) -> Result:
    """The snapshot is as old as it may get: the next one was due with the next event."""
    rounds = 1 if quick else 3
    with temporary_server() as server:
        url = server.shop_database("account")
        account_id = _make_account(url)
        cases = [
            Case(WITH, _at(), _loaded(url, account_id, 5 if quick else 50)),
            Case(WITHOUT, _at(), _replayed(server, url, account_id)),
        ]
        figures = in_turns("Account", cases, rounds)
    return Result(
        name="g_account",
        title="Cold load of a long account",
        how=f"{rounds} rounds; nothing in the process's memory, PostgreSQL has read the pages",
        plot="ms",
        figures=figures,
        claims=(
            Claim(
                f"{_at()}, with its snapshot",
                median(figures, WITH, _at(), "ms"),
                10,
                3,
                "ms",
                smaller=True,
            ),
        ),
        machine=machine(),
        quick=quick,
    )


def _at() -> str:
    return f"{EVENTS:,} events"


def _make_account(url: str) -> UUID:
    """The stream, with the snapshot that the process manager would have taken last."""
    account_id, owner = new_id(), new_id()
    origin = Origin(owner, owner, "benchmark")
    work = UnitOfWork({account_id: EMPTY})
    kept = EMPTY
    with psycopg.connect(conninfo(url, "benchmark")) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY stored_events FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["uuid", "bigint", "text", "bytea", "bigint", "timestamptz"])
            for version in range(1, EVENTS + 1):
                command: AccountCommand = Deposit(account_id, new_id(), 200)
                if version == 1:
                    command = OpenAccount(account_id, owner, 0)
                elif version % 2:
                    command = Withdraw(account_id, new_id(), 100)
                work.handle(command, origin)
                (event,) = encoded([work.events.pop()])
                copy.write_row((account_id, version, event.topic, event.state, version, utc_now()))
                if version == EVENTS - EVERY + 1:
                    kept = work.streams[account_id]
        snapshot = Loaded(ACCOUNT, kept.state, kept.version, kept.version)
        save_snapshots(cursor, [(account_id, snapshot)])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE stored_events")
    return account_id


def _loaded(url: str, account_id: UUID, times: int) -> Callable[[], Mapping[str, float]]:
    async def load() -> list[float]:
        took = []
        async with async_pool(url, "benchmark", size=1) as pool:
            for _ in range(times + 1):
                dispatcher = Dispatcher(pool, Writer(url))
                began = perf_counter()
                loaded = await dispatcher.load(account_id)
                took.append((perf_counter() - began) * 1e3)
                if loaded.version != EVENTS:
                    raise RuntimeError(f"Loaded up to version {loaded.version}")
                await asyncio.sleep(0)
        return took[1:]  # the first one prepares the statements

    def run_once() -> Mapping[str, float]:
        took = uv(load())
        return {"ms": middle(took), "p99 ms": percentile(took, 0.99)}

    return run_once


def _replayed(server: Server, url: str, account_id: UUID) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        copy = server.shop_database("replayed", "account")
        with psycopg.connect(copy) as connection:
            connection.execute("DELETE FROM snapshots")
        return _loaded(copy, account_id, 1)()

    return run_once
