"""The products as they are now: what the shop window shows and what administrators count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row

from domain.events import (
    ProductChanged,
    ProductDiscontinued,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    StockAdjusted,
    StockReserved,
    StockReturned,
)
from domain.message import message
from domain.recorded import Recorded
from projections.projection import Followed, Projection, Statement, Table, statement
from projections.search import fold, grams_of
from projections.window import Window

SCHEMA: LiteralString = """
CREATE TABLE products (
    product_id uuid PRIMARY KEY,
    name text NOT NULL,
    image_url text NOT NULL,
    price bigint NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    discontinued boolean NOT NULL,
    created_at timestamptz NOT NULL,
    created_position bigint NOT NULL UNIQUE,
    position bigint NOT NULL
);
CREATE INDEX ON products (position);

-- What products are searched by. Not in `products`, of which every order makes new rows: an index
-- of so many entries a row would make them dear. No extension and no locale is asked what a letter
-- is.
CREATE TABLE product_names (
    product_id uuid PRIMARY KEY,
    created_position bigint NOT NULL UNIQUE,
    folded text COLLATE "C" NOT NULL
);
CREATE INDEX ON product_names USING gin (grams(folded));
"""

_INSERT: LiteralString = """
INSERT INTO products (product_id, name, image_url, price, on_hand, reserved, discontinued,
    created_at, created_position, position)
SELECT * FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[],
    %b::boolean[], %b::timestamptz[], %b::bigint[], %b::bigint[])
"""

_UPDATE: LiteralString = """
UPDATE products SET
    name = coalesce(change.name, products.name),
    image_url = coalesce(change.image_url, products.image_url),
    price = coalesce(change.price, products.price),
    on_hand = products.on_hand + change.on_hand,
    reserved = products.reserved + change.reserved,
    discontinued = products.discontinued OR change.discontinued,
    position = greatest(products.position, change.position)
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[],
    %b::boolean[], %b::bigint[])
    AS change (product_id, name, image_url, price, on_hand, reserved, discontinued, position)
WHERE products.product_id = change.product_id
"""

_INSERT_NAME: LiteralString = """
INSERT INTO product_names (product_id, created_position, folded)
SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::text[])
"""

_UPDATE_NAME: LiteralString = """
UPDATE product_names SET folded = change.folded
FROM unnest(%b::uuid[], %b::text[]) AS change (product_id, folded)
WHERE product_names.product_id = change.product_id AND product_names.folded <> change.folded
"""


@dataclass(slots=True)
class _Change:
    """What a batch does to a product: a new one from nothing, or the difference to its row."""

    listed: Recorded | None = None
    name: str | None = None
    image_url: str | None = None
    price: int | None = None
    on_hand: int = 0
    reserved: int = 0
    discontinued: bool = False
    position: int = 0


def apply(events: Sequence[Recorded]) -> list[Statement]:
    """The rows that `events` add and change."""
    changes: dict[UUID, _Change] = {}
    for recorded in events:
        if type(recorded.event) in PROJECTION.events:
            change = changes.get(recorded.stream_id)
            if change is None:
                change = changes[recorded.stream_id] = _Change()
            _fold(change, recorded)
    return (
        statement(_INSERT, _added(changes))
        + statement(_INSERT_NAME, _named(changes))
        + statement(_UPDATE, _changed(changes))
        + statement(_UPDATE_NAME, _renamed(changes))
    )


def _fold(change: _Change, recorded: Recorded) -> None:
    change.position = recorded.position
    match recorded.event:
        case StockReserved() as event:
            change.reserved += event.quantity
        case ReservationShipped() as event:
            change.on_hand -= event.quantity
            change.reserved -= event.quantity
        case ReservationReleased() as event:
            change.reserved -= event.quantity
        case StockAdjusted() as event:
            change.on_hand += event.by
        case StockReturned() as event:
            change.on_hand += event.quantity
        case ProductListed() as event:
            change.listed = recorded
            change.name, change.image_url, change.price = event.name, event.image_url, event.price
            change.on_hand = event.quantity
        case ProductChanged() as event:
            change.name, change.image_url, change.price = event.name, event.image_url, event.price
        case ProductDiscontinued():
            change.discontinued = True
        case _:
            pass


def _added(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for product_id, change in changes.items():
        if change.listed is not None:
            yield (
                product_id,
                change.name,
                change.image_url,
                change.price,
                change.on_hand,
                change.reserved,
                change.discontinued,
                change.listed.recorded_at,
                change.listed.position,
                change.position,
            )


def _changed(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for product_id, change in changes.items():
        if change.listed is None:
            yield (
                product_id,
                change.name,
                change.image_url,
                change.price,
                change.on_hand,
                change.reserved,
                change.discontinued,
                change.position,
            )


def _named(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for product_id, change in changes.items():
        if change.listed is not None and change.name is not None:
            yield product_id, change.listed.position, fold(change.name)


def _renamed(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for product_id, change in changes.items():
        if change.listed is None and change.name is not None:
            yield product_id, fold(change.name)


PROJECTION = Projection(
    name="products",
    version=2,
    schema=SCHEMA,
    tables=(Table("products", ("product_id",)), Table("product_names", ("product_id",))),
    events=frozenset(
        {
            ProductListed,
            ProductChanged,
            ProductDiscontinued,
            StockAdjusted,
            StockReserved,
            ReservationReleased,
            ReservationShipped,
            StockReturned,
        }
    ),
    apply=apply,
    followed=Followed(
        "product",
        "products",
        "product_id",
        ("name", "image_url", "price", "on_hand", "reserved", "discontinued"),
    ),
)


@message
class ProductRow:
    """`price` in minor units; `position` is that of the last event that changed the product."""

    product_id: UUID
    name: str
    image_url: str
    price: int
    on_hand: int
    reserved: int
    discontinued: bool
    created_at: datetime
    created_position: int
    position: int

    @property
    def available(self) -> int:
        """What can be ordered now."""
        return 0 if self.discontinued else self.on_hand - self.reserved


@message
class ProductFilter:
    """What is None does not matter; `search` is a part of the name, however it is written."""

    ids: tuple[UUID, ...] | None = None
    search: str | None = None
    in_stock: bool | None = None


_SELECT: LiteralString = """SELECT product_id, name, image_url, price, on_hand, reserved,
    discontinued, created_at, created_position, position FROM products"""
# Of what is searched for more are not counted: that would take the longer the more there are.
MOST_COUNTED = 10_000


async def products_by_ids(
    connection: AsyncConnection[TupleRow], ids: Sequence[UUID]
) -> list[ProductRow]:
    """Those that there are, in any order."""
    async with connection.cursor(row_factory=args_row(ProductRow), binary=True) as cursor:
        await cursor.execute(_SELECT + " WHERE product_id = ANY(%b::uuid[])", (list(ids),))
        return await cursor.fetchall()


async def products_page(
    connection: AsyncConnection[TupleRow], filter: ProductFilter, window: Window
) -> list[ProductRow]:
    """Those of the window, by the positions at which they were listed."""
    end, bounds = window.rows("created_position")
    condition, values = _condition(filter, end, bounds)
    async with connection.cursor(row_factory=args_row(ProductRow), binary=True) as cursor:
        await cursor.execute(
            _SELECT + condition + end, (*values, *bounds), prepare=_prepared(filter)
        )
        return await cursor.fetchall()


async def count_products(connection: AsyncConnection[TupleRow], filter: ProductFilter) -> int:
    """How many there are in all; where they are searched for, MOST_COUNTED at the most."""
    condition, values = _condition(filter, "", [])
    query: LiteralString = "SELECT count(*) FROM products" + condition
    if filter.search is not None:
        query = "SELECT count(*) FROM (SELECT FROM products" + condition + " LIMIT %b) AS found"
        values.append(MOST_COUNTED)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, values, prepare=_prepared(filter))
        row = await cursor.fetchone()
        return row[0] if row else 0


def _prepared(filter: ProductFilter) -> bool | None:
    """A plan for every search would be one for none: few products have one name, and many another.
    The others are prepared as the connection has it."""
    return None if filter.search is None else False


def _condition(
    filter: ProductFilter, end: LiteralString, bounds: list[object]
) -> tuple[LiteralString, list[object]]:
    """The WHERE of a statement whose `end` has these parameters, `bounds`, of its own."""
    condition: LiteralString = " WHERE true"
    values: list[object] = []
    if filter.ids is not None:
        condition += " AND product_id = ANY(%b::uuid[])"
        values.append(list(filter.ids))
    if filter.in_stock is not None:
        condition += " AND (NOT discontinued AND on_hand > reserved) = %b"
        values.append(filter.in_stock)
    folded = fold(filter.search or "")
    if filter.search and not folded and not filter.search.isspace():
        condition += " AND false"  # nothing that could be seen in a name
    if folded:
        # Nothing else decides: then no more names are looked up than the page has products.
        alone = not values
        condition += (
            " AND product_id IN (SELECT product_id FROM product_names"
            " WHERE grams(folded) @> %b::text[] AND strpos(folded, %b) > 0"
            + (end if alone else "")
            + ")"
        )
        values += [grams_of(folded), folded, *(bounds if alone else ())]
    return condition, values
