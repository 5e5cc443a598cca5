"""Several processes fill a copy just as one does, whatever happens to them."""

import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.read_models import parallel_fill
from infrastructure.read_models.rebuild import Connections, rebuild
from projections import PROJECTIONS, orders
from projections.projection import Projection
from tests.replay.conftest import project
from tests.replay.histories import busy_shop, store
from tests.replay.test_rebuild import everything

NAMES = [projection.name for projection in PROJECTIONS]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> "list[subprocess.Popen[bytes]]":
    """Those that are started, though the log is short."""
    started: list[subprocess.Popen[bytes]] = []
    start: Callable[..., subprocess.Popen[bytes]] = parallel_fill._start

    def remember(
        writer: Connection[TupleRow], arguments: tuple[str | int, ...]
    ) -> "subprocess.Popen[bytes]":
        started.append(start(writer, arguments))
        return started[-1]

    monkeypatch.setattr(parallel_fill, "_start", remember)
    monkeypatch.setattr(parallel_fill, "_processors", lambda: 4)
    monkeypatch.setattr(parallel_fill, "WORTH_IT", 1_000)
    monkeypatch.setattr(parallel_fill, "STRETCH", 300)
    return started


@pytest.fixture
def rows(database_url: str, connection: Connection[TupleRow]) -> dict[str, list[TupleRow]]:
    """Of a shop of 600 orders."""
    store(database_url, busy_shop(600, products=6, customers=8).recorded)
    project(database_url)
    return everything(connection)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=NAMES)
def test_they_make_the_same_rows(
    projection: Projection,
    rows: dict[str, list[TupleRow]],
    on: Connections,
    connection: Connection[TupleRow],
    processes: "list[subprocess.Popen[bytes]]",
) -> None:
    reached = [step.position for step in rebuild(on, projection)]
    assert len(processes) == 3
    assert reached == sorted(reached)
    assert everything(connection) == rows
    assert all(process.returncode == 0 for process in processes)


@pytest.mark.parametrize("number", range(3))
def test_where_one_of_them_is_killed_the_rest_is_filled_without_them(
    number: int,
    rows: dict[str, list[TupleRow]],
    on: Connections,
    connection: Connection[TupleRow],
    processes: "list[subprocess.Popen[bytes]]",
) -> None:
    steps = rebuild(on, orders.PROJECTION)
    for _ in range(4):
        next(steps)
    os.kill(processes[number].pid, signal.SIGKILL)
    list(steps)
    assert everything(connection) == rows


def test_where_something_cannot_be_applied_the_rest_is_filled_without_them(
    rows: dict[str, list[TupleRow]],
    on: Connections,
    connection: Connection[TupleRow],
    processes: "list[subprocess.Popen[bytes]]",
) -> None:
    connection.execute("UPDATE stored_events SET topic = 'Unheard' WHERE notification_id = 2000")
    connection.execute(
        "INSERT INTO parked_events (consumer, position, belongs_to, error, parked_at)"
        " SELECT 'projector:orders', 2000, originator_id, 'Unheard', now()"
        " FROM stored_events WHERE notification_id = 2000"
    )
    list(rebuild(on, orders.PROJECTION))
    parked = connection.execute(
        "SELECT error FROM parked_events WHERE consumer = 'projector:orders' AND position = 2000"
    )
    assert parked.fetchall() == [("UnknownEvent: Unheard at position 2000",)]
    assert len(everything(connection)["orders"]) == len(rows["orders"])


def test_they_stop_with_whoever_has_started_them(
    rows: dict[str, list[TupleRow]],
    on: Connections,
    connection: Connection[TupleRow],
    processes: "list[subprocess.Popen[bytes]]",
) -> None:
    steps = rebuild(on, orders.PROJECTION)
    next(steps)
    steps.close()  # type: ignore[attr-defined]  # a generator
    assert all(process.returncode == 0 for process in processes)
    assert everything(connection) == rows
    list(rebuild(on, orders.PROJECTION))
    assert everything(connection) == rows


def test_a_short_log_is_not_worth_them(
    rows: dict[str, list[TupleRow]],
    on: Connections,
    processes: "list[subprocess.Popen[bytes]]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parallel_fill, "WORTH_IT", 200_000)
    list(rebuild(on, orders.PROJECTION))
    assert processes == []
