"""The command line. Exit status: 0 good, 1 failed or found something, 2 used or set up wrongly,
75 try again, 130 stopped by Ctrl+C, 141 nobody reads what is printed."""

import platform
import signal
import socket
import sys
from importlib.metadata import version
from typing import Annotated

import psycopg
import typer
from psycopg_pool import PoolTimeout
from typer._click.exceptions import UsageError  # typer exports no base of what it raises

from api import serving
from api.cli.help import App
from api.cli.streams import give_up_output
from api.cli.usage import explained
from api.demo.command import demo
from api.failures import UNAVAILABLE, failure_of
from api.serving import Work
from api.startup import StartError, Unreachable, any_database, begin, forbidden, unreachable
from infrastructure.errors import InfrastructureError
from infrastructure.identity.errors import ValidationFailed
from infrastructure.postgres.embedded import EmbeddedError
from infrastructure.runtime.proxies import spare_loopback
from infrastructure.settings import SettingsError
from infrastructure.text import escaped_lines

app = App(
    name="shop",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shop {version('shop')} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """An event-sourced shop. Every setting is an environment variable, such as SHOP_PORT."""


@app.command(epilog="Example: SHOP_PORT=8080 shop serve")
def serve(
    with_demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with demo data, and let anybody in.")
    ] = False,
) -> None:
    """Run the whole shop on this machine, with a PostgreSQL of its own unless one is set."""
    settings = begin("serve")
    if with_demo:
        from api.demo.fill import serve_demo  # noqa: PLC0415  # the others do without it

        serve_demo(settings)
    else:
        serving.serve(settings)


@app.command(epilog="Example: SHOP_DATABASE_URL=postgresql://shop@db/shop shop api")
def api(fd: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Answer GraphQL and HTTP, and nothing else."""
    settings = begin("api", child=fd is not None)
    if fd is None:
        serving.serve_api(settings)
    else:
        watched = serving.stop_when_orphaned()
        serving.run_api(settings, socket.socket(fileno=fd), watched)


@app.command(epilog="Example: SHOP_DATABASE_URL=postgresql://shop@db/shop shop worker")
def worker(only: Annotated[Work | None, typer.Option(hidden=True)] = None) -> None:
    """Run the process manager, the projector and the courier; further ones stand by."""
    settings = begin(only or "worker", child=only is not None)
    if only is None:
        serving.work(settings)
    else:
        serving.run_work(settings, only, serving.stop_when_orphaned())


@app.command(epilog="Example: SHOP_DATABASE_URL=postgresql://shop@db/shop shop migrate")
def migrate() -> None:
    """Make or change the tables; nothing happens where they are as they should be."""
    with any_database(begin("migrate")):
        typer.echo("The database is up to date.")


@app.command(epilog="Example: shop schema > schema.graphql")
def schema() -> None:
    """Print the GraphQL schema."""
    from api.graphql.schema.build import sdl  # noqa: PLC0415  # the other commands do without it

    typer.echo(sdl())


app.command(epilog="Example: shop demo --url http://127.0.0.1:8080 completed")(demo)


# What an operator can put right.
EXPLAINED = (
    UsageError,
    SettingsError,
    ValidationFailed,
    StartError,
    EmbeddedError,
    InfrastructureError,
    psycopg.OperationalError,
    psycopg.errors.InsufficientPrivilege,
    PoolTimeout,
    OSError,
)


def main() -> None:
    """Run the command line; what an operator can put right is told in one line."""
    spare_loopback()
    try:
        try:
            _check_bytes(sys.argv[1:])
            _import_commands(sys.argv[1:])
            status = app(prog_name="shop", standalone_mode=False)  # also as `python -m api.cli`
        finally:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as end:  # whoever read what we print has read enough
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):
            raise  # typer makes a plain 1 of it
        give_up_output()
        raise SystemExit(128 + signal.SIGPIPE) from None
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    except typer.Abort:  # the answer was no
        raise SystemExit(1) from None
    except EXPLAINED as error:
        reason, status = _explained(error)
        typer.echo(f"shop: {escaped_lines(reason)}", err=True)
    raise SystemExit(status if isinstance(status, int) else 0)


def _explained(error: Exception) -> tuple[str, int]:
    """What to say of it, and the exit status."""
    match error:
        case UsageError():
            return explained(error), 2
        case ValidationFailed():
            return "; ".join(f"{path}: {text}" for path, text in error.fields), 2
        case SettingsError():
            return str(error), 2
        case InfrastructureError():
            return str(error), failure_of(error).exit_status
        case psycopg.OperationalError() | PoolTimeout():
            return unreachable(error), UNAVAILABLE.exit_status
        case Unreachable():
            return str(error), UNAVAILABLE.exit_status
        case psycopg.errors.InsufficientPrivilege():
            return forbidden(error), 1
        case OSError():
            give_up_output()  # it may be what is full
            return ": ".join(str(part) for part in (error.filename, error.strerror) if part), 1
        case _:
            return str(error), 1


def _check_bytes(arguments: list[str]) -> None:
    """Raises UsageError for bytes that are no UTF-8, which only the name of a file may have."""
    if arguments[:2] in (["events", "export"], ["events", "import"]):
        return
    for argument in arguments:
        if not argument.isascii() and any("\udc80" <= char <= "\udcff" for char in argument):
            raise UsageError(f"{argument!r} is not UTF-8")


def _import_commands(arguments: list[str]) -> None:
    """What operators do needs a third of all imports: the processes of a shop start without."""
    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    if not app.registered_groups and known.isdisjoint(arguments[:1]):
        from api.cli.operators import add_commands  # noqa: PLC0415

        add_commands(app)
