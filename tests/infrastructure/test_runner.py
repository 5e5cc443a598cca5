"""One leader at a time: takeover from the dead and the frozen, and no write of the one replaced."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from threading import Event

import psycopg
import pytest

from infrastructure.consumers.runner import ELECT, Lead, Runner
from infrastructure.errors import Fenced
from infrastructure.observability.metrics import Measures
from infrastructure.postgres.connections import conninfo

TABLE = "CREATE TABLE ticks (pid integer, epoch bigint, number serial)"
spawning = multiprocessing.get_context("spawn")


class Ticker:
    """A consumer that writes a row whenever it can."""

    name = "ticker"

    def __init__(self) -> None:
        self.measures = Measures(self.name)

    def recover(self, lead: Lead) -> None:
        pass

    def work(self, lead: Lead) -> bool:
        with lead.transaction() as cursor:
            cursor.execute("INSERT INTO ticks VALUES (%s, %s)", (os.getpid(), lead.epoch))
        time.sleep(0.01)
        return True

    def heartbeat(self, lead: Lead) -> None:
        pass


def tick(url: str) -> None:
    Runner(url, Ticker(), Event()).run()


@contextmanager
def ticking(url: str, count: int) -> Iterator[list[BaseProcess]]:
    processes: list[BaseProcess] = [
        spawning.Process(target=tick, args=(url,)) for _ in range(count)
    ]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def last_ticker(connection: psycopg.Connection) -> tuple[int, int] | None:
    return connection.execute(
        "SELECT pid, epoch FROM ticks ORDER BY number DESC LIMIT 1"
    ).fetchone()


def wait_for_other(connection: psycopg.Connection, *than: int | None) -> int:
    """The process that ticks, once it is another than these."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = last_ticker(connection)
        if found and found[0] not in than:
            return found[0]
        time.sleep(0.02)
    raise AssertionError("nobody takes over")


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TABLE)
        yield connection


def test_a_standby_takes_over_from_the_dead(
    database_url: str, connection: psycopg.Connection
) -> None:
    with ticking(database_url, 2) as processes:
        first = wait_for_other(connection)
        os.kill(first, signal.SIGKILL)
        second = wait_for_other(connection, first)
        assert {first, second} == {process.pid for process in processes}


def test_a_standby_takes_over_from_the_frozen_which_then_writes_nothing(
    database_url: str, connection: psycopg.Connection
) -> None:
    with ticking(database_url, 2):
        first = wait_for_other(connection)
        os.kill(first, signal.SIGSTOP)
        second = wait_for_other(connection, first)
        os.kill(first, signal.SIGCONT)
        time.sleep(1)
        rows = connection.execute("SELECT pid, epoch FROM ticks ORDER BY number").fetchall()
        assert [pid for pid, _ in rows] == sorted(
            (pid for pid, _ in rows), key=[first, second].index
        )
        assert [epoch for _, epoch in rows] == sorted(epoch for _, epoch in rows)


def test_who_was_replaced_cannot_commit(database_url: str, connection: psycopg.Connection) -> None:
    """Even one whose connection and lock are alive still: the epoch is checked where it writes."""
    name = {"name": "ticker", "holder": "test"}
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as own:
        row = own.execute(ELECT, name).fetchone()
        assert row
        old = Lead("ticker", row[0], own)
        with old.transaction() as cursor:
            cursor.execute("INSERT INTO ticks VALUES (1, 1)")
        connection.execute(ELECT, name)
        with pytest.raises(Fenced), old.transaction() as cursor:
            cursor.execute("INSERT INTO ticks VALUES (2, 2)")
    assert connection.execute("SELECT pid FROM ticks").fetchall() == [(1,)]
