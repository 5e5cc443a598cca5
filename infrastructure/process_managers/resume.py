"""Executions that a log leaves unfinished: what the process manager needs to go on with them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.place_order import PlaceOrderProcess, react
from application.process import CannotGoOn
from domain.events import OrderPlaced
from domain.recorded import Recorded
from infrastructure.event_store.codec import UNREADABLE
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow, decode_row
from infrastructure.process_managers.manager import TRACK, ProcessManager
from infrastructure.process_managers.table import save_processes

TIME_LIMIT = timedelta(seconds=60)

# The id stands in the JSON of each of them; what has an end in the log needs nothing more.
_UNFINISHED: LiteralString = """
SELECT max(notification_id) FILTER (WHERE topic = 'OrderPlaced') FROM (
    SELECT notification_id, topic, substring(encode(state, 'escape')
        FROM '"execution_id":"([0-9a-f-]{36})"') AS execution_id
    FROM stored_events WHERE topic IN ('OrderPlaced', 'OrderCompleted', 'OrderRejected',
        'OrderCancelled')
) AS told GROUP BY execution_id HAVING bool_and(topic = 'OrderPlaced')
"""
_OF_STREAMS: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE originator_id = ANY(%b::uuid[])"
    " AND notification_id >= %s ORDER BY notification_id"
)
_AT: LiteralString = f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE notification_id = ANY(%b)"
_PARK: LiteralString = (
    "INSERT INTO parked_events (consumer, position, belongs_to, parked_at, retry_at, reason)"
    " VALUES (%s, %s, %s, now(), now(), 'unfinished when the log was imported')"
)


def take_up_unfinished(cursor: Cursor[TupleRow], position: int) -> int:
    """Let the process manager begin behind `position`, and go on with what is unfinished there:
    each execution is kept as it was before its last event, which is tried again. Answers how many
    there are."""
    cursor.execute(TRACK, (ProcessManager.name, position))
    cursor.execute(_UNFINISHED)
    placed = [row[0] for row in cursor.fetchall()]
    cursor.execute(_AT, (placed,), binary=True)
    rows: list[EventRow] = cursor.fetchall()
    for recorded in _readable(rows):
        if isinstance(recorded.event, OrderPlaced):
            _take_up(cursor, recorded, recorded.event)
    return len(rows)


def _take_up(cursor: Cursor[TupleRow], placed: Recorded, order: OrderPlaced) -> None:
    events = list(_events(cursor, placed, order))
    process: PlaceOrderProcess | None = None
    for recorded in events[:-1]:
        try:
            process, _ = react(process, recorded.event)
        except CannotGoOn:
            break  # so will the process manager find, and put it aside
    if process is not None:
        save_processes(cursor, {order.execution_id: process}, TIME_LIMIT)
    values = (ProcessManager.name, events[-1].position, order.execution_id)
    cursor.execute(_PARK, values)


def _events(cursor: Cursor[TupleRow], placed: Recorded, order: OrderPlaced) -> Iterable[Recorded]:
    streams: list[UUID] = [order.order_id, order.account_id]
    streams += [line.product_id for line in order.lines]
    cursor.execute(_OF_STREAMS, (streams, placed.position), binary=True)
    needle = f'"execution_id":"{order.execution_id}"'.encode()
    return _readable([row for row in cursor.fetchall() if needle in bytes(row[4])])


def _readable(rows: Iterable[EventRow]) -> Iterator[Recorded]:
    """What this release cannot read, whoever needs it will say."""
    for row in rows:
        with suppress(*UNREADABLE):
            yield decode_row(row)
