"""Connections to PostgreSQL, and `migrate`, which makes everything that the shop keeps there."""

from dataclasses import asdict
from importlib.resources import files
from select import POLLIN, poll
from time import monotonic
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
SCRIPTS = ("schema.sql", "identity.sql")
MIGRATION_LOCK = 7461726400
SAY_EVERY = 5.0  # seconds
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


def migrate(url: str) -> None:
    """Make or change all tables, functions and read models. Whoever calls it second waits for the
    first. Raises psycopg.Error when the database cannot be reached or refuses."""
    from infrastructure.read_models.rebuild import Connections, deploy  # noqa: PLC0415  # most do without

    with psycopg.connect(
        conninfo(url, "migrate", search_path="public", statement_timeout=0, lock_timeout=60_000),
        autocommit=True,
    ) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        with connection.transaction():
            for script in SCRIPTS:
                connection.execute(files("infrastructure").joinpath(script).read_bytes())
        with tool_connection(url, "migrate") as reader:
            said = monotonic()
            for progress in deploy(Connections(reader, connection), PROJECTIONS):
                if monotonic() - said > SAY_EVERY:
                    log.info("filling a read model", **asdict(progress))
                    said = monotonic()


def tool_connection(url: str, application_name: str) -> psycopg.Connection:
    """For what may take long: no timeouts but for locks; in autocommit. Raises psycopg.Error."""
    connection = psycopg.connect(
        conninfo(url, application_name, statement_timeout=0), autocommit=True
    )
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    return connection
