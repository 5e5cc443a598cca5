"""`shop orders`, `products`, `accounts`: what they were at a moment, and how they got there."""

import re
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from api.cli import times
from api.cli.help import App
from api.cli.terminal import (
    AsJson,
    Shop,
    event_object,
    faint,
    open_shop,
    plain,
    say,
    say_json,
    say_json_object,
    short,
    shown,
    strong,
)
from infrastructure.history.as_of import AsOf, account_as_of, order_as_of, product_as_of
from infrastructure.history.fixture import fixture_lines, order_fixture
from infrastructure.history.order_history import Moment, order_history

orders = App(help="Replay orders.")
products = App(help="Replay products.")
accounts = App(help="Replay accounts.")

TIME = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}Z")  # as JSON has it

Id = Annotated[UUID, typer.Argument(metavar="ID")]
Version = Annotated[
    int | None, typer.Option(min=1, help="After its event of this number.", metavar="N")
]
At = Annotated[
    datetime | None,
    typer.Option(parser=times.until, metavar="TIME", help=f"At this moment. {times.HELP}"),
]
Diff = Annotated[
    str | None,
    typer.Option(metavar="N|TIME", help="Only what has changed up to this event or moment."),
]

AsOfQuestion = Callable[[AsyncConnection[TupleRow], AsOf], Awaitable[dict[str, Any]]]
KINDS = {"order_id": "order", "account_id": "account", "product_id": "product"}


@orders.command(epilog="Example: shop orders history 0197a3b2-6c1e-7d3f-9a53-2f1c8be1f2aa")
def history(id: Id, as_json: AsJson = False) -> None:
    """Tell the whole story of an order, over all streams, with the time that each step took."""
    with open_shop("orders") as shop:
        story = shop.ask(lambda connection: order_history(connection, id))
    for told in story:
        if as_json:
            took = None if told.took is None else told.took.total_seconds()
            say_json_object({**event_object(told.event), "took": took})
        else:
            _tell(told, id)


@orders.command("as-of", epilog="Example: shop orders as-of 0197a3b2-… --version 2 --diff 4")
def orders_as_of(
    id: Id, version: Version = None, at: At = None, diff: Diff = None, as_json: AsJson = False
) -> None:
    """Show an order with its executions as it was after an event, or at a moment."""
    from api.graphql.schema.types import Execution, Order  # noqa: PLC0415  # half a second that others save

    with open_shop("orders") as shop:
        currency = shop.currency

        async def question(connection: AsyncConnection[TupleRow], as_of: AsOf) -> dict[str, Any]:
            found = await order_as_of(connection, id, as_of)
            executions = [Execution.of(row, currency) for row in found.executions]
            order = plain(Order.of(found.order, currency))
            return {**order, "executions": plain(executions), "version": found.version}

        _answer(shop, question, _as_of(version, at), diff, as_json)


@orders.command("export", epilog="Example: shop orders export 0197a3b2-… > order.jsonl")
def orders_export(id: Id) -> None:
    """Print one order with all that it met, made anonymous: a log for a test to load.

    A test reads it by `read_fixture` of `infrastructure.history.fixture`, and an empty shop by
    `shop events import`.
    """
    with open_shop("orders") as shop:
        fixture = shop.ask(lambda connection: order_fixture(connection, id))
    for line in fixture_lines(fixture):
        sys.stdout.write(line.decode())


@products.command("as-of", epilog="Example: shop products as-of 0197a3b2-… --at yesterday")
def products_as_of(
    id: Id, version: Version = None, at: At = None, diff: Diff = None, as_json: AsJson = False
) -> None:
    """Show a product with its price and stock as it was after an event, or at a moment."""
    from api.graphql.schema.products import Product, Stock  # noqa: PLC0415  # as above

    with open_shop("products") as shop:
        currency = shop.currency

        async def question(connection: AsyncConnection[TupleRow], as_of: AsOf) -> dict[str, Any]:
            found = await product_as_of(connection, id, as_of)
            row = found.product
            product = plain(Product.of(row, currency))
            product.pop("row")
            stock = Stock(on_hand=row.on_hand, reserved=row.reserved, available=row.available)
            return {**product, "stock": plain(stock), "version": found.version}

        _answer(shop, question, _as_of(version, at), diff, as_json)


@accounts.command("as-of", epilog="Example: shop accounts as-of 0197a3b2-… --at 'last friday'")
def accounts_as_of(
    id: Annotated[UUID, typer.Argument(metavar="ID", help="Of the account, or of its owner.")],
    version: Version = None,
    at: At = None,
    diff: Diff = None,
    as_json: AsJson = False,
) -> None:
    """Show an account with its balance as it was after an event, or at a moment."""
    from api.graphql.schema.types import Account  # noqa: PLC0415  # as above

    with open_shop("accounts") as shop:
        currency = shop.currency

        async def question(connection: AsyncConnection[TupleRow], as_of: AsOf) -> dict[str, Any]:
            found = await account_as_of(connection, await _account_of(connection, id), as_of)
            account = plain(Account.of(found.account, currency))
            return {**account, "ownerId": str(found.account.owner_id), "version": found.version}

        _answer(shop, question, _as_of(version, at), diff, as_json)


async def _account_of(connection: AsyncConnection[TupleRow], id: UUID) -> UUID:
    """The account itself, or the one that `id` owns."""
    cursor = await connection.execute("SELECT account_id FROM accounts WHERE owner_id = %s", (id,))
    row = await cursor.fetchone()
    return row[0] if row else id


def _as_of(version: int | None, at: datetime | None) -> AsOf:
    if version is not None and at is not None:
        raise typer.BadParameter("Give one of --version and --at")
    return AsOf(version, at)


def _answer(
    shop: Shop, question: AsOfQuestion, as_of: AsOf, diff: str | None, as_json: bool
) -> None:
    before = shop.ask(lambda connection: question(connection, as_of))
    if diff is None:
        if as_json:
            say_json(before)
        else:
            for path, value in _leaves(before).items():
                say(f"{strong(path)}:", _short_time(value))
        return
    later = AsOf(version=int(diff)) if diff.isdecimal() else AsOf(at=times.until(diff))
    after = shop.ask(lambda connection: question(connection, later))
    old, new = _leaves(before), _leaves(after)
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            if as_json:
                say_json({"path": path, "before": old.get(path), "after": new.get(path)})
            else:
                was, then = _short_time(old.get(path)), _short_time(new.get(path))
                say(f"{strong(path)}:", was, "→", then)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """What is in it that is no list or object, by its path, such as `items[0].quantity`."""
    if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
        return {path: f"{value['amount']} {value['currency']}"}
    if isinstance(value, dict) and "executionName" in value:
        words = (value["at"], value["type"], value["productId"])
        return {path: " ".join(word for word in words if word)}
    if isinstance(value, dict):
        inner = ((f"{path}.{key}" if path else key, found) for key, found in value.items())
    elif isinstance(value, list):
        inner = ((f"{path}[{number}]", found) for number, found in enumerate(value))
    else:
        return {path: value}
    return {leaf: found for at, part in inner for leaf, found in _leaves(part, at).items()}


def _short_time(value: object) -> str:
    """A value for people: a time at its beginning is without microseconds."""
    return TIME.sub(r"\1 \2", shown(value))


def _tell(told: Moment, order_id: UUID) -> None:
    event = told.event
    at = short(event.recorded_at) if event.recorded_at else "?" * 19
    took = "" if told.took is None else f"+{_short(told.took)}"
    details = {
        key: value
        for key, value in (event.data if isinstance(event.data, dict) else {}).items()
        if key not in KINDS or (key != "order_id" and event.type.startswith("Stock"))
    }
    place = "" if event.stream_id == order_id else faint(f" {event.stream_id}/{event.version}")
    say(f"{at}  {took:>9}  {strong(f'{event.type:<19}')} {shown(details)}{place}")


def _short(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    if abs(seconds) < 1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s" if abs(seconds) < 60 else str(timedelta(seconds=round(seconds)))
