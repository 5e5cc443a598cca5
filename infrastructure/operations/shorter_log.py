"""A log that is shorter than what was made of it, as where only a part of a backup was put back.

Read models are filled anew (`infrastructure/read_models/rebuild.py`); here is the rest.
"""

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.event_store.query import head_of
from infrastructure.process_managers import NAME

_TRACKED = "SELECT notification_id FROM notification_tracking WHERE application_name = %s"
# Whoever leads begins anew, with what it then finds.
_HOLD = "UPDATE runners SET epoch = epoch + 1 WHERE name = %s"
# What stands in no log: an answer to a request of which nothing is recorded would be a lie.
_FORGET = (
    "DELETE FROM idempotency_keys WHERE position > %(head)s",
    "DELETE FROM parked_events WHERE position > %(head)s",
    "DELETE FROM dropped_events WHERE position > %(head)s",
    "DELETE FROM snapshots WHERE position > %(head)s",
)


def begin_again_at_its_end(connection: Connection[TupleRow]) -> bool:
    """Let the process manager go on with what the log leaves unfinished, and forget what stands
    behind its end. False where there is nothing to do."""
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(_TRACKED, (NAME,)).fetchone()
        head = head_of(connection)
        if row is None or row[0] <= head:
            return False
        cursor.execute(_HOLD, (NAME,))
        for statement in _FORGET:
            cursor.execute(statement, {"head": head})
        cursor.execute("DELETE FROM processes")
        cursor.execute("DELETE FROM parked_events WHERE consumer = %s", (NAME,))
        from infrastructure.process_managers.resume import take_up_unfinished  # noqa: PLC0415  # seldom

        take_up_unfinished(cursor, head)
    return True
