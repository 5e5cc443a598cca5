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
)
from domain.message import message
from domain.recorded import Recorded
from projections.projection import Projection, Statement, Table, statement
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
    return statement(_INSERT, _added(changes)) + statement(_UPDATE, _changed(changes))


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


PROJECTION = Projection(
    name="products",
    version=1,
    schema=SCHEMA,
    tables=(Table("products", ("product_id",)),),
    events=frozenset(
        {
            ProductListed,
            ProductChanged,
            ProductDiscontinued,
            StockAdjusted,
            StockReserved,
            ReservationReleased,
            ReservationShipped,
        }
    ),
    apply=apply,
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
    """What is None does not matter; `search` is a part of the name, in any case."""

    ids: tuple[UUID, ...] | None = None
    search: str | None = None
    in_stock: bool | None = None


_SELECT: LiteralString = """SELECT product_id, name, image_url, price, on_hand, reserved,
    discontinued, created_at, created_position, position FROM products"""
_COUNT: LiteralString = "SELECT count(*) FROM products"


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
    condition, values = _condition(filter)
    end, bounds = window.rows("created_position")
    async with connection.cursor(row_factory=args_row(ProductRow), binary=True) as cursor:
        await cursor.execute(_SELECT + condition + end, (*values, *bounds))
        return await cursor.fetchall()


async def count_products(connection: AsyncConnection[TupleRow], filter: ProductFilter) -> int:
    """How many there are in all."""
    condition, values = _condition(filter)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_COUNT + condition, values)
        row = await cursor.fetchone()
        return row[0] if row else 0


def _condition(filter: ProductFilter) -> tuple[LiteralString, list[object]]:
    condition: LiteralString = " WHERE true"
    values: list[object] = []
    if filter.ids is not None:
        condition += " AND product_id = ANY(%b::uuid[])"
        values.append(list(filter.ids))
    if filter.search is not None:
        condition += (
            r" AND name ILIKE '%%' || regexp_replace(%b::text, '([\\%%_])', '\\\1', 'g') || '%%'"
        )
        values.append(filter.search)
    if filter.in_stock is not None:
        condition += " AND (NOT discontinued AND on_hand > reserved) = %b"
        values.append(filter.in_stock)
    return condition, values
