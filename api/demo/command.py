"""`shop demo`."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from api.startup import begin


class Name(StrEnum):
    """What each story is called."""

    COMPLETED = "completed"
    SHORT_PRODUCT = "short-product"
    WRONG_PRICE = "wrong-price"
    LITTLE_MONEY = "little-money"
    RETRY = "retry"
    TWENTY_BUYERS = "twenty-buyers"


def demo(
    names: Annotated[
        list[Name] | None, typer.Argument(metavar="STORY", help="Which; all six if none.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="The shop's address; otherwise SHOP_HOST and SHOP_PORT.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False,
) -> None:
    """Play stories on a running shop that has demo data, as its customers would.

    Exit status 1 where one does not end as it should.
    """
    from rich.console import Console  # noqa: PLC0415  # the other commands do without these

    from api.demo.play import JsonLines, NoStage, Terminal, play  # noqa: PLC0415
    from api.demo.stories import STORIES  # noqa: PLC0415

    settings = begin("demo")
    address = url or f"http://{settings.host}:{settings.port}"
    stories = [story for story in STORIES if not names or story.name in names]
    console = Console(highlight=False)
    audience = JsonLines(console) if as_json else Terminal(console)
    try:
        ended_well = asyncio.run(play(address, stories, audience))
    except NoStage as error:
        typer.echo(f"shop: {error}", err=True)
        raise typer.Exit(1) from None
    if not ended_well:
        raise typer.Exit(1)
