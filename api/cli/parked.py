"""`shop parked`: events that could not be processed."""

from typing import Annotated

import typer

from api.cli.help import App
from api.cli.terminal import (
    AsJson,
    By,
    Yes,
    actor,
    confirm,
    open_shop,
    plain,
    say,
    say_json,
    say_table,
    shown,
    strong,
)
from infrastructure.consumers.parked import ParkedEvent, drop, parked_event, parked_events, retry
from infrastructure.event_store.query import EventFilter, read_events
from infrastructure.text import escaped_lines

app = App(help="Mend work that could not be done.")

Consumer = Annotated[
    str, typer.Argument(metavar="CONSUMER", help="Such as process-manager or projector:orders.")
]
Position = Annotated[int, typer.Argument(min=1, metavar="POSITION")]


@app.command("list", epilog="Example: shop parked list --consumer projector:orders")
def list_parked(
    consumer: Annotated[str | None, typer.Option(help="Of this consumer only.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that only wait behind another one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the events that a consumer could not process."""
    with open_shop("parked") as shop, shop.connection() as connection:
        found = parked_events(connection, consumer, waiting=everything)
    if as_json:
        for parked in found:
            say_json(parked)
        return
    if not found:
        say("Nothing is parked.")
        return
    say_table(
        ("CONSUMER", "POSITION", "TYPE", "BELONGS TO", "TRIES", "WAITING", "PARKED", "ERROR"),
        (
            (
                p.consumer,
                p.position,
                p.type,
                p.belongs_to,
                p.attempts,
                p.waiting,
                p.parked_at,
                _first_line(p.error),
            )
            for p in found
        ),
    )


def _first_line(error: str | None) -> str:
    return (error or "waits").partition("\n")[0]


@app.command(epilog="Example: shop parked show projector:orders 4711")
def show(consumer: Consumer, position: Position, as_json: AsJson = False) -> None:
    """Print a parked event with its error and its data."""
    with open_shop("parked") as shop, shop.connection() as connection:
        parked = parked_event(connection, consumer, position)
        only = EventFilter(after=position - 1, up_to=position)
        event = next(read_events(connection, only), None)
    if as_json:
        say_json({**plain(parked), "event": plain(event)})
        return
    for name, value in plain(parked).items():
        if name != "error" and value is not None:
            say(f"{strong(name)}:", shown(value))
    if event is not None:
        say(f"{strong('data')}:", shown(event.data))
    if parked.error is not None:
        say(f"{strong('error')}:", escaped_lines(parked.error))


@app.command("retry", epilog="Example: shop parked retry projector:orders 4711")
def retry_parked(
    consumer: Annotated[str | None, typer.Argument(metavar="[CONSUMER]")] = None,
    position: Annotated[int | None, typer.Argument(min=1, metavar="[POSITION]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is parked.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why it should now work.")] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let the consumer try an event again, with all that waits behind it."""
    with open_shop("parked") as shop, shop.connection() as connection:
        if position is not None and consumer is not None:
            chosen = [parked_event(connection, consumer, position)]
        elif everything:
            chosen = [p for p in parked_events(connection, consumer) if "/" not in p.consumer]
        else:
            raise typer.BadParameter("Give a consumer and a position, or --all")
        retry(connection, chosen, actor(by), reason)
    _said(chosen, "tried again by the next worker that looks, within a second or two", as_json)


@app.command("drop", epilog="Example: shop parked drop projector:orders 4711 --reason 'A test'")
def drop_parked(
    consumer: Consumer,
    position: Position,
    reason: Annotated[str, typer.Option(help="Why it need not be processed.")],
    by: By = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Decide that a consumer never processes an event; what waits behind it goes on without it.

    It stays in the log, and in the table `dropped_events`. A read model is then what the log says
    without it, also for `verify` and `rebuild`. An execution goes on as if it had not happened, and
    is given up when its time is over: look at it with `shop executions show`.
    """
    if not reason.strip():
        raise typer.BadParameter("A reason is needed")
    with open_shop("parked") as shop, shop.connection() as connection:
        parked = parked_event(connection, consumer, position)
        confirm(f"Never let {consumer} process the {parked.type} at position {position}?", yes)
        drop(connection, parked, actor(by), reason)
    _said([parked], "dropped", as_json)


def _said(chosen: list[ParkedEvent], what: str, as_json: bool) -> None:
    for parked in chosen:
        if as_json:
            say_json(parked)
        else:
            say(f"{parked.consumer} {parked.position}: {what}.")
    if not chosen and not as_json:
        say("Nothing is parked.")
