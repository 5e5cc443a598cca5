"""Executions that a batch left unfinished, as rows: what runs, waits or is stuck."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow, class_row
from pydantic import TypeAdapter

from application.place_order import PlaceOrderProcess
from domain.message import message

SAVE = (
    "INSERT INTO processes"
    " (execution_id, order_id, customer_id, name, step, state, started_at, since, due_at)"
    " SELECT p.execution_id, p.order_id, p.customer_id, p.name, p.step, p.state::jsonb,"
    " p.at, p.at, p.due_at"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[],"
    " %b::timestamptz[], %b::timestamptz[])"
    " AS p (execution_id, order_id, customer_id, name, step, state, at, due_at)"
    " ON CONFLICT (execution_id) DO UPDATE SET state = excluded.state, step = excluded.step,"
    " since = CASE WHEN processes.step = excluded.step THEN processes.since"
    " ELSE excluded.since END,"
    " due_at = CASE WHEN processes.step = excluded.step THEN processes.due_at"
    " ELSE excluded.due_at END"
)
# Executions beyond their limit. Where anything but the placing itself is parked, what was done is
# not known for certain: that is for a person to decide.
OVERDUE = (
    "SELECT execution_id, customer_id,"
    " ARRAY(SELECT position FROM parked_events"
    "  WHERE consumer = %(me)s AND belongs_to = execution_id) AS parked"
    " FROM processes WHERE due_at <= %(at)s AND NOT EXISTS ("
    "  SELECT FROM parked_events p JOIN stored_events e ON e.notification_id = p.position"
    "  WHERE p.consumer = %(me)s AND p.belongs_to = execution_id AND e.topic <> 'OrderPlaced')"
)
DELETE = "DELETE FROM processes WHERE execution_id = ANY(%b::uuid[])"

PROCESS: TypeAdapter[PlaceOrderProcess] = TypeAdapter(PlaceOrderProcess)


@message
class Overdue:
    """An execution beyond its time limit, and the positions of its events that are parked."""

    execution_id: UUID
    customer_id: UUID
    parked: list[int]


def load_processes(connection: Connection) -> dict[UUID, PlaceOrderProcess]:
    """All that are unfinished."""
    rows = connection.execute("SELECT execution_id, state::text FROM processes")
    return {execution_id: PROCESS.validate_json(state) for execution_id, state in rows}


def save_processes(
    cursor: Cursor[TupleRow],
    processes: Mapping[UUID, PlaceOrderProcess | None],
    at: datetime,
    time_limit: timedelta,
) -> None:
    """Keep those that are unfinished, and forget those that are finished (None)."""
    rows = [
        (
            execution_id,
            process.order.order_id,
            process.order.customer_id,
            process.order.execution_name,
            process.step.value,
            PROCESS.dump_json(process).decode(),
            at,
            at + time_limit,
        )
        for execution_id, process in processes.items()
        if process is not None
    ]
    if rows:
        cursor.execute(SAVE, [list(column) for column in zip(*rows, strict=True)])
    finished = [execution_id for execution_id, process in processes.items() if process is None]
    if finished:
        cursor.execute(DELETE, (finished,))


def overdue(connection: Connection, consumer: str, at: datetime) -> list[Overdue]:
    """Executions whose time limit was before `at`, and that can be undone safely."""
    with connection.cursor(row_factory=class_row(Overdue)) as cursor:
        return cursor.execute(OVERDUE, {"me": consumer, "at": at}).fetchall()
