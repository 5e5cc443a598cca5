"""The orders as they are now, each with its items, shipment, problem and executions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row
from pydantic import TypeAdapter

from domain.events import (
    OrderCancelled,
    OrderChanged,
    OrderCompleted,
    OrderCreated,
    OrderPlaced,
    OrderRejected,
    ShipmentPrepared,
)
from domain.message import message
from domain.recorded import Recorded
from domain.values import Address, OrderItem, ReceiptLine
from projections import executions
from projections.executions import PROBLEM
from projections.projection import Followed, Projection, Statement, Table, statement
from projections.window import Window

_ITEMS = TypeAdapter[tuple[OrderItem, ...]](tuple[OrderItem, ...])
_ADDRESS = TypeAdapter(Address)
_RECEIPT = TypeAdapter[tuple[ReceiptLine, ...]](tuple[ReceiptLine, ...])

SCHEMA: LiteralString = """
CREATE TABLE orders (
    order_id uuid PRIMARY KEY,
    -- 1, 2, 3 ... in the order of creation: what people say on the telephone.
    number bigint NOT NULL UNIQUE DEFERRABLE, -- which lets several move up at once
    customer_id uuid NOT NULL,
    account_id uuid NOT NULL,
    status text NOT NULL,
    items jsonb NOT NULL,
    shipping_address jsonb NOT NULL,
    total bigint NOT NULL,
    receipt jsonb,
    shipment_id uuid,
    shipment_prepared_at timestamptz,
    problem jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_position bigint NOT NULL UNIQUE,
    position bigint NOT NULL
) WITH (
    -- An order changes twice within a second. While its page has room, and no index has what
    -- changes, the indexes stay as they are, and dead rows go without a vacuum.
    fillfactor = 50
);
CREATE INDEX ON orders (customer_id, created_position DESC);
"""

# Numbers are what the log says. An order that could not be read until now takes its place among
# those that were created after it, and they move up, as they would in a rebuild.
_INSERT: LiteralString = """
WITH created AS (
    SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[],
        %b::bigint[], %b::text[], %b::uuid[], %b::timestamptz[], %b::text[], %b::timestamptz[],
        %b::timestamptz[], %b::bigint[], %b::bigint[])
        AS created (order_id, customer_id, account_id, status, items, shipping_address, total,
            receipt, shipment_id, shipment_prepared_at, problem, created_at, updated_at,
            created_position, position)
), moved_up AS (
    UPDATE orders SET number = number + (
        SELECT count(*) FROM created WHERE created.created_position < orders.created_position)
    WHERE created_position > (SELECT min(created_position) FROM created)
)
INSERT INTO orders (order_id, number, customer_id, account_id, status, items, shipping_address,
    total, receipt, shipment_id, shipment_prepared_at, problem, created_at, updated_at,
    created_position, position)
SELECT order_id,
    coalesce((SELECT number FROM orders WHERE created_position < created.created_position
        ORDER BY created_position DESC LIMIT 1), 0) + row_number() OVER (ORDER BY created_position),
    customer_id, account_id, status, items::jsonb, shipping_address::jsonb, total, receipt::jsonb,
    shipment_id, shipment_prepared_at, problem::jsonb, created_at, updated_at, created_position,
    position
FROM created
"""

_UPDATE: LiteralString = """
UPDATE orders SET
    status = coalesce(change.status, orders.status),
    items = coalesce(change.items::jsonb, orders.items),
    shipping_address = coalesce(change.shipping_address::jsonb, orders.shipping_address),
    total = coalesce(change.total, orders.total),
    receipt = coalesce(change.receipt::jsonb, orders.receipt),
    shipment_id = coalesce(change.shipment_id,
        CASE WHEN NOT change.restarted THEN orders.shipment_id END),
    shipment_prepared_at = coalesce(change.shipment_prepared_at,
        CASE WHEN NOT change.restarted THEN orders.shipment_prepared_at END),
    problem = coalesce(change.problem::jsonb,
        CASE WHEN NOT change.restarted THEN orders.problem END),
    updated_at = change.updated_at,
    position = greatest(orders.position, change.position)
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::uuid[],
    %b::timestamptz[], %b::text[], %b::boolean[], %b::timestamptz[], %b::bigint[])
    AS change (order_id, status, items, shipping_address, total, receipt, shipment_id,
        shipment_prepared_at, problem, restarted, updated_at, position)
WHERE orders.order_id = change.order_id
"""


@dataclass(slots=True)
class _Change:
    """What a batch does to an order; `restarted`: shipment and problem of before are void."""

    created: OrderCreated | None = None
    contents: OrderCreated | OrderChanged | None = None
    receipt: str | None = None
    created_at: datetime | None = None
    created_position: int = 0
    status: str | None = None
    shipment_id: UUID | None = None
    shipment_prepared_at: datetime | None = None
    problem: str | None = None
    restarted: bool = False
    updated_at: datetime | None = None
    position: int = 0

    def restart(self, status: str, problem: str | None) -> None:
        self.status, self.problem, self.restarted = status, problem, True
        self.shipment_id = self.shipment_prepared_at = None


def apply(events: Sequence[Recorded]) -> list[Statement]:
    """The rows of orders and executions that `events` add and change."""
    changes: dict[UUID, _Change] = {}
    runs = executions.Fold()
    for recorded in events:
        if type(recorded.event) in _ORDER_EVENTS:
            change = changes.get(recorded.stream_id)
            if change is None:
                change = changes[recorded.stream_id] = _Change()
            _fold_order(change, recorded)
        if type(recorded.event) in executions.EVENTS:
            runs.add(recorded)
    return (
        statement(_INSERT, _added(changes))
        + statement(_UPDATE, _changed(changes))
        + runs.statements()
    )


def _fold_order(change: _Change, recorded: Recorded) -> None:
    change.position, change.updated_at = recorded.position, recorded.recorded_at
    match recorded.event:
        case OrderCreated() as event:
            change.created = change.contents = event
            change.created_at = recorded.recorded_at
            change.created_position, change.status = recorded.position, "PENDING"
        case OrderChanged() as event:
            change.contents = event
        case OrderPlaced():
            change.restart("PLACED", None)
        case ShipmentPrepared() as event:
            change.shipment_id, change.shipment_prepared_at = (
                event.execution_id,
                recorded.recorded_at,
            )
        case OrderCompleted() as event:
            change.status = "COMPLETED"
            if event.receipt:
                change.receipt = _RECEIPT.dump_json(event.receipt).decode()
        case OrderRejected() as event:
            change.restart("FAILED", PROBLEM.dump_json(event.problem).decode())
        case OrderCancelled():
            change.status = "CANCELLED"
        case _:
            pass


_ORDER_EVENTS = frozenset(
    {
        OrderCreated,
        OrderChanged,
        OrderPlaced,
        ShipmentPrepared,
        OrderCompleted,
        OrderRejected,
        OrderCancelled,
    }
)


def _added(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for order_id, change in changes.items():
        created = change.created
        if created is not None:
            yield (
                order_id,
                created.customer_id,
                created.account_id,
                change.status,
                *_contents(change),
                change.receipt,
                change.shipment_id,
                change.shipment_prepared_at,
                change.problem,
                change.created_at,
                change.updated_at,
                change.created_position,
                change.position,
            )


def _changed(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for order_id, change in changes.items():
        if change.created is None:
            yield (
                order_id,
                change.status,
                *_contents(change),
                change.receipt,
                change.shipment_id,
                change.shipment_prepared_at,
                change.problem,
                change.restarted,
                change.updated_at,
                change.position,
            )


def _contents(change: _Change) -> tuple[str | None, str | None, int | None]:
    """Items, address and total, where the batch sets them."""
    contents = change.contents
    if contents is None:
        return None, None, None
    items = _ITEMS.dump_json(contents.items).decode()
    return items, _ADDRESS.dump_json(contents.shipping_address).decode(), contents.total


PROJECTION = Projection(
    name="orders",
    version=2,
    schema=SCHEMA + executions.SCHEMA,
    tables=(Table("orders", ("order_id",)), Table("executions", ("execution_id",))),
    events=_ORDER_EVENTS | executions.EVENTS,
    apply=apply,
    followed=Followed("execution", "executions", "execution_id"),
)


@message
class OrderRow:
    """`items`, `shipping_address`, `receipt` (what was delivered, once completed) and `problem`:
    the fields of `domain.values` as JSON gives them; money in minor units; `position`: of the last
    event that changed the order itself."""

    order_id: UUID
    customer_id: UUID
    account_id: UUID
    status: str
    items: list[dict[str, Any]]
    shipping_address: dict[str, Any]
    total: int
    receipt: list[dict[str, Any]] | None
    shipment_id: UUID | None
    shipment_prepared_at: datetime | None
    problem: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    created_position: int
    position: int
    number: int


_SELECT: LiteralString = """SELECT order_id, customer_id, account_id, status, items,
    shipping_address, total, receipt, shipment_id, shipment_prepared_at, problem, created_at,
    updated_at, created_position, position, number"""
_ALL: LiteralString = " FROM orders WHERE true"
_OF_CUSTOMER: LiteralString = """ FROM unnest(%b::uuid[]) AS customer (id) CROSS JOIN LATERAL (
    SELECT * FROM orders WHERE customer_id = customer.id"""
_COUNT: LiteralString = "SELECT count(*) FROM orders WHERE true"
_COUNT_BY_CUSTOMER: LiteralString = """SELECT customer_id, count(*) FROM orders
    WHERE customer_id = ANY(%b::uuid[])"""


async def orders_by_ids(
    connection: AsyncConnection[TupleRow], ids: Sequence[UUID]
) -> list[OrderRow]:
    """Those that there are, in any order."""
    query = _SELECT + " FROM orders WHERE order_id = ANY(%b::uuid[])"
    async with connection.cursor(row_factory=args_row(OrderRow), binary=True) as cursor:
        await cursor.execute(query, (list(ids),))
        return await cursor.fetchall()


async def order_number(connection: AsyncConnection[TupleRow], order_id: UUID) -> int:
    """Its number for people; 0 where the read model has no such order."""
    cursor = await connection.execute("SELECT number FROM orders WHERE order_id = %s", (order_id,))
    row = await cursor.fetchone()
    return row[0] if row else 0


async def orders_page(
    connection: AsyncConnection[TupleRow], statuses: Sequence[str] | None, window: Window
) -> list[OrderRow]:
    """Of all customers, the orders of the window, by the positions at which they were created;
    statuses of None are all."""
    condition, values = _condition(statuses)
    end, bounds = window.rows("created_position")
    async with connection.cursor(row_factory=args_row(OrderRow), binary=True) as cursor:
        await cursor.execute(_SELECT + _ALL + condition + end, (*values, *bounds))
        return await cursor.fetchall()


async def orders_pages(
    connection: AsyncConnection[TupleRow],
    customer_ids: Sequence[UUID],
    statuses: Sequence[str] | None,
    window: Window,
) -> list[OrderRow]:
    """The same of each of these customers."""
    condition, values = _condition(statuses)
    end, bounds = window.rows("created_position")
    query = _SELECT + _OF_CUSTOMER + condition + end + ") AS page"
    query += window.order("created_position")
    async with connection.cursor(row_factory=args_row(OrderRow), binary=True) as cursor:
        await cursor.execute(query, (list(customer_ids), *values, *bounds))
        return await cursor.fetchall()


async def count_orders(
    connection: AsyncConnection[TupleRow], statuses: Sequence[str] | None
) -> int:
    """How many orders there are in all."""
    condition, values = _condition(statuses)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_COUNT + condition, values)
        row = await cursor.fetchone()
        return row[0] if row else 0


async def count_orders_by_customers(
    connection: AsyncConnection[TupleRow],
    customer_ids: Sequence[UUID],
    statuses: Sequence[str] | None,
) -> dict[UUID, int]:
    """How many each customer has; a customer without any is not in the answer."""
    condition, values = _condition(statuses)
    query = _COUNT_BY_CUSTOMER + condition + " GROUP BY customer_id"
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, (list(customer_ids), *values))
        return dict(await cursor.fetchall())


def _condition(statuses: Sequence[str] | None) -> tuple[LiteralString, list[object]]:
    if statuses is None:
        return "", []
    return " AND status = ANY(%b::text[])", [list(statuses)]
