"""Which log a process has seen, and the last event of it that it knows.

Another history begins when a standby is promoted, a backup is put back, or another server stands at
the same address. It may lack what the one before had, or have something else in its place; so
nothing that is remembered may be relied on any more. PostgreSQL's own marks do not tell it alone: a
copy of the data folder has the timeline that it had, a dump has none. What tells it is the log: an
event that was seen stays where it was, with all before it, for as long as it is the same log.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from psycopg import AsyncConnection

from infrastructure.event_store.store import EVENT_COLUMNS, NOTHING_KNOWN, EventRow, Known
from infrastructure.postgres.timeline import Place, place_of

log = structlog.get_logger()

EVENT_AT = f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE notification_id = %s"


def still_stands(known: Known, found: EventRow | None) -> bool:
    """Whether the event that was found at its position is the one that is known."""
    if known is NOTHING_KNOWN:
        return True
    if found is None or found[4] != known.state:
        return False
    return known.recorded_at is None or found[5] == known.recorded_at


class History:
    """One a process, for asyncio; `number` counts the histories that have ended, `known` is the
    last event that was seen of the present one."""

    def __init__(self) -> None:
        self.number = 0
        self.known = NOTHING_KNOWN
        self._place: Place | None = None
        self._forget: list[Callable[[], Awaitable[None]]] = []

    def when_another(self, forget: Callable[[], Awaitable[None]]) -> None:
        """Call it when another history begins: for what cannot compare `number` by itself."""
        self._forget.append(forget)

    def saw(self, number: int, position: int, state: bytes, recorded_at: datetime | None) -> None:
        """An event was read, or recorded, in history `number`."""
        if number == self.number and position >= self.known.position:
            self.known = Known(position, bytes(state), recorded_at)

    async def look(self, connection: AsyncConnection) -> None:
        """Whoever connects looks, before anything is decided. The connection is in autocommit.
        Raises psycopg.OperationalError where it has come to no primary."""
        place = await place_of(connection)
        if self._place not in (None, place):
            await self.begin_another("the server is another one, or was promoted", self.number)
        self._place = place
        number, known = self.number, self.known
        cursor = await connection.execute(EVENT_AT, (known.position,), binary=True)
        if not still_stands(known, await cursor.fetchone()):
            await self.begin_another("the log lacks what was known of it", number)

    async def begin_another(self, reason: str, number: int) -> None:
        """History `number` is over, if it is not already: forget everything."""
        if number != self.number:
            return
        self.number += 1
        self.known = NOTHING_KNOWN
        await log.awarning("another history of the database has begun", reason=reason)
        for forget in self._forget:
            await forget()
