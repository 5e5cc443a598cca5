"""The whole story of an order: its own events and those that its executions caused elsewhere."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from domain.events import OrderCompleted, OrderPlaced, OrderRejected
from domain.message import message
from domain.recorded import Recorded
from infrastructure.errors import NotThere, ReplayError
from infrastructure.event_store.codec import UNREADABLE
from infrastructure.event_store.query import StoredEvent, stored_event
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow, decode_row

LAST = 2**63 - 1  # as a position: there is no end

_STREAM: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE originator_id = %s"
    " ORDER BY originator_version"
)
_BETWEEN: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE originator_id = ANY(%b::uuid[])"
    " AND notification_id BETWEEN %s AND %s ORDER BY notification_id"
)


@message
class Execution:
    """An execution, as far as it says where its events are: in the streams of its account and its
    products, from the position where it was placed to the one where it ended (inclusive)."""

    execution_id: UUID
    streams: tuple[UUID, ...]
    first: int
    last: int


@message
class Moment:
    """An event of a story; `took` is the time since the event before it."""

    event: StoredEvent
    took: timedelta | None


def read(row: EventRow) -> Recorded:
    """The event of the row. Raises ReplayError where this release cannot read it."""
    try:
        return decode_row(row)
    except UNREADABLE as error:
        raise ReplayError(f"The {row[3]} at position {row[0]} cannot be read") from error


async def stream_rows(connection: AsyncConnection[TupleRow], stream_id: UUID) -> list[EventRow]:
    """All rows of the stream, in order. Raises NotThere where there are none."""
    rows = await (await connection.execute(_STREAM, (stream_id,), binary=True)).fetchall()
    if not rows:
        raise NotThere(f"Nothing is recorded under the id {stream_id}")
    return rows


def executions_in(rows: Sequence[EventRow]) -> list[Execution]:
    """The executions that an order's stream tells of, in order, as far as it can be read."""
    found: list[Execution] = []
    for row in rows:
        try:
            event = decode_row(row).event
        except UNREADABLE:
            continue
        if isinstance(event, OrderPlaced):
            streams = (event.account_id, *(line.product_id for line in event.lines))
            found.append(Execution(event.execution_id, streams, row[0], LAST))
        elif isinstance(event, OrderCompleted | OrderRejected) and found:
            run = found[-1]
            found[-1] = Execution(run.execution_id, run.streams, run.first, row[0])
    return found


async def execution_rows(
    connection: AsyncConnection[TupleRow], execution: Execution
) -> list[EventRow]:
    """The rows that the execution caused in the streams of its account and its products."""
    cursor = await connection.execute(
        _BETWEEN, (list(execution.streams), execution.first, execution.last), binary=True
    )
    needle = f'"execution_id":"{execution.execution_id}"'.encode()
    return [row for row in await cursor.fetchall() if needle in bytes(row[4])]


async def order_rows(connection: AsyncConnection[TupleRow], order_id: UUID) -> list[EventRow]:
    """All rows of the order's story, in log order. Raises NotThere where there is no such order."""
    rows = await stream_rows(connection, order_id)
    if rows[0][3] != "OrderCreated":
        raise NotThere(f"There is no order {order_id}")
    for execution in executions_in(rows):
        rows += await execution_rows(connection, execution)
    return sorted(rows, key=lambda row: row[0])


async def order_history(connection: AsyncConnection[TupleRow], order_id: UUID) -> list[Moment]:
    """The story as a timeline. Raises NotThere."""
    story: list[Moment] = []
    before: datetime | None = None
    for row in await order_rows(connection, order_id):
        event = stored_event(row)
        at = event.recorded_at
        story.append(Moment(event, at - before if at and before else None))
        before = at or before
    return story
