"""Connections to PostgreSQL: pools, and those of tools."""

import os
from collections.abc import Awaitable, Callable
from select import POLLIN, poll
from typing import Any

import orjson
import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from infrastructure.postgres.patience import AsyncConnection, Connection
from infrastructure.postgres.pulse import broken
from projections import PROJECTIONS

log = structlog.get_logger()

SEARCH_PATH = ", ".join([*(projection.name for projection in PROJECTIONS), "public"])
# The database is away, starting, full, too slow or no longer the primary: all of that passes.
AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction, PoolTimeout)
# A machine that is gone without a word is noticed within half a minute. Unix sockets ignore this.
KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def session_settings(
    *,
    search_path: str = SEARCH_PATH,
    statement_timeout: int = 30_000,
    lock_timeout: int = 10_000,
) -> dict[str, str]:
    """What every connection of the shop asks for when it begins. Timeouts in milliseconds; 0 is
    none."""
    return {
        "search_path": search_path.replace(" ", ""),
        "statement_timeout": str(statement_timeout),
        "lock_timeout": str(lock_timeout),
        "idle_in_transaction_session_timeout": "60000",
        # What nobody waits for any more ends: unlike a cancel, this ends no wait for a standby.
        "client_connection_check_interval": "2000",
        "idle_session_timeout": "0",  # whoever listens is idle for as long as nothing happens
        # Whatever a database or a role has been given: appends read what others have committed
        # while they waited, and times are read as they are written here.
        "default_transaction_isolation": "read committed",
        "timezone": "UTC",
        "datestyle": "ISO, MDY",
        "jit": "off",  # compiling costs more than our short statements take
    }


def conninfo(url: str, application_name: str, **settings: Any) -> str:
    """`url` with what every connection of the shop has: see `session_settings`. What `url` says
    stays beside it: its own options, such as `-c role=shop_app`, its time limits and keepalives."""
    said = conninfo_to_dict(url)
    own = said.get("options") or os.environ.get("PGOPTIONS", "")
    asked = session_settings(**settings)
    options = [str(own), *(f"-c {name}={_escaped(value)}" for name, value in asked.items())]
    values = {
        "connect_timeout": 3,
        **KEEPALIVE,
        **said,
        "application_name": f"{said.get('application_name') or 'shop'} {application_name}",
        "client_encoding": "UTF8",
        "options": " ".join(options).strip(),
    }
    return make_conninfo("", **values)


def _escaped(value: str) -> str:
    """As PostgreSQL reads options: https://www.postgresql.org/docs/current/libpq-connect.html"""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def async_pool(url: str, application_name: str, *, size: int, **settings: Any) -> "Pool":
    """A pool, not opened yet, of connections in autocommit: a read costs no BEGIN and COMMIT."""
    return Pool(conninfo(url, application_name, **settings), size)


async def check(connection: psycopg.AsyncConnection) -> None:
    """Nothing is sent unasked but a farewell: only where there is something to read, the server is
    asked whether it is there. Raises psycopg.OperationalError."""
    waiting = poll()
    waiting.register(connection.pgconn.socket, POLLIN)
    given_up = isinstance(connection, AsyncConnection) and connection.pulse.ended
    if given_up or waiting.poll(0):
        await connection.execute("")


class Pool(AsyncConnectionPool):
    """When a connection of the process breaks, those that lie here are looked at first: callers
    would find them one by one, with a pause of a second or two after each."""

    def __init__(
        self,
        address: str | Callable[[], str],
        size: int,
        *,
        connection_class: type[AsyncConnection] = AsyncConnection,
        check: Callable[[psycopg.AsyncConnection], Awaitable[None]] = check,
        **options: Any,
    ) -> None:
        """`address` is for libpq; what answers with one is asked for each connection. `options` are
        those of the connections."""
        super().__init__(
            address,
            connection_class=connection_class,
            min_size=min(2, size),
            max_size=size,
            timeout=5,
            max_idle=300,
            # After that the next caller makes it try anew; by default it would sleep for minutes.
            reconnect_timeout=2,
            open=False,
            configure=_read_json_fast,
            check=check,
            reset=_nothing,
            kwargs={"autocommit": True, "prepare_threshold": 0, **options},
        )
        self._looked_at = broken.number

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection:
        """As psycopg's."""
        if self._looked_at != broken.number:
            self._looked_at = broken.number
            await self.check()
        return await super().getconn(timeout)


async def _read_json_fast(connection: psycopg.AsyncConnection) -> None:
    """Half of the time that a page of orders took to read was `json.loads`."""
    set_json_loads(orjson.loads, connection)


async def _nothing(_: psycopg.AsyncConnection) -> None:
    """With something to do, the pool takes connections back in a task of its own: a caller that is
    cancelled while it gives one back would lose it otherwise (psycopg_pool 3.3)."""


def tool_connection(url: str, application_name: str) -> psycopg.Connection:
    """For what may take long: no timeouts but for locks; in autocommit. Raises psycopg.Error."""
    connection = Connection.connect(
        conninfo(url, application_name, statement_timeout=0), autocommit=True
    )
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    return connection
