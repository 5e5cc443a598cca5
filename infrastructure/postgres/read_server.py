"""The one server that a process reads from: a replica of those that a URL names, or the primary.

Replicas are late, each by as much as it likes. Who waited until one of them showed what he wrote
must not be answered from another one that does not, so all reads of a process go to the same.
When that is gone or too late, all change together: none is answered before the next server has
all that the primary had when the last read from the one before had ended.
"""

import asyncio
import random
from asyncio import FIRST_COMPLETED
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, LiteralString, Self

import psycopg
import structlog
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg_pool import PoolTimeout

from infrastructure.postgres.connections import AWAY, Pool, check, conninfo
from infrastructure.postgres.patience import AsyncConnection
from infrastructure.postgres.servers import places_of
from infrastructure.runtime.watched import LastingTask, Watched

log = structlog.get_logger()

LATE = 0.5  # seconds behind the primary at which a replica is not chosen
CHOICE = 0.1  # seconds that others have to be as good when one replica has shown to be
LONGEST_SEARCH = 4.0  # seconds until all that are there have answered
TRY_AGAIN = 5.0  # seconds between two looks for a replica while it reads from the primary
LONGEST_READ = 1.0  # seconds that reads have to end in before it reads from another server
TRIES = 8  # connections that may lead elsewhere, before it is given up
LOOK = 0.005  # seconds between two looks at how far a replica is

# What any reader of the primary may have seen is before this place of its log.
PRIMARY_IS_AT: LiteralString = "SELECT pg_current_wal_flush_lsn()::text"
IS_AT: LiteralString = (
    "SELECT pg_is_in_recovery() AND coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false)"
)


class ReadServer:
    """One an API process; for asyncio. To be entered before its pools are opened."""

    def __init__(self, url: str, primary_url: str, watched: Watched | None = None) -> None:
        """`url` names the replicas, any number of them."""
        self._replicas = [
            make_conninfo(place.conninfo(url), target_session_attrs="any")
            for place in places_of(url)
        ]
        self._primary = primary_url
        self._watched = watched or Watched()
        self.url = primary_url
        self.server = ""  # which one it is; empty: the primary, whichever that is
        self.epoch = 0  # counts the changes
        self._pools: list[Pool] = []
        self._out: set[ReadConnection] = set()
        self._reading = 0
        self._idle = asyncio.Event()
        self._open = asyncio.Event()
        self._left = asyncio.Event()
        self._task: LastingTask | None = None

    def pool(self, application_name: str, *, size: int, **settings: Any) -> Pool:
        """A pool of connections to that server, not opened yet."""
        pool = _ReadPool(self, application_name, size, settings)
        self._pools.append(pool)
        return pool

    def leave(self, reason: str) -> None:
        """Read from another one from now on. Nothing, where it is the primary."""
        if self.server and not self._left.is_set():
            log.warning("leaves the server that it reads from", reason=reason, server=self.server)
            self._open.clear()
            self._left.set()

    async def __aenter__(self) -> Self:
        try:
            await self._change()
        except (*AWAY, TimeoutError) as error:
            await log.awarning("finds no server to read from", error=str(error).strip())
            self._open.set()
        self._task = self._watched.task("read server", self._run)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await self._task.stop()

    async def begin(self, timeout: float) -> None:
        """A read begins, once there is a server for it. Raises PoolTimeout."""
        try:
            async with asyncio.timeout(timeout):
                await self._open.wait()
        except TimeoutError:
            raise PoolTimeout("no server to read from") from None
        self._reading += 1
        self._idle.clear()

    def took(self, connection: psycopg.AsyncConnection) -> None:
        """The read has this connection."""
        if isinstance(connection, ReadConnection):
            self._out.add(connection)

    def end(self, connection: psycopg.AsyncConnection | None) -> None:
        """The read has ended, and so has what it did with the connection."""
        self._reading -= 1
        if not self._reading:
            self._idle.set()
        if isinstance(connection, ReadConnection):
            self._out.discard(connection)
            if connection.pgconn.status == pq.ConnStatus.BAD and connection.epoch == self.epoch:
                self.leave("a connection has broken")

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self.server else TRY_AGAIN):
                    await self._left.wait()
            try:
                await self._change()
            except (*AWAY, TimeoutError) as error:
                await log.awarning("finds no server to read from", error=str(error).strip())
                await asyncio.sleep(LATE)

    async def _change(self) -> None:
        """Read from a replica that is up to date, or else from the primary."""
        async with await _connect(self._primary) as primary:
            found = await self._replicas_up_to(await _place_of(primary))
            try:
                if found or not self._open.is_set():
                    await self._change_to(found, primary)
            finally:
                for replica in found:
                    await replica.connection.close()

    async def _change_to(self, found: list["_Replica"], primary: psycopg.AsyncConnection) -> None:
        self._open.clear()
        try:
            await self._wait_for_reads()
            chosen = await _first_at(await _place_of(primary), found)
            self.url = chosen.url if chosen else self._primary
            self.server = chosen.connection.server if chosen else ""
            self.epoch += 1
            for pool in self._pools:
                if not pool.closed:
                    await pool.drain()
            self._left.clear()
            await log.ainfo("reads from", server=self.server or "the primary")
        finally:
            if not self._left.is_set():
                self._open.set()

    async def _wait_for_reads(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_READ if self._reading else 0):
                await self._idle.wait()
        except TimeoutError:
            for connection in self._out:
                connection.pulse.give_up("reads go to another server now")

    async def _replicas_up_to(self, place: str) -> list["_Replica"]:
        """Those that are there and not late, in any order."""
        tasks = {asyncio.create_task(_replica_at(place, url)) for url in self._replicas}
        waiting, until = tasks, monotonic() + LONGEST_SEARCH
        while waiting and (left := until - monotonic()) > 0:
            _, waiting = await asyncio.wait(waiting, timeout=left, return_when=FIRST_COMPLETED)
            if any(task.done() and task.result() for task in tasks):
                until = min(until, monotonic() + CHOICE)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        replicas = [replica for replica in ended if isinstance(replica, _Replica)]
        random.shuffle(replicas)
        return replicas


class ReadConnection(AsyncConnection):
    """A connection to the server that is read from; `epoch` is when that was so."""

    epoch = 0

    @classmethod
    async def connect(cls, conninfo: str = "", *, autocommit: bool = False, **options: Any) -> Self:
        """As psycopg's. The option `reads`, a ReadServer, says which server is wanted: behind a
        balancer another one may answer, or one that was started again and is behind where it was.
        """
        reads = options.pop("reads")
        server, epoch = reads.server, reads.epoch
        try:
            for _ in range(TRIES):
                connection = await super().connect(conninfo, autocommit=autocommit, **options)
                if not server or connection.server == server:
                    connection.epoch = epoch
                    return connection
                await connection.close()
            raise psycopg.OperationalError("another server answers there")
        except psycopg.OperationalError as error:
            if reads.epoch == epoch:
                reads.leave(str(error).strip())
            raise


class _ReadPool(Pool):
    def __init__(
        self, reads: ReadServer, application_name: str, size: int, settings: dict[str, Any]
    ) -> None:
        super().__init__(
            lambda: conninfo(reads.url, application_name, **settings),
            size,
            connection_class=ReadConnection,
            check=self._check_epoch,
            reads=reads,
        )
        self._reads = reads

    async def _check_epoch(self, connection: psycopg.AsyncConnection) -> None:
        if isinstance(connection, ReadConnection) and connection.epoch != self._reads.epoch:
            await connection.close()
            raise psycopg.OperationalError("reads go to another server now")
        await check(connection)

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection:
        """As psycopg's; while the server is changed, that is waited for."""
        await self._reads.begin(self.timeout if timeout is None else timeout)
        try:
            connection = await super().getconn(timeout)
        except BaseException:
            self._reads.end(None)
            raise
        self._reads.took(connection)
        return connection

    async def putconn(self, connection: psycopg.AsyncConnection) -> None:
        """As psycopg's."""
        self._reads.end(connection)
        await super().putconn(connection)


@dataclass(frozen=True, slots=True)
class _Replica:
    url: str
    connection: AsyncConnection


async def _replica_at(place: str, url: str) -> _Replica | None:
    """The replica, where it is there and comes to `place` in time."""
    try:
        connection = await _connect(url)
    except psycopg.Error:
        return None
    replica = _Replica(url, connection)
    try:
        if await _first_at(place, [replica]):
            return replica
    except psycopg.Error as error:
        await log.ainfo("a replica is gone again", error=type(error).__name__)
    except BaseException:
        await connection.close()
        raise
    await connection.close()
    return None


async def _first_at(place: str, replicas: list[_Replica]) -> _Replica | None:
    """The first that has come to `place`; None after a while without one. Raises psycopg.Error."""
    until = monotonic() + LATE
    while replicas and monotonic() < until:
        for replica in replicas:
            cursor = await replica.connection.execute(IS_AT, (place,))
            if await cursor.fetchone() == (True,):
                return replica
        await asyncio.sleep(LOOK)
    return None


async def _place_of(primary: psycopg.AsyncConnection) -> str:
    row = await (await primary.execute(PRIMARY_IS_AT)).fetchone()
    assert row is not None  # noqa: S101  # a function answers with one row
    place: str = row[0]
    return place


async def _connect(url: str) -> AsyncConnection:
    return await AsyncConnection.connect(conninfo(url, "replicas"), autocommit=True)
