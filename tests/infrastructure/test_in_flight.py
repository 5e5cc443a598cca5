"""Time limits and retries of some executions, while others are under way."""

import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.faults.checks import faults
from tests.infrastructure.interrupted import finish, leading, run
from tests.replay.histories import History, store

UNREADABLE_RESERVATION = """
UPDATE stored_events SET topic = 'Unknown' WHERE notification_id = (
    SELECT min(notification_id) FROM stored_events WHERE topic = 'StockReserved')
"""
READABLE_RESERVATION = "UPDATE stored_events SET topic = 'StockReserved' WHERE topic = 'Unknown'"
PARKED = "SELECT error IS NOT NULL FROM parked_events ORDER BY position"
LIMIT = timedelta(seconds=0.2)
POISON = "UPDATE stored_events SET topic = 'Unheard' WHERE originator_id = ANY(%s)"
MEND = "UPDATE stored_events SET topic = 'ProductListed' WHERE topic = 'Unheard'"
RETRY = "UPDATE parked_events SET retry_at = clock_timestamp()"


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        yield connection


class Crowd:
    """Orders of several products that were placed at once; `unreadable` are products of which one
    order each is placed, and cannot go on."""

    def __init__(self, url: str, connection: Connection, orders: int, unreadable: int = 0) -> None:
        history = History()
        customer = history.customer(money=1_000_000_00)
        products = [history.product(quantity=1_000) for _ in range(5)]
        self.broken = [history.product() for _ in range(unreadable)]
        for n, product in enumerate(self.broken):
            history.place(customer, history.order(customer, {product: 1}), f"broken {n}")
        for n in range(orders):
            lines = dict.fromkeys(products, 1)
            history.place(customer, history.order(customer, lines), f"order {n}")
        store(url, history.recorded)
        connection.execute(POISON, (self.broken,))
        self.url, self._connection = url, connection

    def ends(self) -> list[tuple[str, int]]:
        """How the orders ended, and how many each way; nothing may be left over."""
        run(self.url, Projector())
        return self._connection.execute(
            "SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1"
        ).fetchall()

    def mend(self) -> None:
        self._connection.execute(MEND)

    def retry(self) -> None:
        self._connection.execute(RETRY)

    def an_hour_passes(self) -> None:
        """All that was ever noted is an hour older."""
        self._connection.execute("UPDATE processes SET due_at = due_at - interval '1 hour'")
        self._connection.execute("UPDATE runners SET heartbeat = heartbeat - interval '1 hour'")

    def due_in(self) -> float:
        """Seconds."""
        row = self._connection.execute(
            "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM processes"
        ).fetchone()
        assert row
        return float(row[0])

    def late(self) -> None:
        self._connection.execute("UPDATE processes SET due_at = due_at - interval '1 hour'")


def some_steps(url: str, manager: ProcessManager, count: int) -> None:
    """Lead for a while, and die."""
    with leading(url, manager) as lead:
        manager.recover(lead)
        for _ in range(count):
            assert manager.work(lead)


@pytest.mark.parametrize("batch", [3, 500])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_what_was_under_way_when_the_workers_died_is_read_before_it_is_late(
    database_url: str, connection: Connection, steps: int, batch: int
) -> None:
    crowd = Crowd(database_url, connection, orders=12)
    some_steps(database_url, ProcessManager(hops=1, batch=batch, time_limit=LIMIT), steps)
    crowd.late()
    run(database_url, ProcessManager(hops=1, batch=batch))
    assert crowd.ends() == [("COMPLETED", 12)]
    assert faults(database_url) == {}


@pytest.mark.parametrize("batch", [3, 500])
def test_a_parked_execution_that_is_retried_keeps_what_is_in_flight(
    database_url: str, connection: Connection, batch: int
) -> None:
    crowd = Crowd(database_url, connection, orders=12, unreadable=2)
    manager = ProcessManager(hops=1, batch=batch)
    with leading(database_url, manager) as lead:
        manager.recover(lead)
        for _ in range(3):
            manager.work(lead)
        crowd.mend()
        crowd.retry()
        finish(manager, lead)
    assert crowd.ends() == [("COMPLETED", 14)]
    assert faults(database_url) == {}


@pytest.mark.parametrize("batch", [3, 500])
def test_a_parked_execution_that_is_given_up_keeps_what_is_in_flight(
    database_url: str, connection: Connection, batch: int
) -> None:
    crowd = Crowd(database_url, connection, orders=12, unreadable=2)
    manager = ProcessManager(hops=1, batch=batch, time_limit=LIMIT)
    with leading(database_url, manager) as lead:
        manager.recover(lead)
        manager.work(lead)
        time.sleep(LIMIT.total_seconds())
        finish(manager, lead)
    crowd.mend()
    assert crowd.ends() == [("COMPLETED", 12), ("FAILED", 2)]
    assert faults(database_url) == {}


def test_time_in_which_nobody_worked_counts_against_nobody(
    database_url: str, connection: Connection
) -> None:
    """Neither while no worker was there, nor while the one that leads was frozen."""
    limit = timedelta(minutes=1)
    crowd = Crowd(database_url, connection, orders=0, unreadable=1)
    run(database_url, ProcessManager(time_limit=limit))
    crowd.an_hour_passes()
    manager = ProcessManager(time_limit=limit)
    with leading(database_url, manager) as lead:
        manager.recover(lead)
        finish(manager, lead)
        assert crowd.due_in() == pytest.approx(60, abs=20)
        crowd.an_hour_passes()
        finish(manager, lead)
    assert crowd.due_in() == pytest.approx(60, abs=20)
    assert crowd.ends() == [("PLACED", 1)]


def test_an_event_of_an_execution_that_cannot_be_read_is_parked_and_retried(
    database_url: str, connection: Connection
) -> None:
    crowd = Crowd(database_url, connection, orders=1)
    some_steps(database_url, ProcessManager(hops=1), 1)
    connection.execute(UNREADABLE_RESERVATION)
    run(database_url, ProcessManager(hops=1))
    assert connection.execute(PARKED).fetchall() == [(True,)] + [(False,)] * 4
    connection.execute(READABLE_RESERVATION)
    crowd.retry()
    run(database_url, ProcessManager(hops=1))
    assert crowd.ends() == [("COMPLETED", 1)]
    assert faults(database_url) == {}
