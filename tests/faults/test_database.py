"""Trouble with PostgreSQL: nothing that was acknowledged is lost or done twice, everybody is
answered within a time limit, and all is well again by itself."""

import asyncio
from contextlib import ExitStack, closing
from pathlib import Path
from time import process_time

import psycopg
import pytest
import structlog
from psycopg import sql

import api.graphql.execution.engine
import infrastructure
from infrastructure.postgres.connections import conninfo
from tests.faults.buyers import buying
from tests.faults.conftest import Stand, standing
from tests.faults.waiting import until

AWAY = "UNAVAILABLE: The shop cannot reach its database; try again in a moment."
LATE = "INTERNAL: The command was accepted, but its outcome cannot be shown yet."
BUSY = "RATE_LIMITED: The shop is busy; try again in a moment."  # when it is back, but behind
LONGEST = 20.0  # seconds that anybody may wait for an answer of any kind
SHOPS_BACKENDS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'shop %'"
)


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_it_is_ended_under_load_and_started_again(stand: Stand, end: str) -> None:
    async with buying(await stand.buyers()):
        for pause in (0.0, 0.5, 1.0):
            await stand.takes_orders()
            getattr(stand.server, end)()
            await asyncio.sleep(pause)
            stand.server.start()
        await stand.takes_orders()
    await stand.nothing_is_wrong()
    assert set(stand.answers.errors) <= {AWAY, LATE, BUSY}
    assert stand.answers.slowest < LONGEST


def take_all(url: str, taken: ExitStack) -> None:
    """Every connection that there is."""
    while True:
        try:
            connection = psycopg.connect(url)
        except psycopg.OperationalError as error:
            assert "too many clients" in str(error)  # noqa: PT017  # it has to come in the end
            return
        taken.enter_context(closing(connection))


async def test_it_has_no_connections_left(data_dir: Path) -> None:
    with standing(data_dir, max_connections="30") as stand:
        async with buying(await stand.buyers()):
            await stand.takes_orders()
            with psycopg.connect(stand.server.url, autocommit=True) as operator:
                operator.execute(SHOPS_BACKENDS)
                with ExitStack() as taken:
                    take_all(stand.server.url, taken)
                    operator.execute(SHOPS_BACKENDS)
                    await asyncio.sleep(2)
            await stand.takes_orders()
        await stand.nothing_is_wrong()
        assert set(stand.answers.errors) <= {AWAY, LATE, BUSY}
        assert stand.answers.slowest < LONGEST


async def test_it_takes_no_writes_for_a_while(stand: Stand) -> None:
    def read_only(value: str) -> None:
        with psycopg.connect(stand.server.url, autocommit=True) as operator:
            operator.execute("SET default_transaction_read_only = off")
            setting = sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}")
            operator.execute(setting.format(sql.Literal(value)))
            operator.execute("SELECT pg_reload_conf()")

    async with buying(await stand.buyers()):
        await stand.takes_orders()
        read_only("on")
        await asyncio.sleep(2)
        read_only("off")
        await stand.takes_orders()
    await stand.nothing_is_wrong()
    assert set(stand.answers.errors) <= {AWAY, LATE, BUSY}
    assert stand.answers.slowest < LONGEST


async def test_it_is_slow_for_a_moment(stand: Stand) -> None:
    """Nobody notices more than a late answer."""
    async with buying(await stand.buyers()):
        await stand.takes_orders()
        with psycopg.connect(stand.server.url) as somebody:
            somebody.execute("LOCK TABLE stored_events IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(1.5)
        await stand.takes_orders()
    await stand.nothing_is_wrong()
    assert not stand.answers.errors


async def test_it_is_frozen_for_longer_than_anybody_waits(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.graphql.execution.engine, "PATIENCE", 6.0)
    async with buying(await stand.buyers()):
        await stand.takes_orders()
        with stand.server.frozen():
            await until(lambda: stand.answers.errors[AWAY] > 0, LONGEST)
        await stand.takes_orders()
    await stand.nothing_is_wrong()
    assert set(stand.answers.errors) <= {AWAY, LATE, BUSY}
    assert stand.answers.slowest < LONGEST


async def test_who_waits_for_it_does_so_quietly(stand: Stand) -> None:
    """A busy loop would take all of the time, and fill the log."""
    visitor = stand.shop.visitor()
    stand.server.kill()
    with structlog.testing.capture_logs() as lines:
        began = process_time()
        asked = asyncio.create_task(visitor.send("{ products { totalCount } }"))
        await asyncio.sleep(2)
        assert process_time() - began < 1
        assert len(lines) < 60
    answer = await asked
    assert f"UNAVAILABLE: {answer['errors'][0]['message']}" == AWAY
    assert answer["errors"][0]["extensions"]["retryAfter"] == 2
    stand.server.start()

    async def answers() -> bool:
        return "errors" not in await visitor.send("{ products { totalCount } }")

    async def is_ready() -> bool:
        return (await visitor.get({}, "/health/ready")).is_success

    await until(answers, LONGEST)
    await until(is_ready, LONGEST)


@pytest.mark.parametrize(
    "limit", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
)
def test_every_connection_has_its_time_limits(database_url: str, limit: str) -> None:
    with psycopg.connect(conninfo(database_url, "test")) as connection:
        row = connection.execute("SELECT current_setting(%s)", [limit]).fetchone()
    assert row not in {None, ("0",)}


def test_nobody_connects_without_them() -> None:
    """Whoever makes a connection takes its address from the one function that sets them, and the
    connection is one whose waits end."""
    root = Path(infrastructure.__file__).parent.parent
    for package in ("infrastructure", "api"):
        for path in (root / package).rglob("*.py"):
            source = path.read_text()
            assert "psycopg.connect(" not in source, path
            if "Connection.connect(" in source:
                assert "conninfo" in source or path.name == "embedded.py", path
                assert "patience" in source or path.name == "servers.py", path
