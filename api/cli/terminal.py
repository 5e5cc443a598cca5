"""What the commands share: the database, output for people and for programs, progress."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from getpass import getuser
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import orjson
import psycopg
import typer
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from api.startup import StartError, begin, check_readable, database_url
from infrastructure.event_store.query import StoredEvent
from infrastructure.postgres import patience
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.postgres.embedded import EmbeddedPostgres, running_url
from infrastructure.read_models.rebuild import Connections
from infrastructure.settings import Settings
from infrastructure.text import TURNS, escaped

if TYPE_CHECKING:
    from api.money import Currency

SAY_EVERY = 10.0  # seconds, where there is no terminal to draw a bar on
WIDE = 1_000  # columns: what is read by a program is not wrapped

T = TypeVar("T")
Advance = Callable[[int, int], None]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one value a line.")]
By = Annotated[
    str, typer.Option(help="Who does it; kept with what is done.", show_default="who runs this")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop whose database runs and has its tables."""

    url: str
    settings: Settings
    name: str

    @property
    def currency(self) -> "Currency":
        """What amounts are in."""
        from api.money import currency_of  # noqa: PLC0415  # a quarter of a second that most save

        return currency_of(self.settings.currency)

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """A connection in autocommit."""
        with tool_connection(self.url, self.name) as connection:
            yield connection

    @contextmanager
    def connections(self) -> Iterator[Connections]:
        """One to read and one to write."""
        with self.connection() as reader, self.connection() as writer:
            yield Connections(reader, writer)

    def ask(self, question: Callable[[AsyncConnection[TupleRow]], Awaitable[T]]) -> T:
        """The answer of a query function."""

        async def answer() -> T:
            connection = await patience.AsyncConnection.connect(
                conninfo(self.url, self.name, statement_timeout=0), autocommit=True
            )
            async with connection:
                return await question(connection)

        return asyncio.run(answer())


@contextmanager
def open_shop(name: str) -> Iterator[Shop]:
    """The shop that the settings name; its own database is started where it does not run.

    Raises StartError, SettingsError or EmbeddedError.
    """
    settings = begin(name)
    with ExitStack() as stack:
        asleep = settings.embedded and running_url(settings.data_dir) is None
        if asleep and (settings.data_dir / "postgres").exists():
            url = stack.enter_context(EmbeddedPostgres(settings.data_dir)).url
        else:
            url = database_url(settings)
        check_readable(url)
        try:
            yield Shop(url, settings, name)
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise StartError("The tables are those of an older release: run `shop migrate`") from (
                error
            )


def plain(value: object) -> Any:
    """What JSON can hold of the value; the fields of dataclasses under the names of GraphQL."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case UUID() | Decimal():
            return str(value)
        case datetime():
            return moment(value)
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.name
        case Mapping():
            return {str(key): plain(inner) for key, inner in value.items()}
        case Iterable():
            return [plain(inner) for inner in value]
        case _ if is_dataclass(value):
            found = {_camel(f.name): getattr(value, f.name) for f in fields(value)}
            # What GraphQL would have to ask for first is a method.
            return {name: plain(inner) for name, inner in found.items() if not callable(inner)}
        case _:
            return str(value)


def moment(value: datetime) -> str:
    """ISO 8601, UTC, with microseconds."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def short(value: datetime) -> str:
    """For people: UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def say_json(value: object) -> None:
    """One line on the standard output."""
    sys.stdout.write(_json(plain(value)) + "\n")


def event_object(event: StoredEvent) -> dict[str, Any]:
    """The same as `plain` makes of it, ten times as fast."""
    return {
        "position": event.position,
        "streamId": event.stream_id,
        "version": event.version,
        "type": event.type,
        "data": event.data,
        "recordedAt": event.recorded_at and moment(event.recorded_at),
        "actorId": event.actor_id,
        "correlationId": event.correlation_id,
        "causationId": event.causation_id,
    }


def say_json_object(value: dict[str, Any]) -> None:
    """One line on the standard output, of what `orjson` knows."""
    sys.stdout.write(_json(value) + "\n")


def _json(value: object) -> str:
    """On one line, with nothing in it that a terminal might obey."""
    return escaped(orjson.dumps(value).decode())


def say(*parts: str) -> None:
    """One line on the standard output, of which no part turns the direction."""
    line = " ".join(parts)
    sys.stdout.write(TURNS.sub(lambda found: escaped(found[0]), line) + "\n")


def shown(value: object) -> str:
    """A value on one line, without anything that a terminal might obey."""
    if isinstance(value, datetime):
        return short(value)
    if isinstance(value, str | UUID | Enum):
        text = value.name if isinstance(value, Enum) else str(value)
        return text if text.isprintable() else _json(text)
    return _json(plain(value))


def faint(text: str) -> str:
    """Less important, where there are colours."""
    return typer.style(text, dim=True) if sys.stdout.isatty() else text


def strong(text: str) -> str:
    """More important, where there are colours."""
    return typer.style(text, bold=True) if sys.stdout.isatty() else text


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns under headings; rows must fit into memory. Where a terminal is too narrow for them,
    each row is a block of lines: nothing is cut, ids and addresses least of all."""
    lines = [["" if cell is None else shown(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *lines, strict=True)]
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else WIDE)
    if terminal and sum(widths) + 2 * (len(widths) - 1) > console.width:
        _say_blocks(headings, lines)
        return
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for line in lines:
        table.add_row(*map(Text, line))
    console.print(table, soft_wrap=not terminal)


def _say_blocks(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    longest = max(map(len, headings))
    for number, line in enumerate(lines):
        if number:
            say()
        for heading, cell in zip(headings, line, strict=True):
            if cell:
                say(strong(f"{heading:<{longest}}"), cell)


def actor(by: str) -> str:
    """Who is meant by `--by`, or runs the command."""
    return by.strip() or getuser()


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal, and stop where the answer is no. Without a terminal, `--yes` is needed:
    raises typer.BadParameter."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is nobody to ask: add --yes")
    typer.confirm(question, abort=True, err=True)


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Draws how far something is, on the standard error, each time it is told position and goal."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(what, total=None)
            yield lambda position, goal: bar.update(task, completed=position, total=goal)
        return
    began = said = monotonic()
    first: int | None = None

    def advance(position: int, goal: int) -> None:
        nonlocal said, first
        first = position if first is None else first
        if monotonic() - said >= SAY_EVERY:
            said = monotonic()
            rate = (position - first) / (said - began)
            left = f", {(goal - position) / rate:.0f} s left" if rate else ""
            line = f"{what}: {position:,} of {goal:,} events, {rate:,.0f} a second{left}\n"
            sys.stderr.write(line)

    yield advance


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events"),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
