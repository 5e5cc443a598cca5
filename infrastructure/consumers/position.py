"""What a consumer has seen of the log, compared with what is there."""

from typing import Any

from psycopg import Connection

from infrastructure.errors import LogChanged
from infrastructure.event_store.history import EVENT_AT, still_stands
from infrastructure.event_store.store import EVENT_COLUMNS, NOTHING_KNOWN, EventRow, Known

_LAST = f"SELECT {EVENT_COLUMNS} FROM stored_events ORDER BY notification_id DESC LIMIT 1"


def known_by(row: EventRow) -> Known:
    """The event of the row, as what is known of the log."""
    return Known(row[0], bytes(row[4]), row[5])


def last_known(connection: Connection[Any]) -> Known:
    """The last event of the log as it is now."""
    row = connection.execute(_LAST, binary=True).fetchone()
    return known_by(row) if row else NOTHING_KNOWN


def known_at(connection: Connection[Any], position: int) -> Known:
    """The event at the position, which has been seen; 0 is before the first. Raises LogChanged
    where the log has none there."""
    if position == 0:
        return NOTHING_KNOWN
    row = connection.execute(EVENT_AT, (position,), binary=True).fetchone()
    if row is None:
        raise LogChanged("The log ends before what was read of it")
    return known_by(row)


def check_reached(connection: Connection[Any], who: str, position: int) -> None:
    """Raises LogChanged where the log ends before the position that `who` has seen."""
    last = last_known(connection).position
    if position > last:
        raise LogChanged(
            f"{who} has seen the log up to position {position}, but it ends at {last}:"
            " `shop migrate` fills anew what knows more than there is"
        )


def check_known(connection: Connection[Any], known: Known) -> None:
    """Raises LogChanged where another event stands in the place of the one that is known."""
    row = connection.execute(EVENT_AT, (known.position,), binary=True).fetchone()
    if not still_stands(known, row):
        raise LogChanged("The log is another one than it was")
