"""However long the log is, a tool holds a few thousand events of it."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure.event_store import query
from infrastructure.event_store.query import EventFilter, read_events
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow, decode_row
from infrastructure.operations import audit as auditing
from infrastructure.operations import transfer
from infrastructure.operations.audit import audit
from infrastructure.operations.transfer import export
from infrastructure.postgres.connections import tool_connection
from infrastructure.read_models.rebuild import Connections
from tests.replay.histories import busy_shop, store

CHUNK = 200
ORDERS = 1_200

TOOLS: dict[str, Callable[[Connections, Path], Iterator[object]]] = {
    "list": lambda on, _: read_events(on.reader, EventFilter()),
    "export": lambda on, path: export(on.reader, path),
    "audit": lambda on, _: audit(on),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_holds_a_part_of_the_log(
    tool: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (query, transfer, auditing):
        monkeypatch.setattr(module, "CHUNK", CHUNK)
    history = busy_shop(ORDERS, products=6, customers=8)
    store(database_url, history.recorded)
    del history
    with (
        tool_connection(database_url, "test") as reader,
        tool_connection(database_url, "test") as writer,
    ):
        on = Connections(reader, writer)
        whole = peak(lambda: everything(on.reader))
        used = peak(lambda: exhaust(TOOLS[tool](on, tmp_path / "shop.jsonl")))
    assert used < whole / 4


def everything(reader: psycopg.Connection) -> list[object]:
    rows: list[EventRow] = reader.execute(
        f"SELECT {EVENT_COLUMNS} FROM stored_events",
        binary=True,
    ).fetchall()
    return [decode_row(row) for row in rows]


def exhaust(steps: Iterator[object]) -> None:
    for _ in steps:
        pass


def peak(task: Callable[[], object]) -> int:
    """Bytes that the task held at most."""
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
