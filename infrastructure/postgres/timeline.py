"""Which history of the database this process has seen.

Another one begins when a standby is promoted or a backup is restored; it may lack what the one
before had, so nothing that is remembered of that may be relied on any more.
"""

import psycopg
import structlog
from psycopg import AsyncConnection

log = structlog.get_logger()

# The timeline, which PostgreSQL counts up at every promotion. Fails on a standby.
TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
# As on services that let nobody look at the server's log.
NOT_TOLD = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.UndefinedFunction,
)


class History:
    """`number` counts the histories that were seen."""

    def __init__(self) -> None:
        self.number = 0
        self._timeline: str | None = None

    async def look(self, connection: AsyncConnection) -> None:
        """Whoever connects anew looks. Raises psycopg.OperationalError where it is no primary."""
        try:
            row = await (await connection.execute(TIMELINE)).fetchone()
        except NOT_TOLD:
            return
        timeline = row[0] if row else None
        if timeline == self._timeline:
            return
        if self._timeline is not None:
            await log.awarning("another history of the database has begun", timeline=timeline)
        self._timeline = timeline
        self.number += 1
