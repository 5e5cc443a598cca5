"""Which sessions have ended, known to every process without a query for each request.

A process keeps those in memory whose access tokens could still be used. `NOTIFY` tells it of each
within milliseconds; the table is read again every few seconds, in case that a message was lost.
Where a backup was put back, sessions that it lacks have ended as well.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import LiteralString, Self
from uuid import UUID

import psycopg
import structlog

from infrastructure.clock import Clock, utc_now
from infrastructure.event_store.history import History
from infrastructure.identity.tokens import ACCESS_TOKEN_LIFETIME
from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.patience import AsyncConnection
from infrastructure.runtime.watched import LastingTask, Watched

log = structlog.get_logger()

_UNKNOWN: LiteralString = """
SELECT id FROM unnest(%s::uuid[]) AS used (id)
WHERE NOT EXISTS (SELECT FROM sessions WHERE session_id = id)
"""

RECONNECT = 0.5  # seconds between two tries
# A little longer than the access tokens live: clocks differ.
REMEMBERED = ACCESS_TOKEN_LIFETIME + timedelta(minutes=5)


class SessionWatch:
    """One an API process; for asyncio."""

    def __init__(
        self,
        url: str,
        *,
        reread: float = 5.0,
        clock: Clock = utc_now,
        history: History | None = None,
        watched: Watched | None = None,
    ) -> None:
        """`reread`: after how many seconds the table is read again."""
        self._history = history or History()
        self._seen_history = self._history.number
        self._conninfo = conninfo(url, "session watch")
        self._reread = reread
        self._clock = clock
        self._ended: dict[UUID, datetime] = {}
        self._used: set[UUID] | None = None  # None while all can be taken for known
        self._waiting: defaultdict[UUID, set[asyncio.Future[None]]] = defaultdict(set)
        self._connection: AsyncConnection | None = None
        self._watched = watched or Watched()
        self._task: LastingTask | None = None

    def has_ended(self, session_id: UUID) -> bool:
        """Whether its access tokens are worth nothing any more."""
        if self._used is not None:
            self._used.add(session_id)
        return session_id in self._ended

    async def wait_until_ended(self, session_id: UUID) -> None:
        """Return when the session has ended: sign-out, lock, new password, or a stolen token."""
        # An `asyncio.Event` takes ten times as much memory, for each connection that is open.
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[session_id].add(ended)
        try:
            if not self.has_ended(session_id):
                await ended
        finally:
            self._waiting[session_id].discard(ended)
            if not self._waiting[session_id]:
                del self._waiting[session_id]

    def note(self, session_ids: Iterable[UUID]) -> None:
        """These have ended. Who ends sessions says so here at once, before the database does."""
        for session_id in session_ids:
            self._ended.setdefault(session_id, self._clock())
            for ended in self._waiting.get(session_id, ()):
                if not ended.done():
                    ended.set_result(None)

    async def __aenter__(self) -> Self:
        """Know of all that has ended, and of what ends from now on. Raises psycopg.Error when the
        database cannot be reached; later on, it is waited for."""
        try:
            await self._connect()
        except psycopg.Error:
            await self._disconnect()
            raise
        self._task = self._watched.task("session watch", self._watch)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await self._task.stop()
        await self._disconnect()

    async def _watch(self) -> None:
        try:
            while True:
                await self._look()
        finally:  # whoever watches next begins with a connection of which all is known
            await self._disconnect()

    async def _look(self) -> None:
        try:
            if self._connection is None:
                await self._connect()
            else:
                await self._listen(self._connection)
                await self._read(self._connection)
        except psycopg.Error as error:
            await log.awarning("session watch lost its connection", error=type(error).__name__)
            await self._disconnect()
            await asyncio.sleep(RECONNECT)

    async def _connect(self) -> None:
        self._connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        await self._history.look(self._connection)
        # First listen, then read: what ends in between is seen twice, not never.
        await self._connection.execute("LISTEN sessions_ended")
        await self._read(self._connection)

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _listen(self, connection: AsyncConnection) -> None:
        async for notification in connection.notifies(timeout=self._reread):
            try:
                self.note([UUID(notification.payload)])
            except ValueError:  # whatever somebody has said: the table is read again soon
                await log.awarning("cannot read which session has ended")

    async def _read(self, connection: AsyncConnection) -> None:
        number = self._history.number
        since = self._clock() - REMEMBERED
        cursor = await connection.execute(
            "SELECT session_id FROM sessions WHERE ended_at > %s", (since,)
        )
        ended = [row[0] for row in await cursor.fetchall()]
        if self._seen_history != number:  # what counts is what stands in the table of this one
            self._ended.clear()
            self._seen_history = number
            self._used = set()
        if self._used is not None:  # tokens may be older than the table, which never heard of them
            used, self._used = self._used | set(self._waiting), set()
            cursor = await connection.execute(_UNKNOWN, (list(used),))
            ended += [row[0] for row in await cursor.fetchall()]
        self.note(ended)
        for session_id in [each for each, at in self._ended.items() if at <= since]:
            del self._ended[session_id]
