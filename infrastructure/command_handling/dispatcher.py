"""Commands of the API: load, decide, append; again when somebody else was quicker.

What is appended is checked by the log, version by version, so it may be decided on what memory
holds. Any other answer - a refusal, nothing to record - is given only on what was read just before.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from hashlib import blake2b
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

from psycopg_pool import AsyncConnectionPool

from application.deciders import stream_id
from application.unit_of_work import EMPTY, Loaded, UnitOfWork, begins_a_stream
from domain.commands import Command
from domain.errors import Conflict, DomainError
from domain.message import message
from domain.recorded import Origin
from infrastructure.command_handling.cache import Aggregates
from infrastructure.command_handling.snapshots import READ_SNAPSHOTS, from_snapshot
from infrastructure.errors import Overloaded, Unavailable
from infrastructure.event_store.appender import KeyTaken, VersionConflict, Writer
from infrastructure.event_store.history import still_stands
from infrastructure.event_store.store import (
    READ_STREAMS_AND_KNOWN,
    IdempotencyKey,
    decode_row,
    encoded,
)
from infrastructure.postgres.connections import AWAY

ATTEMPTS = 20
KEY_USED = "This id was used before, for something else."


@message
class Dispatched:
    """`position` is that of the last event that the commands made happen; when they had happened
    before (`duplicate`), of the last that they had made happen then, or any after it."""

    position: int
    duplicate: bool


def idempotency_key(scope: UUID, id: UUID | str, *input: object) -> IdempotencyKey:
    """The key of what a client sent under its own `id`; within another scope others may use it."""
    fingerprint = blake2b(repr(input).encode(), digest_size=16).digest()
    return IdempotencyKey(uuid5(scope, str(id)), fingerprint)


class Dispatcher:
    """Sends commands to their aggregates. One a process; for asyncio."""

    def __init__(self, pool: AsyncConnectionPool, writer: Writer) -> None:
        self._pool = pool
        self._writer = writer
        self._aggregates = Aggregates()
        self._history = 0
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def dispatch(
        self, *commands: Command, origin: Origin, key: IdempotencyKey | None = None
    ) -> Dispatched:
        """Record what all the commands make happen, or nothing.

        With a key, what was recorded under it before is answered with again; Conflict when that was
        something else. Raises DomainError, Overloaded, or Unavailable.
        """
        streams = sorted({stream_id(command) for command in commands})
        async with AsyncExitStack() as locks:
            for stream in streams:  # in one order, so that nobody waits in a circle
                await locks.enter_async_context(self._locks.setdefault(stream, asyncio.Lock()))
            try:
                return await self._dispatch(commands, streams, origin, key)
            except AWAY as error:
                raise Unavailable from error

    async def _dispatch(
        self,
        commands: Sequence[Command],
        streams: list[UUID],
        origin: Origin,
        key: IdempotencyKey | None,
    ) -> Dispatched:
        assumed = self._assumed(commands)
        for _ in range(ATTEMPTS):
            loaded = await self._load(streams, assumed)
            history = self._history
            work = UnitOfWork(dict(loaded))
            try:
                for command in commands:
                    work.handle(command, origin)
            except DomainError:
                if assumed:
                    assumed = set()
                    continue
                if key is not None and (before := await self.recorded(key)):
                    return before
                raise
            if any(work.streams[stream] is loaded[stream] for stream in assumed):
                assumed = set()
                continue
            if not work.events:
                await self.confirm()
                return Dispatched(max(found.position for found in loaded.values()), duplicate=True)
            try:
                position = await self._writer.append(encoded(work.events), key, history)
            except VersionConflict:
                assumed = set()
                continue
            except KeyTaken as taken:
                return _same(key, taken.fingerprint, taken.position)
            if history == self._present():
                for stream, moved in work.streams.items():
                    self._aggregates.put(
                        stream, Loaded(moved.decider, moved.state, moved.version, position)
                    )
            return Dispatched(position, duplicate=False)
        raise Overloaded

    def _assumed(self, commands: Sequence[Command]) -> set[UUID]:
        """The streams that are taken to be as memory has them, until that proves wrong: what a
        command begins to be empty, and what is calm to be as it was left a moment ago."""
        assumed = set()
        for command in commands:
            stream = stream_id(command)
            known = self._aggregates.get(stream) or EMPTY
            begins = known is EMPTY and begins_a_stream(command)
            if begins or (known.decider is not None and known.decider.calm):
                assumed.add(stream)
        return assumed

    def _present(self) -> int:
        """The history of what is in memory: where another one has begun, that is nothing."""
        if self._history != self._writer.history.number:
            self._history = self._writer.history.number
            self._aggregates.clear()
        return self._history

    def remembered(self, stream: UUID) -> Loaded:
        """The stream as it was when it was last used here, which may be long ago; EMPTY when it is
        not in memory. Good for what never changes."""
        return self._aggregates.get(stream) or EMPTY

    async def load(self, stream: UUID) -> Loaded:
        """The stream as it is now. Raises psycopg.OperationalError or PoolTimeout."""
        return (await self._load([stream], set()))[stream]

    async def load_many(self, streams: Sequence[UUID]) -> dict[UUID, Loaded]:
        """The same of several. Raises psycopg.OperationalError or PoolTimeout."""
        return await self._load(list(streams), set())

    async def _load(self, streams: list[UUID], assumed: set[UUID]) -> dict[UUID, Loaded]:
        """The streams as they are now; those in `assumed` as memory has them."""
        while True:
            number = self._present()
            loaded = {stream: self._aggregates.get(stream) or EMPTY for stream in streams}
            unread = [stream for stream in streams if stream not in assumed]
            if unread:
                await self._read(unread, loaded)
            if number == self._present():
                for stream in unread:
                    self._aggregates.put(stream, loaded[stream])
                return loaded

    async def _read(self, unread: list[UUID], loaded: dict[UUID, Loaded]) -> None:
        """Move these forward to where they are in the log. Where that is another one than they were
        loaded from, another history begins."""
        history = self._writer.history
        number = history.number
        async with self._pool.connection() as connection:
            cold = [stream for stream in unread if loaded[stream] is EMPTY]
            if cold:
                cursor = await connection.execute(READ_SNAPSHOTS, (cold,), binary=True)
                for row in await cursor.fetchall():
                    loaded[row[0]] = from_snapshot(row) or EMPTY
                    history.saw(number, row[3], row[6], row[7])
            known = history.known
            versions = [loaded[stream].version for stream in unread]
            cursor = await connection.execute(
                READ_STREAMS_AND_KNOWN, (known.position, unread, versions), binary=True
            )
            rows = await cursor.fetchall()
        seen = rows.pop(0) if rows and rows[0][0] == 0 else None
        if not still_stands(known, seen):
            await history.begin_another("the log lacks what was known of it", number)
            return
        for row in rows:
            history.saw(number, row[0], row[4], row[5])
            recorded = decode_row(row)
            stream = recorded.stream_id
            loaded[stream] = loaded[stream].after(
                recorded.event, recorded.version, recorded.position
            )

    async def recorded(self, key: IdempotencyKey) -> Dispatched | None:
        """What was recorded under the key before. Raises Conflict where that was something else."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT fingerprint, position FROM idempotency_keys WHERE key = %s", (key.key,)
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        await self.confirm()
        return _same(key, row[0], row[1])

    async def confirm(self) -> None:
        """Before somebody is told that what was read is recorded: it may be a commit that was
        interrupted while it waited for the standbys. Raises Overloaded or Unavailable."""
        await self._writer.confirm()


def _same(key: IdempotencyKey | None, fingerprint: bytes, position: int) -> Dispatched:
    if key is None or key.fingerprint != fingerprint:
        raise Conflict(KEY_USED)
    return Dispatched(position, duplicate=True)
