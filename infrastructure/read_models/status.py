"""How the read models are: how far behind, by which code, with which copies beside them."""

from typing import LiteralString

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow, args_row

from domain.message import message
from infrastructure.postgres import locks
from infrastructure.read_models.fingerprint import fingerprint
from projections import PROJECTIONS

SILENT_AFTER = 10  # seconds without a sign of life of the projector

_STATUS: LiteralString = """
SELECT p.name, CASE
        WHEN p.position > (SELECT coalesce(max(notification_id), 0) FROM stored_events)
            THEN 'STOPPED'
        WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = %(class)s AND objid = k.key) THEN 'REBUILDING'
        WHEN EXISTS (SELECT FROM runners WHERE name = 'projector'
            AND heartbeat > clock_timestamp() - make_interval(secs => %(silent)s)) THEN 'RUNNING'
        ELSE 'STOPPED' END,
    p.position, (SELECT coalesce(max(notification_id), 0) FROM stored_events) - p.position,
    p.version, p.fingerprint,
    (SELECT count(*) FROM parked_events WHERE consumer = 'projector:' || p.name),
    n.position, v.version, v.fingerprint,
    CASE WHEN p.position > (SELECT coalesce(max(notification_id), 0) FROM stored_events)
        THEN 'It knows more than the log has: `shop migrate` fills it anew' END
FROM projections p
LEFT JOIN unnest(%(names)s::text[], %(keys)s::bigint[]) AS k (name, key) USING (name)
LEFT JOIN projection_copies n ON n.name = p.name AND n.copy = 'next'
LEFT JOIN projection_copies v ON v.name = p.name AND v.copy = 'previous'
ORDER BY p.name
"""
_VALUES = {
    "class": locks.REBUILD,
    "silent": SILENT_AFTER,
    "names": [projection.name for projection in PROJECTIONS],
    "keys": [locks.named(locks.REBUILD, projection.name)[1] for projection in PROJECTIONS],
}


@message
class ReadModelStatus:
    """`state` is RUNNING, REBUILDING or STOPPED; `lag` how many events are recorded and not seen;
    `next_position` how far a copy is that is being filled; the `previous_…` are those of the copy
    that was live before; `trouble` why it cannot go on, and what helps."""

    name: str
    state: str
    position: int
    lag: int
    version: int
    fingerprint: str
    parked: int
    next_position: int | None
    previous_version: int | None
    previous_fingerprint: str | None
    trouble: str | None

    @property
    def by_this_code(self) -> bool:
        """Whether the live read model was made by the code that asks."""
        made = (self.name, self.version, self.fingerprint)
        return made in {(each.name, each.version, fingerprint(each)) for each in PROJECTIONS}


def status(connection: Connection[TupleRow]) -> list[ReadModelStatus]:
    """All read models, by name."""
    with connection.cursor(row_factory=args_row(ReadModelStatus)) as cursor:
        return cursor.execute(_STATUS, _VALUES).fetchall()


async def status_async(connection: AsyncConnection[TupleRow]) -> list[ReadModelStatus]:
    """All read models, by name."""
    async with connection.cursor(row_factory=args_row(ReadModelStatus)) as cursor:
        return await (await cursor.execute(_STATUS, _VALUES)).fetchall()
