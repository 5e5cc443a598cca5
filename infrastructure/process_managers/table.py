"""Executions that a batch left unfinished, as rows: what runs, waits or is stuck."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import LiteralString
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
    " statement_timestamp(), statement_timestamp(), statement_timestamp() + %s::interval"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[])"
    " AS p (execution_id, order_id, customer_id, name, step, state)"
    " ON CONFLICT (execution_id) DO UPDATE SET state = excluded.state, step = excluded.step,"
    " since = CASE WHEN processes.step = excluded.step THEN processes.since"
    " ELSE excluded.since END,"
    " due_at = CASE WHEN processes.step = excluded.step THEN processes.due_at"
    " ELSE excluded.due_at END,"
    " error = NULL, retry_at = NULL"
)
# Until when the process manager has worked, not counting the time in which nobody did.
WORKED_UNTIL: LiteralString = (
    "(SELECT heartbeat - unattended FROM runners WHERE name = 'process-manager')"
)
# Executions beyond their limit. Where anything is parked that the process manager has recorded
# itself, what was done is not known for certain: that is for a person to decide.
OVERDUE: LiteralString = (
    "SELECT execution_id, customer_id,"
    " ARRAY(SELECT position FROM parked_events"
    "  WHERE consumer = %(me)s AND belongs_to = execution_id ORDER BY position) AS parked"
    f" FROM processes WHERE due_at <= {WORKED_UNTIL}"
    " AND (retry_at IS NULL OR retry_at <= clock_timestamp()) AND NOT EXISTS ("
    "  SELECT FROM parked_events p JOIN stored_events e ON e.notification_id = p.position"
    "  WHERE p.consumer = %(me)s AND p.belongs_to = execution_id AND e.topic = ANY(%(own)s))"
    " ORDER BY due_at LIMIT %(most)s"
)
# As long as it is late already: so the pauses double, up to a minute.
TIMED_OUT: LiteralString = (
    "UPDATE processes p SET error = t.error, retry_at = clock_timestamp() + least("
    "interval '1 minute', greatest(interval '1 second', clock_timestamp() - due_at))"
    " FROM unnest(%b::uuid[], %b::text[]) AS t (execution_id, error)"
    " WHERE p.execution_id = t.execution_id"
)
MAKE_UP: LiteralString = (
    "UPDATE processes SET due_at = due_at + r.unattended"
    " FROM runners r WHERE r.name = %s AND r.unattended > '0'"
)
MADE_UP: LiteralString = "UPDATE runners SET unattended = '0' WHERE name = %s AND unattended > '0'"
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
    time_limit: timedelta,
) -> None:
    """Keep those that are unfinished, and forget those that are finished (None). A new step is due
    when `time_limit` is over."""
    rows = [
        (
            execution_id,
            process.order.order_id,
            process.order.customer_id,
            process.order.execution_name,
            process.step.value,
            PROCESS.dump_json(process).decode(),
        )
        for execution_id, process in processes.items()
        if process is not None
    ]
    if rows:
        cursor.execute(SAVE, [time_limit, *(list(column) for column in zip(*rows, strict=True))])
    finished = [execution_id for execution_id, process in processes.items() if process is None]
    if finished:
        cursor.execute(DELETE, (finished,))


def overdue(
    connection: Connection, consumer: str, own: Collection[str], most: int
) -> list[Overdue]:
    """Executions that are beyond their time limit and can be undone safely, up to `most`; `own` are
    the types of events that the process manager records."""
    values = {"me": consumer, "own": list(own), "most": most}
    with connection.cursor(row_factory=class_row(Overdue)) as cursor:
        return cursor.execute(OVERDUE, values).fetchall()


def timed_out(cursor: Cursor[TupleRow], executions: Mapping[UUID, str | None]) -> None:
    """These were told that their time is over, and why that could not be done (None: it could).
    Those that are unfinished in the same step are told again, but not at once."""
    if executions:
        cursor.execute(TIMED_OUT, (list(executions), list(executions.values())))


def make_up_for_absence(cursor: Cursor[TupleRow], runner: str) -> None:
    """Move the time limits of all executions by the time in which nobody worked."""
    cursor.execute(MAKE_UP, (runner,), prepare=True)
    cursor.execute(MADE_UP, (runner,), prepare=True)
