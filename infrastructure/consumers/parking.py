"""Events that a consumer could not process are parked, and with them what belongs to the same
process or stream, in order; the rest goes on."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow

PARK = (
    "INSERT INTO parked_events (consumer, position, belongs_to, error, attempts, parked_at)"
    " SELECT %s, p.position, p.belongs_to, p.error, 1, clock_timestamp()"
    " FROM unnest(%b::bigint[], %b::uuid[], %b::text[]) AS p (position, belongs_to, error)"
    " ON CONFLICT (consumer, position) DO UPDATE"
    " SET error = coalesce(excluded.error, parked_events.error),"
    " attempts = parked_events.attempts + 1, retry_at = NULL"
)
# All that is parked for what somebody wants to be tried again, in order.
TO_RETRY = (
    f"SELECT p.belongs_to, {EVENT_COLUMNS}"
    " FROM parked_events p JOIN stored_events e ON e.notification_id = p.position"
    " WHERE p.consumer = %(me)s AND p.belongs_to IN ("
    "  SELECT belongs_to FROM parked_events"
    "  WHERE consumer = %(me)s AND retry_at <= clock_timestamp()"
    "  GROUP BY 1 ORDER BY min(retry_at), min(position) LIMIT %(most)s)"
    " ORDER BY p.position"
)


# All that is parked, in order, with what of it is still in the log.
PARKED_ROWS = (
    f"SELECT p.belongs_to, {EVENT_COLUMNS}"
    " FROM parked_events p LEFT JOIN stored_events e ON e.notification_id = p.position"
    " WHERE p.consumer = %s ORDER BY p.position"
)


@message
class Parked:
    """`error` is None for what only waits behind another one."""

    position: int
    belongs_to: UUID
    error: str | None


def park(cursor: Cursor[TupleRow], consumer: str, parked: Iterable[Parked]) -> None:
    """Put these aside, or count one try more where they are aside already."""
    rows = [(p.position, p.belongs_to, p.error) for p in parked]
    if rows:
        positions, owners, errors = zip(*rows, strict=True)
        cursor.execute(PARK, (consumer, list(positions), list(owners), list(errors)))


def unpark(cursor: Cursor[TupleRow], consumer: str, positions: Iterable[int]) -> None:
    """These were processed after all."""
    if done := list(positions):
        cursor.execute(
            "DELETE FROM parked_events WHERE consumer = %s AND position = ANY(%s)",
            (consumer, done),
        )


def parked_owners(connection: Connection, consumer: str) -> set[UUID]:
    """The processes or streams of which something is parked."""
    cursor = connection.execute(
        "SELECT DISTINCT belongs_to FROM parked_events WHERE consumer = %s", (consumer,)
    )
    return {row[0] for row in cursor}


def parked_rows(connection: Connection, consumer: str) -> list[tuple[UUID, EventRow | None]]:
    """All that is parked, in log order; None for what is gone from the log."""
    cursor = connection.execute(PARKED_ROWS, (consumer,), binary=True)
    return [(row[0], row[1:] if row[1] is not None else None) for row in cursor]


def to_retry(
    connection: Connection, consumer: str, most: int | None = None
) -> list[tuple[UUID, EventRow]]:
    """What somebody asked to be tried again, with all that waits behind it, in log order; of up to
    `most` processes or streams (None: of all)."""
    cursor = connection.execute(TO_RETRY, {"me": consumer, "most": most}, binary=True)
    return [(row[0], row[1:]) for row in cursor]
