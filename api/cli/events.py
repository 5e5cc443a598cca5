"""`shop events`: looking into the log, and moving it."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.cli import times
from api.cli.help import App
from api.cli.terminal import (
    Advance,
    AsJson,
    event_object,
    faint,
    open_shop,
    progress,
    say,
    say_json,
    say_json_object,
    say_table,
    short,
    shown,
    strong,
)
from api.startup import check_facts
from infrastructure.errors import NotThere
from infrastructure.event_store.codec import EVENT_TYPES
from infrastructure.event_store.query import (
    EventFilter,
    StoredEvent,
    head_of,
    read_events,
    tail_events,
)
from infrastructure.operations.catalog import catalog
from infrastructure.operations.transfer import Seal, check_file, export, export_to, import_log
from infrastructure.read_models.rebuild import Progress
from infrastructure.settings import SettingsError

app = App(help="Look into the log of all events, and move it.")


def _types(names: list[str] | None) -> tuple[str, ...]:
    """The types by their names, in any case. Raises typer.BadParameter."""
    known = {name.lower(): name for name in EVENT_TYPES}
    for name in names or ():
        if name.lower() not in known:
            raise typer.BadParameter(
                f"There is no event type {name!r}; `shop events catalog` lists them"
            )
    return tuple(known[name.lower()] for name in names or ())


Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="TYPE", help="Such as OrderPlaced; may be given more than once."
    ),
]
Stream = Annotated[
    UUID | None, typer.Option(help="Of this product, account or order.", metavar="ID")
]
Correlation = Annotated[
    UUID | None, typer.Option(help="Of this execution or request.", metavar="ID")
]
Actor = Annotated[UUID | None, typer.Option(help="Caused by this user.", metavar="ID")]
Since = Annotated[
    datetime | None,
    typer.Option(parser=times.since, metavar="TIME", help=f"From then on. {times.HELP}"),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=times.until, metavar="TIME", help=f"Up to then. {times.HELP}"),
]
Words = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORDS", help="With this in the data, in any case; may be given more than once."
    ),
]


@app.command(
    "list", epilog="Example: shop events list --type OrderRejected --since '2h ago' --newest"
)
def list_events(  # noqa: PLR0913  # its options
    *,
    types: Types = None,
    stream: Stream = None,
    correlation: Correlation = None,
    actor: Actor = None,
    since: Since = None,
    until: Until = None,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="After this position.")] = 0,
    words: Words = None,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="At most so many; 0 is all.")] = 50,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print events in the order in which they were recorded."""
    wanted = EventFilter(
        _types(types),
        stream,
        correlation,
        actor,
        since,
        until,
        after,
        words=tuple(words or ()),
    )
    with open_shop("events") as shop, shop.connection() as connection:
        for event in read_events(connection, wanted, newest=newest, limit=limit or None):
            _say_event(event, as_json)


@app.command(epilog="Example: shop events show 0197a3b2-6c1e-7d3f-9a53-2f1c8be1f2aa")
def show(
    stream: Annotated[UUID, typer.Argument(help="Of a product, account or order.", metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Print all events of one product, account or order."""
    with open_shop("events") as shop, shop.connection() as connection:
        found = False
        for event in read_events(connection, EventFilter(stream_id=stream)):
            found = True
            _say_event(event, as_json)
    if not found:
        raise NotThere(f"Nothing is recorded under the id {stream}")


@app.command(epilog="Example: shop events tail --type OrderCompleted --type OrderRejected")
def tail(
    *,
    types: Types = None,
    stream: Stream = None,
    correlation: Correlation = None,
    actor: Actor = None,
    words: Words = None,
    after: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Begin after this position, not with the present."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print events as they are recorded, until Ctrl-C."""
    with open_shop("events") as shop, shop.connection() as connection:
        begin = head_of(connection) if after is None else after
        wanted = EventFilter(
            _types(types), stream, correlation, actor, after=begin, words=tuple(words or ())
        )
        for event in tail_events(connection, wanted):
            if event is not None:
                _say_event(event, as_json, flush=True)


@app.command("catalog", epilog="Example: shop events catalog")
def show_catalog(as_json: AsJson = False) -> None:
    """Print every type of event: its fields, its version, how many are stored, who reads it."""
    with open_shop("events") as shop, shop.connection() as connection:
        found = catalog(connection)
    if as_json:
        for kind in found:
            say_json(kind)
        return
    say_table(
        ("TYPE", "STREAM", "VERSION", "STORED", "LAST", "READ BY", "FIELDS"),
        (
            (
                kind.type,
                kind.stream or "no class here",
                kind.version,
                kind.stored.count,
                kind.stored.last,
                ", ".join(kind.read_by),
                ", ".join(f"{name}: {of}" for name, of in kind.fields.items()),
            )
            for kind in found
        ),
    )


@app.command("export", epilog="Example: shop events export shop.jsonl")
def export_events(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file; - is the standard output.")
    ],
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file of JSON Lines, with a checksum at its end.

    What was stopped is gone on with. Users are not in the log, and so not in the file.
    """
    with (
        open_shop("events") as shop,
        shop.connection() as connection,
        progress("Exporting") as advance,
    ):
        if str(file) == "-":
            _watch(export_to(connection, sys.stdout.buffer), advance)
            return
        seal = _watch(export(connection, file), advance)
    _say_seal(seal, f"{file} holds", as_json)


@app.command("import", epilog="Example: shop events import shop.jsonl")
def import_events(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="That was exported."),
    ],
    as_json: AsJson = False,
) -> None:
    """Read an exported log into an empty shop whose workers do not run.

    What was stopped is gone on with. The read models are filled by the next worker, which also goes
    on with orders that had not ended.
    """
    with open_shop("events") as shop, shop.connection() as connection:
        seal = check_file(file)
        if seal.currency not in (None, shop.settings.currency):
            raise SettingsError(
                f"SHOP_CURRENCY is {shop.settings.currency}, but the amounts in {file} are"
                f" {seal.currency}: set SHOP_CURRENCY={seal.currency}"
            )
        check_facts(shop.settings, shop.url)
        with progress("Importing") as advance:
            for step in import_log(connection, file, seal):
                advance(step.position, step.goal)
    _say_seal(seal, "The shop now holds", as_json)


def _watch(steps: Iterator[Progress | Seal], advance: Advance) -> Seal:
    for step in steps:
        if isinstance(step, Seal):
            return step
        advance(step.position, step.goal)
    raise AssertionError("an export ends with its seal")


def _say_seal(seal: Seal, what: str, as_json: bool) -> None:
    if as_json:
        say_json(seal)
    else:
        say(f"{what} {seal.events:,} events and {seal.keys:,} idempotency keys.")
        say(f"Digest: {seal.events}:{seal.digest}")


def _say_event(event: StoredEvent, as_json: bool, *, flush: bool = False) -> None:
    if as_json:
        say_json_object(event_object(event))
    else:
        at = short(event.recorded_at) if event.recorded_at else "?" * 19
        head = f"{event.position:>9}  {at}  {strong(f'{event.type:<20}')}"
        say(f"{head} {faint(f'{event.stream_id}/{event.version}')} {shown(event.data)}")
    if flush:
        typer.get_text_stream("stdout").flush()
