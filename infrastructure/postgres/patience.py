"""psycopg's connections, but no wait for a server outlasts what our own clock allows.

- A server that is silent is noticed by the watchdog, which ends all waits for it at once.
- Who waits for notifications asks every `HEARTBEAT` whether anybody is there to send them.
- A statement has the time that the server gives it (`statement_timeout`), and `GRACE`.
- Of several servers that a URL names, the primary is found by asking all of them at once.

What has ended so raises psycopg.OperationalError, and the connection is closed: without a cancel,
which a silent server does not hear, and which makes one that waits for its standbys tell of a
commit that they do not have. Where somebody else has cancelled that wait, the answer is as good as
lost: psycopg.OperationalError too.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from time import monotonic
from typing import Any, Self, TypeVar

import psycopg
from psycopg import Notify, pq
from psycopg.abc import PQGen
from psycopg.pq.abc import PGconn
from psycopg.rows import Row

from infrastructure.postgres.greeting import Greeting, greet, greet_async
from infrastructure.postgres.pulse import NEVER, Place, Pulse, broken
from infrastructure.postgres.servers import ANSWER, Servers, servers_of
from infrastructure.postgres.watchdog import watch

HEARTBEAT = (
    1.0  # seconds without a notification, after which the server is asked for a sign of life
)
GRACE = 5.0  # seconds that a server has beyond the limit that it keeps itself
CANCELLING = 2.0  # seconds for telling a server that Ctrl+C was typed

RV = TypeVar("RV")


class _Patient:
    """What both kinds have: `server` is which one it is, `limit` how many seconds it may take to
    answer (None: as long as it answers others)."""

    pgconn: PGconn
    pulse: Pulse
    server: str
    limit: float | None

    def _wait_begins(self, timeout: float | None) -> float:
        return self.pulse.begin(silence_is_fine=timeout is not None)

    def _wait_failed(
        self, error: psycopg.OperationalError, began: float, timeout: float | None
    ) -> psycopg.OperationalError:
        """What to raise; the connection is closed where nothing may be waited for any more."""
        reason = self.pulse.ended
        if reason is None and error.sqlstate is None and timeout is None and self.limit is not None:
            waited = monotonic() - began
            reason = f"no answer in {waited:.0f} seconds" if waited >= self.limit else None
        if reason is None:
            if self.pgconn.status == pq.ConnStatus.BAD:
                broken.number += 1
            return error
        self.pgconn.finish()
        return psycopg.OperationalError(reason)

    def _heard(self) -> None:
        """Raises psycopg.OperationalError where the answer is one that cannot be relied on."""
        self.pulse.heard = monotonic()
        if self.pulse.is_doubtful:
            self.pgconn.finish()
            raise psycopg.OperationalError("committed, but the wait for a standby was cancelled")

    def greeted(self, greeting: Greeting) -> None:
        """Know what the server has said of itself."""
        self.server = greeting.server
        self.limit = greeting.limit + GRACE if greeting.limit else None


class Connection(_Patient, psycopg.Connection[Row]):
    """For threads."""

    def __init__(self, pgconn: PGconn, *arguments: Any) -> None:
        super().__init__(pgconn, *arguments)
        self.pulse, self.server, self.limit = Pulse(pgconn.socket), "", ANSWER
        self.add_notice_handler(self.pulse.noticed)

    @classmethod
    def connect(cls, conninfo: str = "", *, autocommit: bool = False, **options: Any) -> Self:
        """As psycopg's, with what concerns libpq in `conninfo` alone. Raises
        psycopg.OperationalError."""
        watch()
        servers = servers_of(conninfo)
        while True:
            found = servers.primary()
            place = found.result() if isinstance(found, Future) else found
            try:
                connection = cls._connect_to(servers, place, conninfo, options)
            except psycopg.OperationalError:
                if not servers.is_elsewhere(place, found):
                    raise
            else:
                connection.autocommit = autocommit
                return connection

    @classmethod
    def _connect_to(
        cls, servers: Servers, place: Place, conninfo: str, options: dict[str, Any]
    ) -> Self:
        connection = super().connect(place.conninfo(conninfo), autocommit=True, **options)
        try:
            greeting = greet(connection, lineage=servers.tells_lineage)
            servers.met(place, greeting, connection.pulse)
        except BaseException:
            connection.close()
            raise
        connection.greeted(greeting)
        return connection

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As psycopg's. Who gives a `timeout` waits for what need not come, such as news."""
        began = self._wait_begins(timeout)
        try:
            answer = super().wait(gen, interval, self.limit if timeout is None else timeout)
        except psycopg.OperationalError as error:
            raise self._wait_failed(error, began, timeout) from error.__cause__
        finally:
            self.pulse.end()
        self._heard()
        return answer

    def notifies(
        self, *, timeout: float | None = None, stop_after: int | None = None
    ) -> Generator[Notify]:
        """As psycopg's, in autocommit."""
        end = monotonic() + (NEVER if timeout is None else timeout)
        heard = 0
        while stop_after is None or heard < stop_after:
            before, pause = heard, min(HEARTBEAT, max(end - monotonic(), 0))
            for notification in super().notifies(timeout=pause, stop_after=stop_after):
                heard += 1
                yield notification
            if heard == before:
                self.execute("", prepare=False)
            if monotonic() >= end:
                return

    def cancel_safe(self, *, timeout: float = CANCELLING) -> None:
        """As psycopg's, which calls it where Ctrl+C was typed."""
        super().cancel_safe(timeout=min(timeout, CANCELLING))


class AsyncConnection(_Patient, psycopg.AsyncConnection[Row]):
    """For asyncio."""

    def __init__(self, pgconn: PGconn, *arguments: Any) -> None:
        super().__init__(pgconn, *arguments)
        self.pulse, self.server, self.limit = Pulse(pgconn.socket), "", ANSWER
        self.add_notice_handler(self.pulse.noticed)

    @classmethod
    async def connect(cls, conninfo: str = "", *, autocommit: bool = False, **options: Any) -> Self:
        """As psycopg's, with what concerns libpq in `conninfo` alone. Raises
        psycopg.OperationalError."""
        watch()
        servers = servers_of(conninfo)
        while True:
            found = servers.primary()
            place = await asyncio.wrap_future(found) if isinstance(found, Future) else found
            try:
                connection = await cls._connect_to(servers, place, conninfo, options)
            except psycopg.OperationalError:
                if not servers.is_elsewhere(place, found):
                    raise
            else:
                await connection.set_autocommit(autocommit)
                return connection

    @classmethod
    async def _connect_to(
        cls, servers: Servers, place: Place, conninfo: str, options: dict[str, Any]
    ) -> Self:
        connection = await super().connect(place.conninfo(conninfo), autocommit=True, **options)
        try:
            greeting = await greet_async(connection, lineage=servers.tells_lineage)
            servers.met(place, greeting, connection.pulse)
        except BaseException:
            await connection.close()
            raise
        connection.greeted(greeting)
        return connection

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As psycopg's. Who gives a `timeout` waits for what need not come, such as news."""
        began = self._wait_begins(timeout)
        try:
            answer = await super().wait(gen, interval, self.limit if timeout is None else timeout)
        except psycopg.OperationalError as error:
            raise self._wait_failed(error, began, timeout) from error.__cause__
        finally:
            self.pulse.end()
        self._heard()
        return answer

    async def notifies(
        self, *, timeout: float | None = None, stop_after: int | None = None
    ) -> AsyncGenerator[Notify]:
        """As psycopg's, in autocommit."""
        end = monotonic() + (NEVER if timeout is None else timeout)
        heard = 0
        while stop_after is None or heard < stop_after:
            before, pause = heard, min(HEARTBEAT, max(end - monotonic(), 0))
            async for notification in super().notifies(timeout=pause, stop_after=stop_after):
                heard += 1
                yield notification
            if heard == before:
                await self.execute("", prepare=False)
            if monotonic() >= end:
                return

    async def cancel_safe(self, *, timeout: float = CANCELLING) -> None:
        """Nothing. psycopg calls it where the task that waits is cancelled, waits some seconds
        more for the answer, and closes the connection where there is none; the server then ends
        what nobody waits for (`client_connection_check_interval`)."""
