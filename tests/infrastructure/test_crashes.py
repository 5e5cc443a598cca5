"""The process manager and the projector, stopped dead at every statement: it makes no difference.

Each story is played undisturbed, then again and again for another customer, with the connection cut
at its first statement, its second, and so on, until the story ends before the cut.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, Cursor

from domain.commands import Command, CreateOrder, ListProduct, OpenAccount, PlaceOrder
from domain.recorded import Origin
from domain.values import Address, OrderItem
from infrastructure.aggregates import EMPTY, UnitOfWork
from infrastructure.consumers.runner import ELECT, Consumer, Lead
from infrastructure.event_store.store import APPEND, append_parameters
from infrastructure.ids import execution_id, new_id
from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector

ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "1")


class Crash(Exception):
    """The process is gone at this point."""


class MortalCursor(Cursor[Any]):
    """Cuts its connection when the countdown comes to 0."""

    left: int | None = None

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        cls = MortalCursor
        if cls.left is not None:
            if cls.left == 0:
                self.connection.close()
                raise Crash
            cls.left -= 1
        return super().execute(*args, **kwargs)


@contextmanager
def leading(url: str, consumer: Consumer) -> Iterator[Lead]:
    with psycopg.connect(
        conninfo(url, consumer.name), autocommit=True, prepare_threshold=0
    ) as connection:
        row = connection.execute(ELECT, {"name": consumer.name, "holder": "test"}).fetchone()
        assert row
        connection.cursor_factory = MortalCursor
        yield Lead(consumer.name, row[0], connection)


def run_until_crash(url: str, make: Callable[[], Consumer], crash_at: int | None) -> bool:
    """Run a new consumer until nothing is left to do, or it is cut off; True when it was."""
    MortalCursor.left = crash_at
    try:
        with leading(url, consumer := make()) as lead:
            consumer.recover(lead)
            while consumer.work(lead):
                pass
            consumer.heartbeat(lead)
            while consumer.work(lead):
                pass
    except (Crash, psycopg.OperationalError):
        return True
    finally:
        MortalCursor.left = None
    return False


class Story:
    """A customer's order for a board and a wheel, and how it is to go wrong."""

    def __init__(
        self, *, boards: int = 5, money: int = 100_00, total: int = 35_00, late: bool = False
    ) -> None:
        self.boards, self.money, self.total, self.late = boards, money, total, late

    def begin(self, connection: Connection) -> dict[UUID, str]:
        """Record everything up to the placing; answers with a name for each id."""
        board, wheel, account, customer, order = (new_id() for _ in range(5))
        run = execution_id(customer, "run")
        items = (
            OrderItem(board, "Board", "/b", 10_00, 3),
            OrderItem(wheel, "Wheel", "/w", 5_00, 1),
        )
        commands: list[Command] = [
            ListProduct(board, "Board", "/b", 10_00, self.boards),
            ListProduct(wheel, "Wheel", "/w", 5_00, 9),
            OpenAccount(account, customer, self.money),
            CreateOrder(order, customer, account, items, ADDRESS, self.total),
            PlaceOrder(order, run, "run"),
        ]
        work = UnitOfWork(dict.fromkeys((board, wheel, account, order), EMPTY))
        for command in commands:
            work.handle(command, Origin(customer, run, "test"))
        connection.execute(APPEND, append_parameters(work.events))
        ids = (board, wheel, account, customer, order, run)
        names = ("board", "wheel", "account", "customer", "order", "run")
        return dict(zip(ids, names, strict=True))

    def process_manager(self) -> ProcessManager:
        limit = timedelta(seconds=-1) if self.late else timedelta(minutes=1)
        return ProcessManager(hops=1, time_limit=limit)


STORIES = {
    "completed": Story(),
    "short": Story(boards=2),
    "wrong price": Story(total=34_99),
    "too little money": Story(money=34_99),
}
ENDS = {
    "completed": "COMPLETED",
    "short": "FAILED",
    "wrong price": "FAILED",
    "too little money": "FAILED",
}

OUTCOME = {
    "events": "SELECT stream_id, version, type, data FROM event_log"
    " WHERE stream_id = ANY(%s) ORDER BY stream_id, version",
    "products": "SELECT product_id, on_hand, reserved FROM products WHERE product_id = ANY(%s)"
    " ORDER BY 1",
    "orders": "SELECT order_id, status, shipment_id, problem FROM orders WHERE order_id = ANY(%s)",
    "executions": "SELECT execution_id, status, problem,"
    " ARRAY(SELECT step ->> 'type' FROM jsonb_array_elements(steps) AS step)"
    " FROM executions WHERE execution_id = ANY(%s)",
    "accounts": "SELECT account_id, balance FROM accounts WHERE account_id = ANY(%s)",
    "transactions": "SELECT account_id, reason, amount, balance, order_id FROM transactions"
    " WHERE account_id = ANY(%s) ORDER BY position",
}


def outcome(connection: Connection, names: dict[UUID, str]) -> dict[str, Any]:
    """All that came of a story, with names in place of ids."""
    found = {}
    for what, query in OUTCOME.items():
        rows = connection.execute(query.encode(), (list(names),)).fetchall()
        text = json.dumps(rows, default=str)
        for number, name in names.items():
            text = text.replace(str(number), name)
        found[what] = sorted(json.loads(text), key=str)
    return found


@pytest.mark.parametrize("story", STORIES)
def test_a_crash_at_any_statement_changes_nothing(database_url: str, story: str) -> None:
    played = STORIES[story]
    crashes = 0
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        undisturbed = played.begin(connection)
        assert not run_until_crash(database_url, played.process_manager, None)
        assert not run_until_crash(database_url, Projector, None)
        expected = outcome(connection, undisturbed)
        assert expected["orders"][0][1] == ENDS[story]

        for make in (played.process_manager, Projector):
            crash_at = 0
            while True:
                names = played.begin(connection)
                if make is Projector:
                    run_until_crash(database_url, played.process_manager, None)
                crashed = run_until_crash(database_url, make, crash_at)
                run_until_crash(database_url, played.process_manager, None)
                run_until_crash(database_url, Projector, None)
                assert outcome(connection, names) == expected, f"{make} at {crash_at}"
                if not crashed:
                    break
                crashes += 1
                crash_at += 1
        left = connection.execute("SELECT count(*) FROM processes").fetchone()
    assert left == (0,)
    assert crashes > 20
    print(f"{story}: {crashes} crash points")  # noqa: T201  # shown by pytest -rP
