"""Lists of orders: all, or a customer's own."""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.dataloaders.batching import Asked
from api.graphql.dataloaders.shared import OrdersCount, OrdersOf
from api.graphql.paging import ListOf, Page, Read
from api.graphql.schema.connections import Connection, connection_of
from api.graphql.schema.enums import OrderStatus
from api.graphql.schema.fields import selected_below
from api.graphql.schema.scalars import given
from api.money import Currency
from projections.orders import OrderRow

Node = TypeVar("Node")
Make = Callable[[OrderRow, Currency], Node]

ALL_ORDERS = ListOf("orders")
OrderStatuses = Annotated[
    list[OrderStatus] | None,
    strawberry.argument(
        description="Only orders that are in one of these states; all where it is null or left out."
    ),
]


def orders_list(customer_id: UUID) -> ListOf:
    """The list of one customer's orders."""
    return ListOf("orders", customer_id)


async def orders_of(
    info: Info,
    page: Page,
    customer_id: UUID,
    status: list[OrderStatus] | None,
    make: Make[Node],
) -> Connection[Node]:
    """A page of one customer's orders."""
    loaders, statuses = info.context.loaders, values_of(status)
    counted = OrdersCount(customer_id, statuses)
    return await orders_connection(
        info,
        page,
        lambda window: loaders.order_pages.load(OrdersOf(customer_id, statuses, window)),
        make,
        lambda: loaders.order_counts.load(counted),
    )


async def orders_connection(
    info: Info,
    page: Page,
    read: Read[OrderRow],
    make: Make[Node],
    count: Callable[[], Awaitable[int]],
) -> Connection[Node]:
    """A page of orders, with what is selected of them all already asked for at once."""
    loaders, names = info.context.loaders, selected_below(info)
    rows = await page.rows(read)
    needed: list[Asked[Any]] = []
    if "order" in names:
        loaders.orders.prime({row.order_id: row for row in rows})
    if "executions" in names:
        needed += [loaders.executions.load(row.order_id) for row in rows]
    if "customer" in names:
        needed += [loaders.users.load(row.customer_id) for row in rows]
    if "product" in names:
        needed += [
            loaders.products.load(UUID(item["product_id"])) for row in rows for item in row.items
        ]
    for asked in needed:
        await asked
    currency = info.context.currency
    return connection_of(
        page, rows, read, lambda row: row.created_position, lambda row: make(row, currency), count
    )


def values_of(members: Sequence[Enum] | None) -> tuple[str, ...] | None:
    """The members as the read models hold them; None, or an argument left out, is all."""
    members = given(members)
    return None if members is None else tuple(member.value for member in members)
