"""Connections to PostgreSQL, and `migrate`, which makes everything that the shop keeps there."""

from importlib.resources import files
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from projections import PROJECTIONS
from projections.projection import Projection

SEARCH_PATH = ", ".join([*(projection.name for projection in PROJECTIONS), "public"])
SCRIPTS = ("schema.sql", "identity.sql")
MIGRATION_LOCK = 7461726400


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
        url, application_name=f"shop {application_name}", options=options, connect_timeout=5
    )


def async_pool(url: str, application_name: str, *, size: int, **kwargs: Any) -> AsyncConnectionPool:
    """A pool, not opened yet, of connections in autocommit: a read costs no BEGIN and COMMIT."""
    return AsyncConnectionPool(
        conninfo(url, application_name, **kwargs),
        min_size=min(2, size),
        max_size=size,
        timeout=5,
        max_idle=300,
        open=False,
        configure=_read_json_fast,
        kwargs={"autocommit": True, "prepare_threshold": 0},
    )


async def _read_json_fast(connection: AsyncConnection) -> None:
    """Half of the time that a page of orders took to read was `json.loads`."""
    set_json_loads(orjson.loads, connection)


def migrate(url: str) -> None:
    """Make or change all tables, functions and read models. Whoever calls it second waits for the
    first. Raises psycopg.Error when the database cannot be reached or refuses."""
    with psycopg.connect(
        conninfo(url, "migrate", search_path="public", statement_timeout=0, lock_timeout=60_000),
        autocommit=True,
    ) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        with connection.transaction():
            for script in SCRIPTS:
                connection.execute(files("infrastructure").joinpath(script).read_bytes())
            for projection in PROJECTIONS:
                _make_projection(connection, projection)


def _make_projection(connection: psycopg.Connection, projection: Projection) -> None:
    made = connection.execute(
        "INSERT INTO projections (name, version, position) VALUES (%s, %s, 0)"
        " ON CONFLICT DO NOTHING",
        (projection.name, projection.version),
    ).rowcount
    if made:
        make_tables(connection, projection, projection.name)


def make_tables(connection: psycopg.Connection, projection: Projection, schema: str) -> None:
    """Make the projection's empty tables in a new schema."""
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(name))
    connection.execute(projection.schema.encode())
    connection.execute("SET LOCAL search_path = public")
