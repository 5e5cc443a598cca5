"""Connections to PostgreSQL: pools, and those of tools."""

from select import POLLIN, poll
from typing import Any

import orjson
import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

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


def conninfo(
    url: str,
    application_name: str,
    *,
    search_path: str = SEARCH_PATH,
    statement_timeout: int = 30_000,
    lock_timeout: int = 10_000,
) -> str:
    """`url` with what every connection of the shop has. Timeouts in milliseconds; 0 is none."""
    options = (
        f"-c search_path={search_path.replace(' ', '')} -c statement_timeout={statement_timeout}"
        f" -c lock_timeout={lock_timeout} -c timezone=UTC"
        " -c idle_in_transaction_session_timeout=60000"
    )
    return make_conninfo(
        url,
        application_name=f"shop {application_name}",
        options=options,
        connect_timeout=5,
        **KEEPALIVE,
    )


def async_pool(url: str, application_name: str, *, size: int, **kwargs: Any) -> AsyncConnectionPool:
    """A pool, not opened yet, of connections in autocommit: a read costs no BEGIN and COMMIT."""
    return AsyncConnectionPool(
        conninfo(url, application_name, **kwargs),
        min_size=min(2, size),
        max_size=size,
        timeout=5,
        max_idle=300,
        # After that the next caller makes it try anew; by default it would sleep for minutes.
        reconnect_timeout=2,
        open=False,
        configure=_read_json_fast,
        check=_check,
        reset=_nothing,
        kwargs={"autocommit": True, "prepare_threshold": 0},
    )


async def _read_json_fast(connection: AsyncConnection) -> None:
    """Half of the time that a page of orders took to read was `json.loads`."""
    set_json_loads(orjson.loads, connection)


async def _check(connection: AsyncConnection) -> None:
    """Nothing is sent unasked but a farewell: only where there is something to read, the server is
    asked whether it is there. Raises psycopg.OperationalError."""
    waiting = poll()
    waiting.register(connection.pgconn.socket, POLLIN)
    if waiting.poll(0):
        await connection.execute("")


async def _nothing(_: AsyncConnection) -> None:
    """With something to do, the pool takes connections back in a task of its own: a caller that is
    cancelled while it gives one back would lose it otherwise (psycopg_pool 3.3)."""


def tool_connection(url: str, application_name: str) -> psycopg.Connection:
    """For what may take long: no timeouts but for locks; in autocommit. Raises psycopg.Error."""
    connection = psycopg.connect(
        conninfo(url, application_name, statement_timeout=0), autocommit=True
    )
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    return connection
