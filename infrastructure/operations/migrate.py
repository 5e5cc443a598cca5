"""Makes and changes everything that the shop keeps in PostgreSQL: schema migrations.

Tables change by numbered files, `infrastructure/<wing>/migrations/NNNN_what.sql`, in the wing that
owns the table. Each runs once, in the order of the numbers over all wings; a file that was released
is never edited. Functions and views stand in `infrastructure/<wing>/functions.sql`, which runs each
time: they are replaced, so that the file shows what is. See docs/upgrading.md.
"""

from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files
from time import monotonic

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.errors import InfrastructureError
from infrastructure.operations.shorter_log import begin_again_at_its_end
from infrastructure.postgres import locks, patience
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.read_models.rebuild import Connections, deploy
from projections import PROJECTIONS

log = structlog.get_logger()

SAY_EVERY = 5.0  # seconds
REGISTER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class NewerDatabase(InfrastructureError):
    """The database was migrated by a later release than this."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"The database was migrated by a later release ({', '.join(names)} is not known here):"
            " run that release or a newer one"
        )


@message
class Migration:
    """One numbered file."""

    number: int
    name: str
    script: bytes


def migrations() -> list[Migration]:
    """All of them, in their order."""
    found = [
        Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_bytes())
        for wing in files("infrastructure").iterdir()
        if (folder := wing.joinpath("migrations")).is_dir()
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(url: str) -> None:
    """Make or change all tables, functions and read models. Whoever calls it second waits for the
    first. Raises psycopg.Error when the database cannot be reached or refuses, and NewerDatabase.
    """
    with patience.Connection.connect(
        conninfo(url, "migrate", search_path="public", statement_timeout=0, lock_timeout=60_000),
        autocommit=True,
    ) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (locks.MIGRATION,))
        with connection.transaction():
            apply(connection)
        with tool_connection(url, "migrate") as reader:
            said = monotonic()
            for progress in deploy(Connections(reader, connection), PROJECTIONS):
                if monotonic() - said > SAY_EVERY:
                    log.info("filling a read model", **asdict(progress))
                    said = monotonic()
        if begin_again_at_its_end(connection):
            log.warning("the log was shorter than what the process manager had read of it")


def apply(connection: Connection[TupleRow]) -> None:
    """Run the migrations that have not run here, then all functions: all of it or nothing, by the
    caller's transaction. Raises NewerDatabase."""
    connection.execute(REGISTER)
    applied: dict[int, str] = dict(
        connection.execute("SELECT number, name FROM schema_migrations").fetchall()
    )
    known = migrations()
    if unknown := applied.keys() - {migration.number for migration in known}:
        raise NewerDatabase([applied[number] for number in sorted(unknown)])
    for migration in known:
        if migration.number not in applied:
            connection.execute(migration.script)
            connection.execute(
                "INSERT INTO schema_migrations (number, name) VALUES (%s, %s)",
                (migration.number, migration.name),
            )
    for script in _functions():
        connection.execute(script)


def _functions() -> Iterator[bytes]:
    for wing in sorted(files("infrastructure").iterdir(), key=lambda wing: wing.name):
        if (file := wing.joinpath("functions.sql")).is_file():
            yield file.read_bytes()
