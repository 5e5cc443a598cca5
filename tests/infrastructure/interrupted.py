"""Consumers without a runner: run step by step, stopped dead at a statement, or frozen there while
another takes over; and, after every commit, a look whether anything was lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from infrastructure.consumers.runner import ELECT, Consumer, Lead
from infrastructure.errors import Fenced
from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from tests.infrastructure.accounted import unaccounted

# Before the first execution that may change: everything of those before it was looked at.
BEGIN = """
SELECT least(
    (SELECT coalesce(max(notification_id), 0) FROM notification_tracking
        WHERE application_name = 'process-manager'),
    (SELECT min(e.notification_id) - 1 FROM processes p JOIN stored_events e
        ON e.originator_id = p.order_id AND e.topic = 'OrderPlaced'),
    (SELECT min(position) - 1 FROM parked_events WHERE consumer = 'process-manager'))
"""


class Crash(Exception):
    """The process is gone at this point."""


class InterruptedCursor(Cursor[Any]):
    """Does something else before the statement at which the countdown ends."""

    left: int | None = None
    instead: Callable[[Connection], None]

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        cls = InterruptedCursor
        if cls.left == 0:
            cls.left = None
            cls.instead(self.connection)
        elif cls.left is not None:
            cls.left -= 1
        return super().execute(*args, **kwargs)


@dataclass(slots=True)
class WatchedLead(Lead):
    """After each commit somebody looks."""

    look: Callable[[], None]

    @contextmanager
    def transaction(self) -> Iterator[Cursor[TupleRow]]:
        with super(WatchedLead, self).transaction() as cursor:
            yield cursor
        self.look()


@contextmanager
def leading(url: str, consumer: Consumer) -> Iterator[Lead]:
    """Lead, whoever led before. What the process manager commits is looked at each time, as far as
    it is of executions that are not finished now."""
    with (
        psycopg.connect(conninfo(url, "watching"), autocommit=True) as watching,
        psycopg.connect(
            conninfo(url, consumer.name), autocommit=True, prepare_threshold=0
        ) as connection,
    ):
        begin = watching.execute(BEGIN).fetchone()
        row = connection.execute(ELECT, {"name": consumer.name, "holder": "test"}).fetchone()
        assert begin
        assert row
        since: int = begin[0]

        def look() -> None:
            if isinstance(consumer, ProcessManager):
                found = unaccounted(watching, since)
                assert not found, found

        connection.cursor_factory = InterruptedCursor
        yield WatchedLead(consumer.name, row[0], connection, look)


def run(url: str, consumer: Consumer) -> None:
    """Until nothing is left to do, with a heartbeat after each batch."""
    with leading(url, consumer) as lead:
        consumer.recover(lead)
        finish(consumer, lead)


def finish(consumer: Consumer, lead: Lead) -> None:
    """Go on until a heartbeat has found nothing to do either."""
    busy = True
    while busy:
        busy = consumer.work(lead)
        consumer.heartbeat(lead)
        busy = consumer.work(lead) or busy


def runs_to_its_end(url: str, consumer: Consumer) -> bool:
    """Whether it was not stopped before it had done all there was to do."""
    try:
        run(url, consumer)
    except (Crash, Fenced, psycopg.OperationalError):
        return False
    return True


@contextmanager
def interrupted(at: int | None, instead: Callable[[Connection], None]) -> Iterator[list[bool]]:
    """At the statement of that number (None: never), of all that consumers send in this block,
    something else happens. The list is empty until then."""
    happened: list[bool] = []

    def note_it(connection: Connection) -> None:
        happened.append(True)
        instead(connection)

    InterruptedCursor.left, InterruptedCursor.instead = at, staticmethod(note_it)
    try:
        yield happened
    finally:
        InterruptedCursor.left = None


def crash(connection: Connection) -> None:
    """The process is killed."""
    connection.close()
    raise Crash


def run_until_crash(url: str, make: Callable[[], Consumer], crash_at: int | None) -> bool:
    """Run a new consumer until nothing is left to do, or it is cut off; True when it was."""
    with interrupted(crash_at, crash):
        return not runs_to_its_end(url, make())
