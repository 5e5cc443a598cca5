"""Executions of the place-order saga: which there are, what they wait for, how they would go on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, args_row
from pydantic import ValidationError

from application.deciders import stream_id
from application.place_order import PlaceOrderProcess, react
from application.unit_of_work import EMPTY
from domain.commands import Command
from domain.errors import DomainError
from domain.events import OrderPlaced
from domain.message import message
from infrastructure.errors import NotThere
from infrastructure.event_store.codec import UnknownEvent
from infrastructure.event_store.store import EVENT_COLUMNS, READ_STREAMS, EventRow, decode_row
from infrastructure.process_managers.table import PROCESS, WORKED_UNTIL

CONSUMER = "process-manager"

_SELECT: LiteralString = f"""
SELECT e.execution_id, e.order_id, e.customer_id, e.name, e.status, e.steps, e.problem,
    e.started_at, e.finished_at, e.started_position, p.step, p.since, p.due_at,
    coalesce(parked.error, p.error), coalesce(parked.events, 0)
FROM executions e LEFT JOIN processes p USING (execution_id) LEFT JOIN (
    SELECT belongs_to, count(*) AS events, min(error) AS error
    FROM parked_events WHERE consumer = 'process-manager' GROUP BY belongs_to
) AS parked ON parked.belongs_to = e.execution_id
WHERE (%(id)s::uuid IS NULL OR e.execution_id = %(id)s)
    AND (%(name)s::text IS NULL OR e.name = %(name)s)
    AND (%(customer)s::uuid IS NULL OR e.customer_id = %(customer)s)
    AND (%(statuses)s::text[] IS NULL OR e.status = ANY(%(statuses)s))
    AND (%(before)s::timestamptz IS NULL OR e.started_at < %(before)s)
    AND (NOT %(stuck)s OR parked.events > 0 OR p.due_at <= {WORKED_UNTIL})
ORDER BY e.started_position DESC LIMIT %(limit)s
"""
_PARKED: LiteralString = (
    f"SELECT {EVENT_COLUMNS}"
    " FROM parked_events p JOIN stored_events e ON e.notification_id = p.position"
    " WHERE p.consumer = 'process-manager' AND p.belongs_to = %s ORDER BY p.position"
)


@message
class ExecutionState:
    """An execution as the read model has it; and while it is unfinished, the `step` in which it has
    been `since`, until when that may last (`due_at`), its error where it is put aside or cannot be
    undone, and how many of its events are aside."""

    execution_id: UUID
    order_id: UUID
    customer_id: UUID
    name: str
    status: str
    steps: list[dict[str, Any]]
    problem: dict[str, Any] | None
    started_at: datetime
    finished_at: datetime | None
    started_position: int
    step: str | None
    since: datetime | None
    due_at: datetime | None
    error: str | None
    parked: int


@message
class ExecutionFilter:
    """All of these must hold; what is None does not matter. `stuck`: put aside, or overdue."""

    id: UUID | None = None
    name: str | None = None
    customer_id: UUID | None = None
    statuses: tuple[str, ...] | None = None
    started_before: datetime | None = None
    stuck: bool = False


@message
class Planned:
    """A command that would be sent, and what would come of it: names of events, or the refusal."""

    command: Command
    outcome: str


@message
class Outlook:
    """What an execution would do when tried again: the commands of its next step, or the error."""

    commands: tuple[Planned, ...]
    error: str | None


def executions(
    connection: Connection[TupleRow], wanted: ExecutionFilter, limit: int | None
) -> list[ExecutionState]:
    """The newest first; `limit` of None is all."""
    values = {
        "id": wanted.id,
        "name": wanted.name,
        "customer": wanted.customer_id,
        "statuses": None if wanted.statuses is None else list(wanted.statuses),
        "before": wanted.started_before,
        "stuck": wanted.stuck,
        "limit": limit,
    }
    with connection.cursor(row_factory=args_row(ExecutionState)) as cursor:
        return cursor.execute(_SELECT, values).fetchall()


def outlook(connection: Connection[TupleRow], execution_id: UUID) -> Outlook:
    """What the process manager would do, from the state that is stored; nothing is done. Raises
    NotThere where nothing of the execution is put aside."""
    rows: Sequence[EventRow] = connection.execute(_PARKED, (execution_id,), binary=True).fetchall()
    if not rows:
        raise NotThere("Nothing of this execution is put aside: there is nothing to try again")
    try:
        events = [decode_row(row).event for row in rows]
        begins = any(isinstance(event, OrderPlaced) for event in events)
        process = None if begins else _stored(connection, execution_id)
        commands: list[Command] = []
        for event in events:
            process, more = react(process, event)
            commands += more
        return Outlook(tuple(_planned(connection, command) for command in commands), None)
    except (UnknownEvent, ValidationError) as error:
        return Outlook((), f"an event still cannot be read: {error}")
    except Exception as error:  # whatever it is: it is what the process manager would meet
        return Outlook((), f"{type(error).__name__}: {error}")


def _planned(connection: Connection[TupleRow], command: Command) -> Planned:
    loaded = EMPTY
    for row in connection.execute(READ_STREAMS, ([stream_id(command)], [0]), binary=True):
        recorded = decode_row(row)
        loaded = loaded.after(recorded.event, recorded.version, recorded.position)
    try:
        happened = loaded.decide(command)
    except DomainError as refusal:
        return Planned(command, f"refused: {refusal}")
    return Planned(command, ", ".join(type(e).__name__ for e in happened) or "nothing new")


def _stored(connection: Connection[TupleRow], execution_id: UUID) -> PlaceOrderProcess | None:
    row = connection.execute(
        "SELECT state::text FROM processes WHERE execution_id = %s", (execution_id,)
    ).fetchone()
    return PROCESS.validate_json(row[0]) if row else None
