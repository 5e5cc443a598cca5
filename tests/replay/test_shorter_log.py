"""A log that is shorter than what was made of it: who has read more stops and says so, and one
command puts it right."""

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.operations.migrate import migrate
from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Connections
from infrastructure.read_models.status import status
from tests.faults.checks import faults, is_settled
from tests.infrastructure.conftest import running
from tests.replay.conftest import until
from tests.replay.histories import History, store

FAILURES = "SELECT name, failure FROM runners WHERE failure IS NOT NULL ORDER BY name"
CUT = "DELETE FROM stored_events WHERE notification_id > %s"


@pytest.fixture
def cut(database_url: str) -> int:
    """Where the log ends after all of it was read: in the middle of an execution."""
    past = History()
    ada, board = past.customer(), past.product()
    past.buy(ada, {board: 1}, "first")
    kept = len(past.recorded) + 4
    past.buy(ada, {board: 2}, "cut in two")
    past.buy(ada, {board: 3}, "lost")
    store(database_url, past.recorded)
    with running(database_url, ProcessManager()), running(database_url, Projector()):
        until(lambda: is_settled(database_url) and tracked(database_url) == len(past.recorded))
    with connect(database_url) as connection:
        connection.execute(
            "INSERT INTO idempotency_keys VALUES (gen_random_uuid(), '', %s)", (kept + 1,)
        )
        connection.execute(CUT, (kept,))
    return kept


def connect(url: str) -> Connection[TupleRow]:
    return psycopg.connect(conninfo(url, "test"), autocommit=True)


def tracked(url: str) -> int:
    with connect(url) as connection:
        row = connection.execute("SELECT notification_id FROM notification_tracking").fetchone()
    return int(row[0]) if row else 0


def test_who_has_read_more_stops_and_says_so(database_url: str, cut: int) -> None:
    def failures() -> list[TupleRow]:
        with connect(database_url) as connection:
            return connection.execute(FAILURES).fetchall()

    with running(database_url, ProcessManager()), running(database_url, Projector()):
        until(lambda: len(failures()) == 2)
        said: dict[str, str] = dict(failures())
    assert f"but it ends at {cut}: `shop migrate`" in said["process-manager"]
    assert f"but it ends at {cut}: `shop migrate`" in said["projector"]
    with connect(database_url) as connection:
        told = status(connection)
    assert {model.state for model in told} == {"STOPPED"}
    assert all("shop migrate" in str(model.trouble) for model in told)


def test_migrating_puts_it_right(database_url: str, cut: int) -> None:
    migrate(database_url)
    with connect(database_url) as connection:
        assert {model.position for model in status(connection)} == {cut}
        assert {model.trouble for model in status(connection)} == {None}
        assert connection.execute("SELECT FROM idempotency_keys").rowcount == 0
    with running(database_url, ProcessManager()), running(database_url, Projector()):
        until(lambda: is_settled(database_url))
    assert faults(database_url) == {}


def test_a_log_that_is_replaced_under_a_running_projector_is_noticed(
    database_url: str, past: History, on: Connections
) -> None:
    with running(database_url, Projector()):
        until(lambda: is_settled(database_url))
        with connect(database_url) as connection:
            connection.execute(CUT, (len(past.recorded) - 3,))

        def told() -> bool:
            row = on.reader.execute(FAILURES).fetchone()
            return row is not None and "LogChanged" in row[1]

        until(told)
