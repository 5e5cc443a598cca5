"""What there is to react to: rows of the log, and wishes, which stand in no log. Each that concerns
an execution becomes an input, also what this release cannot read."""

import re
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from psycopg import Connection

from application.process import TimedOut
from domain.recorded import Recorded
from infrastructure.consumers.parking import to_retry
from infrastructure.event_store.codec import UNREADABLE
from infrastructure.event_store.store import EventRow, decode_row
from infrastructure.process_managers.table import overdue
from infrastructure.saga_batch import Input, Unreadable

EXECUTION_ID = re.compile(
    rb'"execution_id":"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"'
)


def of_execution(recorded: Recorded) -> list[Input]:
    """The event as an input, where it is of an execution."""
    execution_id: UUID | None = getattr(recorded.event, "execution_id", None)
    if execution_id is None:
        return []
    place = (recorded.stream_id, recorded.version)
    actor_id = recorded.origin.actor_id
    return [Input(execution_id, recorded.event, actor_id, place, recorded.position)]


def unreadable(row: EventRow, error: Exception) -> list[Input]:
    """The same of an event that cannot be decoded."""
    found = EXECUTION_ID.search(row[4])
    return [_unreadable(UUID(found[1].decode()), row, error)] if found else []


def retries(connection: Connection, consumer: str, most: int) -> list[Input]:
    """What is to be tried again, in the order of the log, of up to `most` executions."""
    found = []
    for execution_id, row in to_retry(connection, consumer, most):
        try:
            inputs = of_execution(decode_row(row))
        except UNREADABLE as error:
            inputs = [_unreadable(execution_id, row, error)]
        found += [replace(each, unparks=(each.position,)) for each in inputs]
    return found


def time_limits(
    connection: Connection, consumer: str, own: Collection[str], most: int
) -> list[Input]:
    """Up to `most` executions whose time is over, the latest first; see `overdue`."""
    return [
        Input(
            late.execution_id,
            TimedOut(late.execution_id),
            late.customer_id,
            None,
            0,
            unparks=tuple(late.parked),
        )
        for late in overdue(connection, consumer, own, most)
    ]


def _unreadable(execution_id: UUID, row: EventRow, error: Exception) -> Input:
    position, stream_id, version, topic, *_ = row
    return Input(execution_id, Unreadable(topic, error), None, (stream_id, version), position)
