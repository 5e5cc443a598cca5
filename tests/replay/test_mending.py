"""What was put aside is seen, tried again, or decided never to be done."""

from datetime import timedelta
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import ProductDiscontinued
from domain.recorded import Origin
from infrastructure.event_store.codec import encode
from infrastructure.process_managers.executions import ExecutionFilter, executions, outlook
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Connections
from infrastructure.read_models.verify import Compared, verify
from projections import products
from tests.infrastructure.conftest import running
from tests.replay.conftest import Command, project, until
from tests.replay.histories import History, derived, store
from tests.replay.test_rebuild import poison

ORIGIN = Origin(None, derived("mend"), "test")
MEND = "UPDATE stored_events SET topic = %s, state = %s WHERE notification_id = %s"


class Stuck:
    """A shop where the product of one order cannot be read, so the order is put aside."""

    def __init__(self, url: str, connection: Connection[TupleRow]) -> None:
        self.history = History()
        self.ada, self.board = self.history.customer(), self.history.product()
        store(url, self.history.recorded)
        self.poison = poison(connection, self.board)
        self.history.recorded.append(self.history.recorded[-1])  # its place is taken
        self.order = self.history.order(self.ada, {self.board: 1})
        self.run = self.history.place(self.ada, self.order, "stuck")
        store(url, self.history.recorded[self.poison :])
        self._connection = connection

    def mend(self) -> None:
        discontinued = encode(ProductDiscontinued(self.board), ORIGIN)
        self._connection.execute(MEND, ("ProductDiscontinued", discontinued, self.poison))

    def parked(self, consumer: str) -> list[int]:
        rows = self._connection.execute(
            "SELECT position FROM parked_events WHERE consumer = %s ORDER BY 1", (consumer,)
        )
        return [row[0] for row in rows]


@pytest.fixture
def stuck(database_url: str, connection: Connection[TupleRow]) -> Stuck:
    """With its read models up to date, and the execution put aside."""
    stuck = Stuck(database_url, connection)
    with running(database_url, ProcessManager(time_limit=timedelta(days=1))):
        until(lambda: stuck.parked("process-manager") != [])
    project(database_url)
    return stuck


def test_what_is_parked_is_listed_and_shown(stuck: Stuck, command: Command) -> None:
    found = {p["consumer"]: p for p in command("parked", "list", "--json").json}
    assert found.keys() == {
        "process-manager",
        *(f"projector:{name}" for name in ("products", "orders", "accounts", "returns")),
    }
    product = found["projector:products"]
    assert (product["position"], product["type"], product["attempts"]) == (
        stuck.poison,
        "Unheard",
        1,
    )
    assert "Unheard at position" in product["error"]
    lines = command("parked", "list", "--consumer", "projector:products").lines
    assert len(lines) == 2
    assert "Unheard at position" in lines[1]
    (shown,) = command("parked", "show", "projector:products", stuck.poison, "--json").json
    assert shown["event"]["data"] == "{}"
    assert "data: {}" in command("parked", "show", "projector:products", stuck.poison).out


def test_nothing_parked_is_said_so(past: History, command: Command) -> None:
    assert command("parked", "list").lines == ["Nothing is parked."]
    assert command("parked", "list", "--json").lines == []
    assert command("parked", "retry", "--all").lines == ["Nothing is parked."]


def test_a_stuck_execution_is_listed_with_its_error(
    stuck: Stuck, connection: Connection[TupleRow], command: Command
) -> None:
    (found,) = command("executions", "list", "--stuck", "--json").json
    assert (found["name"], found["status"], found["step"]) == ("stuck", "RUNNING", "RESERVING")
    assert found["parked"] == 1
    assert command("executions", "list", "--status", "succeeded", "--json").lines == []
    assert len(command("executions", "list", "--older-than", "5m").lines) == 2
    assert command("executions", "list", "--customer", derived("x"), "--json").lines == []
    shown = command("executions", "show", "stuck")
    assert "step: RESERVING" in shown.lines
    assert "It would be put aside again: an event still cannot be read" in shown.out
    by_id = command("executions", "show", stuck.run, "--customer", stuck.ada[0], "--json").json
    assert by_id[0]["outlook"]["commands"] == []


def test_a_retry_shows_what_it_would_send_and_goes_on(
    stuck: Stuck, database_url: str, connection: Connection[TupleRow], command: Command
) -> None:
    stuck.mend()
    ahead = outlook(connection, stuck.run)
    assert [(type(p.command).__name__, p.outcome) for p in ahead.commands] == [
        ("ReserveStock", "StockShort")
    ]
    asked = command("executions", "retry", "stuck")
    assert (asked.status, asked.lines[0]) == (2, "It would send:")
    with running(database_url, ProcessManager()), running(database_url, Projector()):
        command("parked", "retry", "--all", "--by", "grace")
        until(lambda: stuck.parked("projector:orders") == [])
        until(lambda: stuck.parked("process-manager") == [])
        until(lambda: status(connection, stuck.run) == "FAILED")
    assert command("executions", "retry", "stuck", "--yes").status == 1  # nothing is aside now


def status(connection: Connection[TupleRow], run: UUID) -> str:
    (found,) = executions(connection, ExecutionFilter(id=run), 1)
    return found.status


def test_a_retry_waits_for_its_outcome(
    stuck: Stuck, database_url: str, connection: Connection[TupleRow], command: Command
) -> None:
    stuck.mend()
    with running(database_url, ProcessManager()), running(database_url, Projector()):
        command("parked", "retry", "projector:orders", stuck.poison)
        until(lambda: stuck.parked("projector:orders") == [])
        done = command("executions", "retry", "stuck", "--yes", "--reason", "mended", "--json")
    assert done.json[0]["status"] == "FAILED"


def test_a_retry_that_fails_again_says_why(
    stuck: Stuck, database_url: str, connection: Connection[TupleRow], command: Command
) -> None:
    with running(database_url, ProcessManager(time_limit=timedelta(days=1))):
        said = command("executions", "retry", "stuck", "--yes", "--by", "grace")
    assert said.status == 1
    assert said.err.splitlines()[-1].startswith("shop: It is put aside again: ")
    row = connection.execute(
        "SELECT attempts, retried_by FROM parked_events WHERE consumer = 'process-manager'"
    ).fetchone()
    assert row == (2, "grace")


def test_a_retry_says_when_nobody_works(
    stuck: Stuck, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.executions.PATIENCE", 0.3)
    said = command("executions", "retry", "stuck", "--yes")
    assert said.status == 1
    assert "does a worker run?" in said.err


def test_a_name_that_several_customers_use_needs_the_customer(
    database_url: str, command: Command
) -> None:
    history = History()
    board = history.product()
    ada, bob = history.customer(), history.customer()
    for customer in (ada, bob):
        history.buy(customer, {board: 1}, "first")
    store(database_url, history.recorded)
    project(database_url)
    said = command("executions", "show", "first")
    assert said.status == 2
    assert f"add --customer, such as {bob[0]}, {ada[0]}" in said.err
    (found,) = command("executions", "show", "first", "--customer", ada[0], "--json").json
    assert found["customerId"] == str(ada[0])
    assert [step["type"] for step in found["steps"]][-1] == "SUCCEEDED"
    assert "  SUCCEEDED" in command("executions", "show", "first", "--customer", ada[0]).out


def test_what_is_dropped_is_kept_and_what_waits_behind_it_goes_on(
    stuck: Stuck,
    database_url: str,
    on: Connections,
    connection: Connection[TupleRow],
    command: Command,
) -> None:
    known = len(stuck.history.recorded)
    stuck.history.send_past(stuck.board, by=5)
    store(database_url, stuck.history.recorded[known:])
    project(database_url)
    behind = len(stuck.history.recorded)
    assert stuck.parked("projector:products") == [stuck.poison, behind]
    waiting = command("parked", "list", "--consumer", "projector:products", "--all").lines
    assert waiting[-1].rstrip().endswith("waits")
    arguments = ("parked", "drop", "projector:products", stuck.poison, "--by", "grace")
    assert command(*arguments, "--reason", " ").status == 2
    assert command(*arguments, "--reason", "a test").status == 2  # nobody to ask
    (dropped,) = command(*arguments, "--reason", "a test", "--yes", "--json").json
    assert dropped["position"] == stuck.poison
    with running(database_url, Projector()):
        until(lambda: stuck.parked("projector:products") == [])
    row = connection.execute("SELECT on_hand FROM products WHERE product_id = %s", (stuck.board,))
    assert row.fetchone() == (105,)
    kept = connection.execute("SELECT position, dropped_by, reason FROM dropped_events")
    assert kept.fetchall() == [(stuck.poison, "grace", "a test")]
    *_, result = verify(on, products.PROJECTION)
    assert isinstance(result, Compared)
    assert (result.differences, result.unapplied) == (0, 0)
    assert command("projections", "rebuild", "products").status == 0


def test_copies_are_not_tried_again(
    stuck: Stuck, connection: Connection[TupleRow], command: Command
) -> None:
    connection.execute(
        "UPDATE parked_events SET consumer = 'projector:orders/next'"
        " WHERE consumer = 'projector:orders'"
    )
    said = command("parked", "retry", "projector:orders/next", stuck.poison)
    assert said.status == 1
    assert "shop projections rebuild orders --anew" in said.err
