"""A PostgreSQL of the benchmarks' own: on the real disk, durable, gone when they end."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import connect, sql
from psycopg.conninfo import make_conninfo

from domain.message import message
from infrastructure.operations.migrate import migrate
from infrastructure.postgres.embedded import BINARIES, EmbeddedPostgres

# 128 clients do not fit beside the shop into its own setting; nothing else differs from it.
OPTIONS = {"max_connections": "300"}


@message
class Server:
    """Where the server listens. Everything that is measured in one run is measured on it."""

    url: str

    def empty_database(self, name: str) -> str:
        """Make the database anew, with nothing in it; the answer is its address."""
        return self._create(name, "template0")

    def shop_database(self, name: str, template: str | None = None) -> str:
        """Make the database anew, migrated or a copy of `template`; the answer is its address."""
        url = self._create(name, template or "template0")
        if template is None:
            migrate(url)
        self.checkpoint()
        return url

    def checkpoint(self) -> None:
        """Write out what is dirty, so that each measurement begins with a clean cache."""
        with connect(self.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def _create(self, name: str, template: str) -> str:
        database, source = sql.Identifier(name), sql.Identifier(template)
        with connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
            connection.execute(create.format(database, source))
        return self.database_url(name)

    def database_url(self, name: str) -> str:
        """Where that database is."""
        return make_conninfo(self.url, dbname=name)


@contextmanager
def temporary_server() -> Iterator[Server]:
    """The shop's embedded PostgreSQL, in /var/tmp: /tmp is memory on many machines, where a commit
    costs nothing."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="shop-bench-") as directory,
        EmbeddedPostgres(Path(directory), OPTIONS) as postgres,
    ):
        yield Server(postgres.url)


def pgbench() -> Path:
    """PostgreSQL's own load generator."""
    return BINARIES / "pgbench"
