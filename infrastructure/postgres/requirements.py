"""What the shop needs of its PostgreSQL, looked at before anything works on it.

Each refusal is one line that names the cure; docs/your-own-postgres.md tells the rest.
"""

import re
from collections.abc import Mapping
from secrets import randbits
from typing import LiteralString

import psycopg
import structlog
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from infrastructure.errors import InfrastructureError
from infrastructure.postgres import locks, patience
from infrastructure.postgres.connections import conninfo, session_settings
from infrastructure.postgres.servers import places_of
from projections import PROJECTIONS

log = structlog.get_logger()

OLDEST = 16  # the first major version with `pg_input_is_valid`, which `event_log` asks
NEEDED = f"the shop needs {OLDEST} or newer"
HEARD_WITHIN = 5.0  # seconds in which a notification of our own must come back
SCHEMAS = [projection.name for projection in PROJECTIONS]
PAGE = "docs/your-own-postgres.md"
PAST_THE_POOLER = (
    "connect to PostgreSQL itself, or to a pooler in session mode that passes start-up options on"
    f" ({PAGE})"
)

SETTINGS: LiteralString = "SELECT lower(name), setting FROM pg_settings WHERE lower(name) = ANY(%s)"
FORGETFUL: LiteralString = (
    "SELECT name FROM pg_settings WHERE setting = 'off'"
    " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)
TAKES_WRITES: LiteralString = "SELECT current_setting('transaction_read_only') = 'off'"
# What a role lacks to make and change tables: what would have to be granted to it.
LACKS_TO_MIGRATE: LiteralString = """
SELECT 'CREATE ON DATABASE ' || quote_ident(current_database())
WHERE NOT has_database_privilege(current_database(), 'CREATE')
UNION ALL SELECT 'USAGE, CREATE ON SCHEMA public' FROM pg_namespace WHERE nspname = 'public'
AND NOT (has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE'))
UNION ALL SELECT quote_ident(pg_get_userbyid(owner)) FROM (
    SELECT relowner AS owner FROM pg_class WHERE relname = 'stored_events'
    AND relnamespace = to_regnamespace('public')
    UNION SELECT nspowner FROM pg_namespace WHERE nspname = ANY(%(schemas)s)
) AS owners WHERE NOT pg_has_role(owner, 'USAGE')
"""
# Tables in `public` where the shop's are not: another application's, whose names may be ours too.
STRANGERS: LiteralString = """
SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm')
AND c.relnamespace = to_regnamespace('public')
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
AND NOT EXISTS (SELECT FROM pg_class e WHERE e.relname = 'stored_events'
    AND e.relnamespace = c.relnamespace)
UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = ANY(%(schemas)s)
AND NOT EXISTS (SELECT FROM pg_class e WHERE e.relname = 'stored_events'
    AND e.relnamespace = to_regnamespace('public'))
ORDER BY 1
"""
# What a role lacks to work. The tables in `public` that belong to whom the log does are the shop's.
# Events and keys are only ever added.
LACKS_TO_WORK: LiteralString = """
WITH tables AS (
    SELECT c.oid, c.relname, c.relkind, n.oid AS schema, n.nspname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v') AND (n.nspname = ANY(%(schemas)s) OR n.nspname = 'public'
        AND c.relowner = (SELECT relowner FROM pg_class
            WHERE relname = 'stored_events' AND relnamespace = n.oid))
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
), needed AS (
    SELECT tables.*, r AS right_to FROM tables, unnest(CASE
        WHEN relkind = 'v' THEN ARRAY['SELECT']
        WHEN relname IN ('stored_events', 'idempotency_keys') THEN ARRAY['SELECT', 'INSERT']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS r
)
SELECT 'USAGE ON SCHEMA ' || string_agg(DISTINCT quote_ident(nspname), ', ')
FROM tables WHERE NOT has_schema_privilege(schema, 'USAGE') HAVING count(*) > 0
UNION ALL SELECT rights || ' ON ' || string_agg(name, ', ' ORDER BY name) FROM (
    SELECT quote_ident(nspname) || '.' || quote_ident(relname) AS name,
        string_agg(right_to, ', ') AS rights
    FROM needed WHERE NOT has_table_privilege(oid, right_to) GROUP BY 1
) AS lacking GROUP BY rights
UNION ALL SELECT 'EXECUTE ON FUNCTION ' || string_agg(oid::regprocedure::text, ', ')
FROM pg_proc WHERE pronamespace = to_regnamespace('public')
AND proname IN ('append_events', 'fence') AND NOT has_function_privilege(oid, 'EXECUTE')
HAVING count(*) > 0
"""
HAS_TABLES: LiteralString = (
    "SELECT FROM pg_class WHERE relname = 'stored_events'"
    " AND relnamespace = to_regnamespace('public')"
)


class Unsuitable(InfrastructureError):
    """The database is there, but the shop cannot work with it."""


class NoTables(Unsuitable):
    """Nobody has migrated it."""

    def __init__(self) -> None:
        super().__init__("The database has no tables yet: run `shop migrate`")


def check_before_migrating(url: str) -> None:
    """Whether tables can be made and changed. Raises Unsuitable, or psycopg.OperationalError where
    it cannot be reached."""
    with _connected(url) as connection:
        _check_server(connection)
        _check_session(connection, url)
        _check_writable(connection)
        if connection.execute("SELECT to_regnamespace('public')").fetchone() == (None,):
            raise Unsuitable("The database has no schema public: CREATE SCHEMA public")
        _refuse_lacking(connection, LACKS_TO_MIGRATE, "make the shop's tables")
        strangers = _names(connection, STRANGERS)
        if strangers:
            raise Unsuitable(
                f"The database is another application's ({', '.join(strangers[:5])}):"
                " give the shop one of its own, with CREATE DATABASE"
            )


def check_before_working(url: str) -> None:
    """Whether the shop can work on the tables. Raises Unsuitable, or psycopg.OperationalError where
    it cannot be reached."""
    with _connected(url) as connection:
        _check_server(connection)
        _check_session(connection, url)
        _check_writable(connection)
        _check_tables(connection)
        _refuse_lacking(connection, LACKS_TO_WORK, "work on the shop's tables")
        forgetful = _names(connection, FORGETFUL)
        if forgetful:
            log.warning("what was acknowledged may be lost in a power cut", off=forgetful)


def check_tables(url: str) -> None:
    """Whether there is anything to look at. Raises NoTables, or psycopg.OperationalError where it
    cannot be reached."""
    with _connected(url) as connection:
        _check_tables(connection)


def check_replica(url: str) -> None:
    """Whether queries can be read from all that are named. Raises Unsuitable, or
    psycopg.OperationalError where one of them cannot be reached."""
    for place in places_of(url):
        try:
            with _connected(make_conninfo(place.conninfo(url), target_session_attrs="any")) as one:
                _check_server(one)
        except Unsuitable as error:
            raise Unsuitable(f"SHOP_READ_DATABASE_URL: {error}") from error


def _connected(url: str) -> Connection[TupleRow]:
    try:
        return patience.Connection.connect(
            conninfo(url, "start"), autocommit=True, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        if "unrecognized configuration parameter" in str(error):
            raise Unsuitable(f"PostgreSQL is too old: {NEEDED}") from error
        if re.search("startup parameter|command-line option", str(error)):
            raise Unsuitable(
                f"A pooler refuses the settings that the shop asks for: {PAST_THE_POOLER}"
            ) from error
        raise


def _check_server(connection: Connection[TupleRow]) -> None:
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        raise Unsuitable(f"PostgreSQL {version // 10_000} is too old: {NEEDED}")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Unsuitable(
            f"The database's encoding is {encoding}, which cannot hold every text: make one with"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    asked = {name.lower(): value for name, value in session_settings().items()}
    kept: dict[str, str] = dict(connection.execute(SETTINGS, (list(asked),)).fetchall())
    lost = [
        f"{name} is {kept.get(name) or 'empty'}" for name in asked if kept.get(name) != asked[name]
    ]
    if lost:
        raise Unsuitable(
            f"The connection has not kept what was asked for ({', '.join(lost)}), as behind a"
            f" pooler that drops start-up options: {PAST_THE_POOLER}"
        )


def _check_tables(connection: Connection[TupleRow]) -> None:
    if not connection.execute(HAS_TABLES).rowcount:
        raise NoTables


def _check_session(connection: Connection[TupleRow], url: str) -> None:
    """Whether what a session holds outlasts a transaction: a pooler in transaction mode gives each
    transaction the server's next session that is free."""
    with _connected(url) as another:
        sessions = {_session(connection) for _ in range(3)}
        with another.transaction():
            others = {_session(another)}
            sessions |= {_session(connection) for _ in range(3)}
        if len(sessions) > 1 or sessions & others or not _holds(connection, another):
            raise Unsuitable(
                "LISTEN and advisory locks do not outlast a transaction, as behind a pooler in"
                f" transaction mode: {PAST_THE_POOLER}"
            )


def _session(connection: Connection[TupleRow]) -> int:
    [(pid,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
    return int(pid)


def _holds(connection: Connection[TupleRow], another: Connection[TupleRow]) -> bool:
    key = (locks.START, randbits(31))
    channel = f"shop_start_{key[1]}"
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    connection.execute("SELECT pg_advisory_lock(%s, %s)", key)
    [(taken,)] = another.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchall()
    another.execute("SELECT pg_notify(%s, '')", (channel,))
    heard = list(connection.notifies(timeout=HEARD_WITHIN, stop_after=1))
    connection.execute("UNLISTEN *")
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)
    return bool(heard) and not taken


def _check_writable(connection: Connection[TupleRow]) -> None:
    if connection.execute(TAKES_WRITES).fetchone() != (True,):
        raise Unsuitable(
            "The database takes no writes: SHOP_DATABASE_URL must lead to the primary, and"
            " default_transaction_read_only be off"
        )


def _refuse_lacking(connection: Connection[TupleRow], query: LiteralString, to: str) -> None:
    lacking = _names(connection, query)
    if lacking:
        [(role,)] = connection.execute("SELECT quote_ident(current_user)").fetchall()
        cure = "; ".join(f"GRANT {lack} TO {role}" for lack in lacking)
        raise Unsuitable(f"The role {role} may not {to}: {cure}")


def _names(connection: Connection[TupleRow], query: LiteralString) -> list[str]:
    parameters: Mapping[str, object] = {"schemas": SCHEMAS}
    return [row[0] for row in connection.execute(query, parameters).fetchall()]
