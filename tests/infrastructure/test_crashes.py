"""The process manager and the projector, stopped dead or taken over at every statement: it makes no
difference.

Each story is played undisturbed, then again and again for another customer, with the connection cut
at its first statement, its second, and so on, until the story ends before the cut; and likewise
with a worker that freezes there until another one has done everything. After every commit somebody
looks whether an event was lost. Of the longer stories a run takes a part of the statements, another
one each time; `make test-slow` takes them all.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from random import randrange
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.pq import TransactionStatus

from application.unit_of_work import EMPTY, UnitOfWork
from domain.commands import Command, CreateOrder, ListProduct, OpenAccount, PlaceOrder
from domain.recorded import Origin
from domain.values import Address, OrderItem
from infrastructure.event_store.store import APPEND, append_parameters, encoded
from infrastructure.ids import execution_id, new_id
from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.faults.checks import faults
from tests.infrastructure.interrupted import crash, interrupted, run, runs_to_its_end

ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "1")
HIDE = "UPDATE stored_events SET topic = 'Un' || topic WHERE originator_id = %s"
SHOW = "UPDATE stored_events SET topic = substr(topic, 3) WHERE originator_id = ANY(%s)"
SHOW_WHERE = " AND topic LIKE 'Un%%'"

Names = dict[str, UUID]
Act = Callable[[Connection, Names], None]
Interruption = Callable[[Connection], None]


def hide(what: str) -> Act:
    """From now on this release cannot read the stream."""

    def act(connection: Connection, names: Names) -> None:
        connection.execute(HIDE, (names[what],))

    return act


def mend(connection: Connection, names: Names) -> None:
    """Now it can."""
    streams = [names[what] for what in ("board", "account", "order")]
    connection.execute(SHOW + SHOW_WHERE, (streams,))


def retry(connection: Connection, names: Names) -> None:
    """An operator asks for it."""
    connection.execute(
        "UPDATE parked_events SET retry_at = clock_timestamp() WHERE belongs_to = %s",
        (names["run"],),
    )


def an_hour_later(connection: Connection, names: Names) -> None:
    """An hour in which somebody worked."""
    connection.execute(
        "UPDATE processes SET due_at = due_at - interval '1 hour',"
        " retry_at = retry_at - interval '1 hour' WHERE execution_id = %s",
        (names["run"],),
    )


@dataclass(frozen=True)
class Story:
    """A customer's order for a board and a wheel, how it ends, and what happens before each run of
    the workers. Of several runs, the first is interrupted only where its `parking` matters."""

    end: str
    boards: int = 5
    money: int = 100_00
    total: int = 35_00
    limit: timedelta = timedelta(minutes=1)
    runs: tuple[tuple[Act, ...], ...] = ((),)
    parking: bool = False

    def begin(self, connection: Connection) -> Names:
        """Record everything up to the placing."""
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
        connection.execute(APPEND, append_parameters(encoded(work.events)))
        return {
            "board": board,
            "wheel": wheel,
            "account": account,
            "customer": customer,
            "order": order,
            "run": run,
        }

    def process_manager(self) -> ProcessManager:
        return ProcessManager(hops=1, time_limit=self.limit)

    def play(
        self, url: str, connection: Connection, at: int | None, instead: Interruption
    ) -> tuple[Names, bool]:
        """From beginning to end, with an interruption at a statement of the last runs; a worker
        that is stopped is replaced by another one. Whether it came to the interruption."""
        names = self.begin(connection)
        *calm, last = self.runs
        if calm and not self.parking:
            self._run(url, connection, names, calm.pop(0))
        with interrupted(at, instead) as happened:
            for acts in (*calm, last):
                self._run(url, connection, names, acts)
        return names, bool(happened)

    def _run(self, url: str, connection: Connection, names: Names, acts: tuple[Act, ...]) -> None:
        for act in acts:
            act(connection, names)
        if not runs_to_its_end(url, self.process_manager()):
            run(url, self.process_manager())


STORIES = {
    "completed, though late all the time": Story("COMPLETED", limit=timedelta(seconds=-1)),
    "short": Story("FAILED", boards=2),
    "wrong price": Story("FAILED", total=34_99),
    "too little money": Story("FAILED", money=34_99),
    "parked, retried in vain, retried": Story(
        "COMPLETED", runs=((hide("board"),), (retry,), (mend, retry)), parking=True
    ),
    "parked and given up": Story("FAILED", runs=((hide("board"),), (an_hour_later,), (mend,))),
    "parked, given up in vain, given up": Story(
        "FAILED",
        runs=((hide("board"),), (hide("order"), an_hour_later), (mend, an_hour_later)),
    ),
    "parked midway, late, retried": Story(
        "COMPLETED", runs=((hide("account"),), (an_hour_later,), (mend, retry))
    ),
}
TAKEN_OVER = (
    "completed, though late all the time",
    "parked, retried in vain, retried",
    "parked and given up",
)
STRIDES = {  # of those that take long; of others every statement is taken
    "completed, though late all the time": 2,
    "parked and given up": 3,
    "parked, retried in vain, retried": 4,
    "parked midway, late, retried": 4,
    "parked, given up in vain, given up": 4,
}


def strides(names: Iterable[str]) -> list[Any]:
    """How many statements to go on, for each story; and all of it where there is time."""
    usual = [pytest.param(name, STRIDES.get(name, 1), id=name) for name in names]
    whole = [
        pytest.param(name, 1, id=f"{name}, all", marks=pytest.mark.slow)
        for name in names
        if name in STRIDES
    ]
    return usual + whole


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


def outcome(connection: Connection, names: Names, *parts: str) -> dict[str, Any]:
    """All that came of a story, with names in place of ids."""
    found = {}
    for what in parts or OUTCOME:
        query = OUTCOME[what]
        rows = connection.execute(query.encode(), (list(names.values()),)).fetchall()
        text = json.dumps(rows, default=str)
        for name, number in names.items():
            text = text.replace(str(number), name)
        found[what] = sorted(json.loads(text), key=str)
    return found


def at_every_statement(
    url: str, connection: Connection, story: Story, stride: int, instead: Interruption
) -> list[Names]:
    """Who played the story, each with an interruption that came `stride` statements later."""
    undisturbed, _ = story.play(url, connection, None, instead)
    expected = outcome(connection, undisturbed, "events")
    played = [undisturbed]
    at, happened = randrange(stride) - stride, True
    while happened:
        at += stride
        names, happened = story.play(url, connection, at, instead)
        assert outcome(connection, names, "events") == expected, f"at statement {at}"
        played.append(names)
    return played


def assert_all_is_well(url: str, connection: Connection, played: list[Names], end: str) -> None:
    """The read models agree with one another, and with all that must be true of a shop."""
    run(url, Projector())
    first, *others = (outcome(connection, names) for names in played)
    assert first["orders"][0][1] == end
    assert [n for n, other in enumerate(others) if other != first] == []
    assert faults(url) == {}


@pytest.mark.parametrize(("name", "stride"), strides(STORIES))
def test_a_crash_at_any_statement_changes_nothing(
    database_url: str, name: str, stride: int
) -> None:
    story = STORIES[name]
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        played = at_every_statement(database_url, connection, story, stride, crash)
        assert_all_is_well(database_url, connection, played, story.end)
    assert len(played) > 10
    print(f"{name}: {len(played)} crash points")  # noqa: T201  # shown by pytest -rP


@pytest.mark.parametrize(("name", "stride"), strides(TAKEN_OVER))
def test_who_was_taken_over_at_any_statement_changes_nothing(
    database_url: str, name: str, stride: int
) -> None:
    story = STORIES[name]

    def another_one_does_it_all(frozen: Connection) -> None:
        if frozen.info.transaction_status is not TransactionStatus.IDLE:
            # Its lock would make everybody wait, so that a standby ends its connection.
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (frozen.info.backend_pid,))
        run(database_url, story.process_manager())

    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        played = at_every_statement(
            database_url, connection, story, stride, another_one_does_it_all
        )
        assert_all_is_well(database_url, connection, played, story.end)
    assert len(played) > 10


@pytest.mark.parametrize("name", ["completed, though late all the time", "too little money"])
def test_a_crash_of_the_projector_changes_nothing(database_url: str, name: str) -> None:
    story = STORIES[name]
    played: list[Names] = []
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        crashed = [True]
        while crashed:
            played.append(story.play(database_url, connection, None, crash)[0])
            with interrupted(len(played), crash) as crashed:
                if not runs_to_its_end(database_url, Projector()):
                    run(database_url, Projector())
        assert_all_is_well(database_url, connection, played, story.end)
    assert len(played) > 10
