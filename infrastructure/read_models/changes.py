"""What an API process knows of the read models: how far they are, and what changed.

One listener and one query a wake-up serve everybody who waits in the process.
"""

import asyncio
import heapq
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any, LiteralString, Self
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg import Notify
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from infrastructure.errors import ReadModelsLate
from infrastructure.event_store.history import History
from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.patience import AsyncConnection
from infrastructure.runtime.watched import LastingTask, Watched
from projections import PROJECTIONS
from projections.projection import Followed

log = structlog.get_logger()

POLL = 2.0  # seconds; a wake-up that got lost is made up for by looking
REPLICA_POLL = 0.002  # seconds between two looks at a replica that is behind; doubled each time
LONGEST_REPLICA_POLL = 0.05
LONGEST_CHASE = 30.0  # seconds; what was announced and does not come by then may never come
TOO_LATE = 1.0  # seconds; a replica that shows what was announced no sooner is left by itself
LONGEST_SHOWN = 100  # characters of what nobody understands

PRIMARY = "primary"
SERVERS = (PRIMARY, "replica")
# In one history a primary's never goes back; a replica's may, where another one is asked.
POSITION: LiteralString = (
    "SELECT min(position), CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END,"
    " NULL::uuid,"
    " (SELECT coalesce(max(number), 0) FROM repaired_rows) FROM projections"
)
FOLLOWED = {p.followed.kind: (p, p.followed) for p in PROJECTIONS if p.followed is not None}
# Of which one may follow all rows.
BY_KIND = frozenset(kind for kind, (_, followed) in FOLLOWED.items() if followed.compared)
CHANGED: LiteralString = "".join(
    f" UNION ALL SELECT 0, '{kind}', {f.id_column}, 0 FROM {f.table} WHERE position > %(after)b"
    for kind, (_, f) in FOLLOWED.items()
) + (" UNION ALL SELECT 0, kind, id, number FROM repaired_rows WHERE number > %(repaired)b")


def _replaced(name: LiteralString, followed: Followed) -> LiteralString:
    """The rows that are not as they were in the copy that was live before."""
    now, before = (
        ", ".join(f"{copy}.{column}" for column in followed.compared) for copy in ("now", "before")
    )
    return (
        f"SELECT {followed.id_column} FROM {name}.{followed.table} AS now"
        f" LEFT JOIN {name}_previous.{followed.table} AS before USING ({followed.id_column})"
        f" WHERE ({now}) IS DISTINCT FROM ({before})"
    )


@dataclass(slots=True, eq=False)
class Changes:
    """What one subscriber has not looked at yet: each id once, however often it changed."""

    ids: dict[UUID, None] = field(default_factory=dict)
    waiting: asyncio.Future[None] | None = None

    def add(self, changed: UUID) -> None:
        self.ids[changed] = None
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    async def __aiter__(self) -> AsyncIterator[UUID]:
        while True:
            if not self.ids:
                self.waiting = asyncio.get_running_loop().create_future()
                await self.waiting
            ids, self.ids = self.ids, {}
            for changed in ids:
                yield changed


class Follower:
    """One a process, for asyncio: follows the read models from `async with` on.

    `listen_url` is the primary, which alone takes LISTEN; the pool may read from a replica, which
    shows a moment later what the primary has told.
    """

    def __init__(
        self,
        listen_url: str,
        pool: AsyncConnectionPool,
        history: History | None = None,
        *,
        watched: Watched | None = None,
        late: Callable[[str], object] | None = None,
    ) -> None:
        """`late` is told why, where the pool's server is too late."""
        self._watched = watched or Watched()
        self._late = late
        self._due: tuple[int, float] | None = None  # a position, and since when it is announced
        self._conninfo = conninfo(listen_url, "follower")
        self._pool = pool
        self._history = history or History()
        self._seen_history = 0
        self._announced = 0
        self._announced_repair = 0
        self.position = 0
        self._repaired = 0  # the number of the last row that was put right
        self._looked = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._subscribers: dict[tuple[str, UUID | None], set[Changes]] = {}
        self._tasks: list[LastingTask] = []
        self._news = asyncio.Event()
        self._echoes: dict[str, asyncio.Future[None]] = {}
        self._listens = asyncio.Event()  # what is said before is heard by nobody
        self._history.when_another(self._look_anew)

    async def __aenter__(self) -> Self:
        self._tasks = [
            self._watched.task("follower listens", self._listen),
            self._watched.task("follower follows", self._follow),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            await task.stop()

    async def wait_for(self, position: int, timeout: float = 5.0) -> None:
        """Return when the read models have seen `position`. Raises ReadModelsLate after `timeout`
        seconds."""
        if position <= self.position and self._seen_history == self._history.number:
            return
        seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (position, next(self._order), seen))
        if position <= self.position:
            self._news.set()  # in another history: where are the read models there?
        try:
            async with asyncio.timeout(timeout):
                await seen
        except TimeoutError as error:
            raise ReadModelsLate from error

    def changes(self, kind: str, ids: Iterable[UUID] | None) -> "Subscription":
        """Tells the id of each of these rows that has changed; of any row where None is given, for
        a kind that can be followed so. Read their state after entering."""
        keys: Iterable[UUID | None] = [None] if ids is None else ids
        return Subscription(self._subscribers, *((kind, changed) for changed in keys))

    @property
    def history(self) -> int:
        """Another number means that what was read before may not be there any more."""
        return self._seen_history

    @property
    def subscribers(self) -> int:
        """How many are being served."""
        return len({id(changes) for served in self._subscribers.values() for changes in served})

    async def probe(self, connection: psycopg.AsyncConnection) -> None:
        """Return when a word that is said over `connection` has been heard here."""
        word = uuid4().hex
        heard = self._echoes[word] = asyncio.get_running_loop().create_future()
        try:
            await self._listens.wait()
            await connection.execute("SELECT pg_notify('echo', %s)", (word,))
            await heard
        finally:
            del self._echoes[word]

    async def _listen(self) -> None:
        pause = 0.1
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as connection:
                    await self._history.look(connection)
                    await connection.execute("LISTEN projected")
                    await connection.execute("LISTEN repaired")
                    await connection.execute("LISTEN echo")
                    pause = 0.1
                    self._news.set()  # whatever came while nobody listened
                    self._listens.set()
                    async for notification in connection.notifies():
                        self._hear(notification)
            except psycopg.Error as error:
                self._listens.clear()
                await log.awarning("does not hear the read models", error=str(error).strip())
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
                pause = min(pause * 2, 1.0)

    def _hear(self, said: Notify) -> None:
        """Whatever it is that somebody says: it is a reason to look."""
        if said.channel == "echo":
            heard = self._echoes.get(said.payload)
            if heard is not None and not heard.done():
                heard.set_result(None)
            return
        try:
            if said.channel == "repaired":
                self._announced_repair = int(said.payload)
            else:
                self._announced = int(said.payload)
            self._due = self._due or (self._announced, monotonic())
        except ValueError:
            shown = said.payload[:LONGEST_SHOWN]
            log.warning("cannot read what the read models say", payload=shown)
        self._news.set()

    async def _follow(self) -> None:
        behind, chased = REPLICA_POLL, 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._look()
                self._look_at_clock()
                if self._is_behind() and chased < LONGEST_CHASE:
                    await asyncio.sleep(behind)
                    behind, chased = min(behind * 2, LONGEST_REPLICA_POLL), chased + behind
                    self._news.set()
                else:
                    behind, chased = REPLICA_POLL, 0.0
                    self._announced, self._announced_repair = self.position, self._repaired
            except (psycopg.Error, PoolTimeout) as error:
                await log.awarning("cannot read the read models", error=str(error).strip())
                await asyncio.sleep(0.2)
                self._news.set()

    def _look_at_clock(self) -> None:
        """Tell of a server that is too late."""
        if self._due is None:
            return
        position, since = self._due
        now = monotonic()
        if self.position >= position:
            self._due = (self._announced, now) if self.position < self._announced else None
        elif now - since > TOO_LATE and self._late is not None:
            self._due = None
            self._late(f"it is {now - since:.1f} seconds late")

    def _is_behind(self) -> bool:
        return self.position < self._announced or self._repaired < self._announced_repair

    async def _look(self) -> None:
        number = self._history.number
        another = self._seen_history != number
        if another:
            self.position, self._announced, self._looked = 0, 0, False
        read = await self._read()
        position, server, _, repaired = next(row for row in read if row[1] in SERVERS)
        rows = [row for row in read if row[1] not in SERVERS]
        if (position or 0) < self.position and server == PRIMARY:
            await self._history.begin_another("the read models know less than they did", number)
        if number != self._history.number:  # this may be what was there in the one before
            self._news.set()
            return
        self._seen_history = number
        if not self._looked or repaired < self._repaired:
            # What has changed so far nobody knows: let everybody look.
            keys = [key for key in self._subscribers if another or key[0] not in BY_KIND]
            rows += [(0, *key, 0) for key in keys if key[1] is not None]
        for kind in {kind for _, kind, row_id, _ in rows if row_id is None}:
            rows += [(0, kind, row_id, 0) for row_id in await self._any_of(kind)]
        self.position, self._repaired = max(self.position, position or 0), repaired
        self._looked = True
        self._tell((kind, row_id) for _, kind, row_id, _ in rows if row_id is not None)

    def _tell(self, changed: Iterable[tuple[str, UUID]]) -> None:
        """Whoever follows one of these, or waits for the position."""
        for kind, row_id in changed:
            for changes in self._subscribers.get((kind, row_id), ()):
                changes.add(row_id)
            if kind in BY_KIND:
                for changes in self._subscribers.get((kind, None), ()):
                    changes.add(row_id)
        while self._waiting and self._waiting[0][0] <= self.position:
            _, _, seen = heapq.heappop(self._waiting)
            if not seen.done():
                seen.set_result(None)

    async def _look_anew(self) -> None:
        self._news.set()

    async def _any_of(self, kind: str) -> list[UUID]:
        """Of rows that may all be others than before, those that somebody follows; where one may
        follow them without naming them, those that are others."""
        followed = [row_id for name, row_id in self._subscribers if name == kind]
        if kind not in BY_KIND or not followed:
            return [row_id for row_id in followed if row_id is not None]
        projection, rows = FOLLOWED[kind]
        async with self._pool.connection() as connection:
            try:
                cursor = await connection.execute(_replaced(projection.name, rows))
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                # The copy before is of other code.
                cursor = await connection.execute(f"SELECT {rows.id_column} FROM {rows.table}")
            return [row[0] for row in await cursor.fetchall()]

    async def _read(self) -> list[tuple[Any, ...]]:
        """How far the read models are, and what has changed, as of the same moment."""
        while True:
            served = bool(self._subscribers)
            query = POSITION + CHANGED if served and self._looked else POSITION
            seen = {"after": self.position, "repaired": self._repaired}
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, seen, binary=True)
                rows = await cursor.fetchall()
            # Who has come meanwhile may have read an older state than this.
            if served or not self._subscribers:
                return rows


class Subscription:
    """A subscriber: to be entered, which gives what is told him."""

    __slots__ = ("_changes", "_keys", "_subscribers")

    def __init__(
        self,
        subscribers: dict[tuple[str, UUID | None], set[Changes]],
        *keys: tuple[str, UUID | None],
    ) -> None:
        self._subscribers = subscribers
        self._keys = keys
        self._changes = Changes()

    def __enter__(self) -> Changes:
        for key in self._keys:
            self._subscribers.setdefault(key, set()).add(self._changes)
        return self._changes

    def __exit__(self, *_: object) -> None:
        for key in self._keys:
            served = self._subscribers[key]
            served.discard(self._changes)
            if not served:
                del self._subscribers[key]
