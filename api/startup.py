"""What must be there before a process can start: a port to listen on, and a database."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from infrastructure.observability.logs import configure_logs
from infrastructure.operations.facts import OtherCurrency, agree_on_currency
from infrastructure.postgres.connections import tool_connection
from infrastructure.postgres.embedded import EmbeddedPostgres, running_url
from infrastructure.postgres.requirements import (
    check_before_migrating,
    check_before_working,
    check_replica,
    check_tables,
)
from infrastructure.settings import Settings, SettingsError, load_settings, unknown_settings

log = structlog.get_logger()

BACKLOG = 2048  # connections that wait to be accepted


class StartError(Exception):
    """The shop cannot start; the message is one line for the operator."""


class Unreachable(StartError):
    """The database cannot be reached; the same command may work in a moment."""


def begin(process: str, *, child: bool = False) -> Settings:
    """The settings of a process that begins, whose logs are then as they say; `child` is one that
    another process of the shop has started. Raises SettingsError."""
    settings = load_settings()
    configure_logs(process, settings.log_level, settings.log_format)
    if not child:  # the other has said it
        for complaint in unknown_settings(os.environ):
            log.warning(complaint)
    return settings


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
        migrate_database(settings, url)
        yield url


def migrate_database(settings: Settings, url: str) -> None:
    """Make or change the tables. Raises StartError where the database cannot be reached, Unsuitable
    where it will not do, NewerDatabase where a newer release has changed it, and SettingsError
    where its amounts are in another currency."""
    from infrastructure.operations.migrate import migrate  # noqa: PLC0415  # most do without

    with _explained():
        check_before_migrating(url)
        migrate(url)
        check_facts(settings, url)


def check_database(settings: Settings, url: str) -> None:
    """Look whether the shop can work on the database, and read from the replica where there is one.

    Raises StartError where the database cannot be reached, Unsuitable where one will not do, and
    SettingsError where its amounts are in another currency.
    """
    with _explained():
        check_before_working(url)
        check_facts(settings, url)
    if settings.read_database_url is not None:
        try:
            check_replica(settings.read_database_url.get_secret_value())
        except psycopg.OperationalError as error:  # it may come later; orders can be placed
            log.warning("the replica cannot be reached", error=str(error).strip())


def check_facts(settings: Settings, url: str) -> None:
    """Raises SettingsError where the amounts in the database are in another currency."""
    with tool_connection(url, "start") as connection:
        try:
            agree_on_currency(connection, settings.currency)
        except OtherCurrency as error:
            raise SettingsError(str(error)) from None
        except psycopg.errors.UndefinedTable:
            raise StartError("The tables are those of an older release: run `shop migrate`") from (
                None
            )


def check_readable(url: str) -> None:
    """Raises StartError where the database cannot be reached, Unsuitable where it has no tables."""
    with _explained():
        check_tables(url)


def check_documents(settings: Settings) -> None:
    """Raises SettingsError where SHOP_DOCUMENTS names a file that cannot be used."""
    if settings.documents is None:
        return
    from api.graphql.execution.documents import NoManifest, manifest_of  # noqa: PLC0415  # slow
    from api.graphql.execution.engine import Engine  # noqa: PLC0415
    from api.graphql.schema.build import build_schema  # noqa: PLC0415

    try:
        Engine(build_schema(), introspection=True, manifest=manifest_of(settings))
    except NoManifest as error:
        raise SettingsError(f"SHOP_DOCUMENTS: {str(settings.documents)!r} {error}") from None


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise Unreachable(unreachable(error)) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise StartError(forbidden(error)) from error


def unreachable(error: psycopg.OperationalError | PoolTimeout) -> str:
    """One line on why the database cannot be reached: the server's or the system's last word."""
    said = [
        line for line in str(error).splitlines() if not line.startswith("\t")
    ]  # "Is the server…"
    return f"The database cannot be reached: {said[-1] if said else type(error).__name__}"


def forbidden(error: psycopg.errors.InsufficientPrivilege) -> str:
    """One line on what the role may not do."""
    said = error.diag.message_primary or str(error)
    return f"The role in SHOP_DATABASE_URL lacks rights: {said} (docs/your-own-postgres.md)"
