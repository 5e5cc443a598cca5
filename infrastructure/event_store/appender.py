"""Group commit: what waits while an append is under way is joined into the next one."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import psycopg
import structlog

from infrastructure.errors import Overloaded, Unavailable
from infrastructure.event_store.history import History
from infrastructure.event_store.store import (
    APPEND,
    HOLED,
    NOTHING_KNOWN,
    STALE,
    IdempotencyKey,
    Known,
    NewEvent,
    append_parameters,
)
from infrastructure.postgres.connections import AWAY, conninfo
from infrastructure.postgres.patience import AsyncConnection
from infrastructure.runtime.watched import LastingTask, Watched

log = structlog.get_logger()

# Which of a batch's events and keys stand there already, and whether the events are the very same.
EVENTS_THERE = (
    "SELECT n.ordinal::int, s.state = n.state, s.notification_id"
    " FROM unnest(%b::uuid[], %b::bigint[], %b::bytea[])"
    " WITH ORDINALITY AS n (id, version, state, ordinal)"
    " JOIN stored_events s ON s.originator_id = n.id AND s.originator_version = n.version"
)
KEYS_THERE = (
    "SELECT n.ordinal::int, k.fingerprint, k.position"
    " FROM unnest(%b::uuid[]) WITH ORDINALITY AS n (key, ordinal)"
    " JOIN idempotency_keys k ON k.key = n.key"
)


class VersionConflict(Exception):
    """Another event stands in such a place of the stream: load it anew and decide again."""


class KeyTaken(Exception):
    """The idempotency key was used before, for what ended at `position`."""

    def __init__(self, fingerprint: bytes, position: int) -> None:
        super().__init__("idempotency key taken")
        self.fingerprint = fingerprint
        self.position = position


@dataclass(slots=True)
class _Append:
    events: Sequence[NewEvent]
    key: IdempotencyKey | None
    history: int | None
    done: asyncio.Future[int]


@dataclass(slots=True)
class WriterStatistics:
    """Counted since the start."""

    batches: int = 0
    events: int = 0
    conflicts: int = 0
    refused: int = 0
    waiting: int = field(default=0)


class Writer:
    """One task and one connection that record all appends of a process, in batches.

    An append whose connection breaks is sent again: its events are compared with what stands in
    their places, so it is recorded exactly once or, after `patience` seconds, known to be in doubt.
    What stands there is answered with only after another commit: where PostgreSQL waits for
    standbys, that one has waited for both.
    """

    def __init__(
        self,
        url: str,
        *,
        max_waiting: int = 4_000,
        max_batch: int = 1_000,
        patience: float = 8.0,
        watched: Watched | None = None,
    ) -> None:
        self._conninfo = conninfo(url, "writer", lock_timeout=5_000, statement_timeout=10_000)
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._patience = patience
        self._waiting: deque[_Append] = deque()
        self._wake = asyncio.Event()
        self._connection: AsyncConnection | None = None
        self._watched = watched or Watched()
        self._task: LastingTask | None = None
        self._closing = False
        self.history = History()
        self.statistics = WriterStatistics()

    async def __aenter__(self) -> Self:
        self._task = self._watched.task("writer", self._run)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Record what waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task.finish()
        await self._disconnect()

    async def append(
        self,
        events: Sequence[NewEvent],
        key: IdempotencyKey | None = None,
        history: int | None = None,
    ) -> int:
        """Record all `events`, at least one, or none; answer with the position of the last.

        `history` is the one that they were decided on; in another one they are a VersionConflict.
        Raises VersionConflict, KeyTaken, Overloaded when too many wait, and Unavailable when the
        database could not be reached in time.
        """
        if self._closing or len(self._waiting) >= self._max_waiting:
            self.statistics.refused += 1
            raise Overloaded
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Append(events, key, history, done))
        self._wake.set()
        try:
            async with asyncio.timeout(self._patience):
                return await done
        except TimeoutError:
            raise Unavailable from None

    async def confirm(self) -> None:
        """Go the whole way of an append, without an event. Afterwards what could be read before is
        as safe as what was appended: where PostgreSQL waits for standbys, they have it. Raises
        Overloaded or Unavailable."""
        await self.append(())

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._take()
            try:
                await self._record(batch)
            except Exception as error:  # those who wait are told; the next batch is not this one
                _fail(batch, Unavailable(), error)
                await log.aexception("append failed", events=sum(len(a.events) for a in batch))
            except BaseException:
                # Nobody knows how far the batch has come: the next one compares it with what is
                # there.
                self._waiting.extendleft(reversed(_unanswered(batch)))
                await self._disconnect()
                raise

    def _take(self) -> list[_Append]:
        """The next batch: never two appends to one place of a stream or with one key."""
        batch: list[_Append] = []
        taken: set[object] = set()
        later: list[_Append] = []
        size = 0
        while self._waiting and size < self._max_batch:
            append = self._waiting.popleft()
            if append.done.done():
                continue
            places: set[object] = {(e.stream_id, e.version) for e in append.events}
            if append.key is not None:
                places.add(append.key.key)
            if taken & places:
                later.append(append)
                continue
            taken |= places
            size += len(append.events)
            batch.append(append)
        self._waiting.extendleft(reversed(later))
        self.statistics.waiting = len(self._waiting)
        return batch

    async def _record(self, batch: list[_Append]) -> None:
        pause = 0.05
        number = self.history.number
        while batch:
            try:
                async with asyncio.timeout(self._patience):
                    connection = await self._connect()
                    number, known = self.history.number, self.history.known
                    try:
                        batch = await self._settle_outdated(connection, batch)
                        if not batch:
                            return
                        base = await _append(connection, batch, known)
                    except psycopg.errors.UniqueViolation:
                        batch = await self._settle_conflicts(connection, batch)
                        continue
                    except psycopg.DatabaseError as error:
                        if error.sqlstate not in {STALE, HOLED}:
                            raise
                        await self.history.begin_another(str(error.diag.message_primary), number)
                        if error.sqlstate == HOLED:
                            await self._answer_conflicts(connection, batch)
                        continue
            except (*AWAY, TimeoutError) as error:
                await self._disconnect()
                batch = _unanswered(batch)
                await log.awarning(
                    "append waits for the database", error=str(error).strip() or "no answer"
                )
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
                pause = min(pause * 2, 1.0)
                continue
            self._succeed(batch, base)
            if events := [event for append in batch for event in append.events]:
                self.history.saw(number, base + len(events), events[-1].state, None)
            return

    async def _settle_outdated(
        self, connection: AsyncConnection, batch: list[_Append]
    ) -> list[_Append]:
        """Answer those that were decided on another history; what is left can be tried."""
        outdated = [a for a in batch if a.history not in {None, self.history.number}]
        if outdated:
            await self._answer_conflicts(connection, outdated)
        return _unanswered(batch)

    async def _answer_conflicts(self, connection: AsyncConnection, batch: list[_Append]) -> None:
        """All of these have to be decided anew, but for what is recorded already: that must not be
        decided a second time."""
        for append in await self._settle_conflicts(connection, batch):
            append.done.set_exception(VersionConflict())

    def _succeed(self, batch: list[_Append], base: int) -> None:
        for append in batch:
            base += len(append.events)
            if not append.done.done():
                append.done.set_result(base)
        self.statistics.batches += 1
        self.statistics.events += sum(len(append.events) for append in batch)

    async def _settle_conflicts(
        self, connection: AsyncConnection, batch: list[_Append]
    ) -> list[_Append]:
        """Answer those whose places or keys are taken; what is left can be tried again."""
        flat = [(append, event) for append in batch for event in append.events]
        cursor = await connection.execute(
            EVENTS_THERE,
            (
                [event.stream_id for _, event in flat],
                [event.version for _, event in flat],
                [event.state for _, event in flat],
            ),
        )
        there = await cursor.fetchall()
        keyed = [append for append in batch if append.key is not None]
        cursor = await connection.execute(
            KEYS_THERE, ([append.key.key for append in keyed if append.key],)
        )
        taken = await cursor.fetchall()
        if taken or any(same for _, same, _ in there):
            await _append(connection, [], NOTHING_KNOWN)  # before anybody is told of it
        for ordinal, same, position in there:
            append, event = flat[ordinal - 1]
            if same and event is append.events[-1] and not append.done.done():
                append.done.set_result(position)  # recorded by the try whose answer was lost
            elif not same and not append.done.done():
                append.done.set_exception(VersionConflict())
        for ordinal, fingerprint, position in taken:
            if not keyed[ordinal - 1].done.done():
                keyed[ordinal - 1].done.set_exception(KeyTaken(fingerprint, position))
        rest = _unanswered(batch)
        self.statistics.conflicts += len(batch) - len(rest)
        return rest

    async def _connect(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                self._conninfo, autocommit=True, prepare_threshold=0
            )
            await self.history.look(self._connection)
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):  # it is broken already: closing cannot make it worse
                await self._connection.close()
            self._connection = None


async def _append(connection: AsyncConnection, batch: list[_Append], known: Known) -> int:
    keys: list[tuple[IdempotencyKey, int]] = []
    events: list[NewEvent] = []
    for append in batch:
        events.extend(append.events)
        if append.key is not None:
            keys.append((append.key, len(events)))
    cursor = await connection.execute(APPEND, append_parameters(events, keys, known), binary=True)
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101  # a function answers with one row
    base: int = row[0]
    return base


def _unanswered(batch: list[_Append]) -> list[_Append]:
    """Without those whose callers have been told that it takes too long."""
    return [append for append in batch if not append.done.done()]


def _fail(batch: Sequence[_Append], error: Exception, cause: Exception) -> None:
    error.__cause__ = cause
    for append in batch:
        if not append.done.done():
            append.done.set_exception(error)
