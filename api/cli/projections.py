"""`shop projections`: rebuilding read models, and proving that they are what the log says."""

from collections.abc import Iterator
from typing import Annotated

import typer

from api.cli.help import App
from api.cli.terminal import (
    Advance,
    AsJson,
    Shop,
    Yes,
    confirm,
    open_shop,
    progress,
    say,
    say_json,
    say_table,
    shown,
    strong,
)
from infrastructure.read_models import rebuild as rebuilding
from infrastructure.read_models.rebuild import Progress
from infrastructure.read_models.status import ReadModelStatus, status
from infrastructure.read_models.verify import Compared, Difference
from infrastructure.read_models.verify import compare as comparing
from infrastructure.read_models.verify import verify as verifying
from projections import PROJECTIONS
from projections.projection import Projection

app = App(help="Rebuild and prove the read models.")
BY_NAME = {projection.name: projection for projection in PROJECTIONS}


def _projection(name: str) -> Projection:
    """Raises typer.BadParameter."""
    if name not in BY_NAME:
        raise typer.BadParameter(f"There is no read model {name!r}, only {', '.join(BY_NAME)}")
    return BY_NAME[name]


Name = Annotated[
    Projection,
    typer.Argument(parser=_projection, metavar="NAME", help=", ".join(BY_NAME)),
]
MayBeName = Annotated[
    Projection | None,
    typer.Argument(parser=_projection, metavar="[NAME]", help=f"All of {', '.join(BY_NAME)}."),
]
Limit = Annotated[
    int, typer.Option(min=0, metavar="N", help="Print at most so many rows; 0 is all.")
]


@app.command("status", epilog="Example: shop projections status")
def show_status(as_json: AsJson = False) -> None:
    """Print how far each read model is, by which code it was made, and its copies."""
    with open_shop("projections") as shop, shop.connection() as connection:
        found = status(connection)
    if as_json:
        for model in found:
            say_json(model)
        return
    say_table(
        ("NAME", "STATE", "POSITION", "LAG", "PARKED", "VERSION", "COPIES"),
        ((m.name, m.state, m.position, m.lag, m.parked, _version(m), _copies(m)) for m in found),
    )
    for model in found:
        if model.trouble is not None:
            say(f"{strong(model.name)}: {model.trouble}")


def _version(model: ReadModelStatus) -> str:
    return f"{model.version}" if model.by_this_code else f"{model.version}, of other code"


def _copies(model: ReadModelStatus) -> str:
    copies = []
    if model.next_position is not None:
        copies.append(f"next, at {model.next_position}")
    if model.previous_version is not None:
        copies.append(f"previous, version {model.previous_version}")
    return "; ".join(copies)


@app.command(epilog="Example: shop projections rebuild orders")
def rebuild(
    projection: Name,
    anew: Annotated[
        bool, typer.Option("--anew", help="From the beginning, also where one was begun.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill a copy from the log beside the live read model, and switch to it; the shop runs on.

    What was stopped goes on where it was. The copy that was live before is kept for `rollback`.
    """
    with (
        open_shop("projections") as shop,
        shop.connections() as on,
        progress(f"Rebuilding {projection.name}") as advance,
    ):
        done = _watch(rebuilding.rebuild(on, projection, anew=anew), advance)
    _said(done, "is rebuilt", as_json)


@app.command(epilog="Example: shop projections rollback orders")
def rollback(projection: Name, yes: Yes = False, as_json: AsJson = False) -> None:
    """Bring the copy that was live before up to date, and switch back to it."""
    confirm(f"Switch {projection.name} back to the earlier copy?", yes)
    with (
        open_shop("projections") as shop,
        shop.connections() as on,
        progress(f"Rolling back {projection.name}") as advance,
    ):
        done = _watch(rebuilding.roll_back(on, projection), advance)
    _said(done, "is the earlier copy again", as_json)


def _watch(steps: Iterator[Progress], advance: Advance) -> Progress:
    """Go through the steps, and answer with the last one."""
    done = None
    for done in steps:
        advance(done.position, done.goal)
    assert done is not None  # noqa: S101  # a switch is a step
    return done


def _said(done: Progress, what: str, as_json: bool) -> None:
    if as_json:
        say_json({"name": done.name, "position": done.position})
    else:
        say(f"{done.name} {what}, as of position {done.position:,}.")


@app.command(epilog="Example: shop projections verify orders")
def verify(projection: MayBeName = None, limit: Limit = 100, as_json: AsJson = False) -> None:
    """Fold the log into a scratch copy and compare it with the live rows, while the shop runs.

    Exit status 1 where a row differs.
    """
    with open_shop("projections") as shop:
        wanted = PROJECTIONS if projection is None else (projection,)
        equal = [compare_one(shop, one, limit, as_json, deployed=True) for one in wanted]
    if not all(equal):
        raise typer.Exit(1)


@app.command(epilog="Example: shop projections diff orders")
def diff(projection: Name, limit: Limit = 100, as_json: AsJson = False) -> None:
    """Show which live rows the code that is installed here would change, before it is deployed.

    Exit status 1 where there are any.
    """
    with open_shop("projections") as shop:
        if not compare_one(shop, projection, limit, as_json, deployed=False):
            raise typer.Exit(1)


def compare_one(
    shop: Shop, projection: Projection, limit: int, as_json: bool, *, deployed: bool
) -> bool:
    """Print how the read model differs from the log; whether it does not."""
    count = 0
    with (
        shop.connections() as on,
        progress(f"{'Verifying' if deployed else 'Comparing'} {projection.name}") as advance,
    ):
        for found in (verifying if deployed else comparing)(on, projection):
            match found:
                case Progress():
                    advance(found.position, found.goal)
                case Difference():
                    count += 1
                    if not limit or count <= limit:
                        _say_difference(found, as_json, "should be" if deployed else "would be")
                case Compared():
                    _say_compared(found, as_json, deployed)
                    return not (found.differences or found.only_live or found.only_log)
    raise AssertionError("a comparison ends with its result")


def _say_difference(found: Difference, as_json: bool, verb: str) -> None:
    if as_json:
        say_json(found)
        return
    row = f"{found.table} {' '.join(map(str, found.key.values()))}"
    if found.live is None:
        say(strong(row) + ":", "is missing" if verb == "should be" else "would be added")
    elif found.log is None:
        say(strong(row) + ":", f"{verb.removesuffix(' be')} not be there")
    else:
        changes = (
            f"{column} is {shown(value)}, {verb} {shown(found.log[column])}"
            for column, value in found.live.items()
        )
        say(strong(row) + ":", "; ".join(changes))


def _say_compared(found: Compared, as_json: bool, deployed: bool) -> None:
    if as_json:
        say_json(found)
        return
    rows = ", ".join(f"{count:,} {table}" for table, count in found.rows.items())
    for kind, names in (("no longer", found.only_live), ("newly", found.only_log)):
        if names:
            say(f"{found.name}: {kind} there: {', '.join(names)}")
    if found.unapplied:
        assert found.first_unapplied is not None  # noqa: S101  # there is one
        at, why = found.first_unapplied.position, found.first_unapplied.error
        say(f"{found.name}: {found.unapplied:,} events cannot be applied; {at:,}: {why}")
    if found.parked:
        say(f"{found.name}: {found.parked:,} events are parked: see `shop parked list`")
    result = (
        f"{found.differences:,} {'differ from the log' if deployed else 'would change'}"
        if found.differences
        else "all as the log says"
    )
    say(f"{found.name}: {rows}: {result}, at position {found.position:,}.")
