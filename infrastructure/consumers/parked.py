"""Work that was put aside: what it is, trying it again, and deciding that it is never done."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow, args_row

from domain.message import message
from infrastructure.errors import InTheWay, NotThere

# The first of each process or stream carries the error; how many wait behind it.
_LIST: LiteralString = """
SELECT p.consumer, p.position, p.belongs_to, e.topic, p.error, p.attempts, p.parked_at, p.retry_at,
    p.retried_by, p.reason, (SELECT count(*) FROM parked_events w WHERE w.consumer = p.consumer
        AND w.belongs_to = p.belongs_to AND w.position > p.position) AS waiting
FROM parked_events p LEFT JOIN stored_events e ON e.notification_id = p.position
WHERE (p.error IS NOT NULL OR %(all)s) AND (p.consumer = %(consumer)s OR %(consumer)s::text IS NULL
    AND p.consumer NOT LIKE '%%/%%')
ORDER BY p.consumer, p.position
"""
_RETRY: LiteralString = """
UPDATE parked_events SET retry_at = clock_timestamp(), retried_by = %s, reason = %s
WHERE consumer = %s AND belongs_to = ANY(%s)
"""
_DROP: LiteralString = """
WITH dropped AS (
    DELETE FROM parked_events WHERE consumer = %(consumer)s AND position = %(position)s RETURNING *
)
INSERT INTO dropped_events
    (consumer, position, belongs_to, error, attempts, parked_at, dropped_by, reason)
SELECT consumer, position, belongs_to, error, attempts, parked_at, %(by)s, %(reason)s FROM dropped
"""


@message
class ParkedEvent:
    """An event that is put aside, as `_LIST` has it; `type` is None where it is gone from the log,
    `waiting` how many events of the same process or stream are aside because of it."""

    consumer: str
    position: int
    belongs_to: UUID
    type: str | None
    error: str | None
    attempts: int
    parked_at: datetime
    retry_at: datetime | None
    retried_by: str | None
    reason: str | None
    waiting: int


def parked_events(
    connection: Connection[TupleRow], consumer: str | None = None, *, waiting: bool = False
) -> list[ParkedEvent]:
    """Those that could not be processed, and on demand those that wait behind them. Those of a
    copy of a read model that is not live are left out, unless it is the consumer that is asked
    for."""
    with connection.cursor(row_factory=args_row(ParkedEvent)) as cursor:
        cursor.execute(_LIST, {"consumer": consumer, "all": waiting})
        return cursor.fetchall()


def parked_event(connection: Connection[TupleRow], consumer: str, position: int) -> ParkedEvent:
    """Raises NotThere."""
    for parked in parked_events(connection, consumer, waiting=True):
        if parked.position == position:
            return parked
    raise NotThere(f"Nothing is parked for {consumer} at position {position}")


def retry(
    connection: Connection[TupleRow], parked: list[ParkedEvent], by: str, reason: str | None
) -> None:
    """Let the consumers try these again, each with all that waits behind it, within a second or
    two. Raises InTheWay for copies of read models, which are only filled by a rebuild."""
    owners: dict[str, list[UUID]] = {}
    for one in parked:
        _check_consumer(one.consumer)
        owners.setdefault(one.consumer, []).append(one.belongs_to)
    with connection.transaction():
        for consumer, belongs_to in owners.items():
            connection.execute(_RETRY, (by, reason, consumer, belongs_to))


def drop(connection: Connection[TupleRow], parked: ParkedEvent, by: str, reason: str) -> None:
    """Decide that the consumer never processes the event; it is kept in `dropped_events`. What
    waits behind it is tried again without it. Raises InTheWay for copies of read models."""
    _check_consumer(parked.consumer)
    values = {
        "consumer": parked.consumer,
        "position": parked.position,
        "by": by,
        "reason": reason,
    }
    with connection.transaction():
        if connection.execute(_DROP, values).rowcount:
            connection.execute(_RETRY, (by, reason, parked.consumer, [parked.belongs_to]))


def _check_consumer(consumer: str) -> None:
    name, _, kind = consumer.removeprefix("projector:").partition("/")
    if kind:
        raise InTheWay(
            f"Nothing is tried again for a copy: `shop projections rebuild {name} --anew` does"
        )
