"""What must be there before a process can start: a port to listen on, and a database."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg_pool import PoolTimeout

from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.embedded import EmbeddedPostgres, running_url
from infrastructure.settings import Settings

BACKLOG = 2048  # connections that wait to be accepted


class StartError(Exception):
    """The shop cannot start; the message is one line for the operator."""


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that takes connections. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise StartError(
            f"Cannot listen on {host}, port {port}: {os.strerror(error.errno or 0)}."
            " SHOP_HOST and SHOP_PORT choose another"
        ) from error
    with listener:
        yield listener


def database_url(settings: Settings) -> str:
    """Where the database is that was set, or that a `shop serve` runs. Raises StartError."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    url = running_url(settings.data_dir)
    if url is None:
        raise StartError(
            f"No shop runs on the data in {settings.data_dir.absolute()}: start `shop serve`,"
            " or set SHOP_DATABASE_URL or SHOP_DATA_DIR"
        )
    return url


@contextmanager
def any_database(settings: Settings) -> Iterator[str]:
    """The URL of the database, migrated; an embedded one is started where it does not run."""
    with ExitStack() as stack:
        running = not settings.embedded or running_url(settings.data_dir)
        url = (
            database_url(settings)
            if running
            else stack.enter_context(EmbeddedPostgres(settings.data_dir)).url
        )
        migrate_database(url)
        yield url


def migrate_database(url: str) -> None:
    """Make or change the tables. Raises StartError or NewerDatabase."""
    from infrastructure.operations.migrate import migrate  # noqa: PLC0415  # most do without

    with _explained():
        migrate(url)


def check_database(url: str) -> None:
    """Raises StartError where the database cannot be reached or has no tables yet."""
    with _explained(), psycopg.connect(conninfo(url, "start")) as connection:
        found = connection.execute("SELECT to_regclass('stored_events')").fetchone()
    if found == (None,):
        raise StartError("The database has no tables yet: run `shop migrate`")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise StartError(unreachable(error)) from error


def unreachable(error: psycopg.OperationalError | PoolTimeout) -> str:
    """One line on why the database cannot be reached: the server's or the system's last word."""
    said = [
        line for line in str(error).splitlines() if not line.startswith("\t")
    ]  # "Is the server…"
    return f"The database cannot be reached: {said[-1] if said else type(error).__name__}"
