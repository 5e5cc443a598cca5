"""What something was at a moment: its events up to then, through the code of the read models.

A read model that is given a whole story at once inserts each row once, in its last state: so what
it would write is what the row was. Nothing is written.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from application.decider import AnyDecider
from application.deciders import ACCOUNT, DECIDER_OF_EVENT, ORDER, STOCK
from domain.message import message
from domain.recorded import Recorded
from infrastructure.errors import NotThere
from infrastructure.history.order_history import execution_rows, executions_in, read, stream_rows
from projections import accounts, orders, products
from projections.accounts import AccountRow
from projections.executions import ExecutionRow
from projections.orders import OrderRow, order_number
from projections.products import ProductRow
from projections.projection import Statement

JSON_FIELDS = frozenset({"items", "shipping_address", "receipt", "problem", "steps"})

Row = TypeVar("Row")


@message
class AsOf:
    """A moment: after the stream's event number `version`, or at a time; neither is now."""

    version: int | None = None
    at: datetime | None = None

    def admits(self, recorded: Recorded) -> bool:
        """Whether the event of the stream had happened."""
        if self.at is not None and recorded.recorded_at > self.at:
            return False
        return self.version is None or recorded.version <= self.version


@message
class OrderAsOf:
    """`version` is that of the last event of the order's stream that had happened."""

    order: OrderRow
    executions: tuple[ExecutionRow, ...]
    version: int


@message
class ProductAsOf:
    product: ProductRow
    version: int


@message
class AccountAsOf:
    account: AccountRow
    version: int


async def order_as_of(
    connection: AsyncConnection[TupleRow], order_id: UUID, as_of: AsOf
) -> OrderAsOf:
    """The order and its executions. Raises NotThere, also where it was created later."""
    rows = await stream_rows(connection, order_id)
    happened = _happened(map(read, rows), ORDER, order_id, as_of)
    version = happened[-1].version
    last = happened[-1].position
    end = last if as_of.version is not None else None
    for execution in executions_in(rows):
        if execution.first > last:
            break
        caused = map(read, await execution_rows(connection, execution))
        happened += [
            e
            for e in caused
            if (end is None or e.position <= end)
            and (as_of.at is None or e.recorded_at <= as_of.at)
        ]
    happened.sort(key=lambda recorded: recorded.position)
    statements = orders.PROJECTION.apply(happened)
    number = await order_number(connection, order_id)
    (order,) = _inserted(statements, "orders", OrderRow, number)
    return OrderAsOf(order, tuple(_inserted(statements, "executions", ExecutionRow)), version)


async def product_as_of(
    connection: AsyncConnection[TupleRow], product_id: UUID, as_of: AsOf
) -> ProductAsOf:
    """The product. Raises NotThere, also where it was listed later."""
    rows = await stream_rows(connection, product_id)
    happened = _happened(map(read, rows), STOCK, product_id, as_of)
    (product,) = _inserted(products.PROJECTION.apply(happened), "products", ProductRow)
    return ProductAsOf(product, happened[-1].version)


async def account_as_of(
    connection: AsyncConnection[TupleRow], account_id: UUID, as_of: AsOf
) -> AccountAsOf:
    """The account. Raises NotThere, also where it was opened later."""
    rows = await stream_rows(connection, account_id)
    happened = _happened(map(read, rows), ACCOUNT, account_id, as_of)
    events: list[Any] = [recorded.event for recorded in happened]  # of accounts, as was checked
    state = ACCOUNT.fold(events)
    assert state.opening is not None  # noqa: S101  # what has happened begins with it
    told = [r.position for r in happened if type(r.event) in accounts.PROJECTION.events]
    account = AccountRow(account_id, state.opening.owner_id, state.balance, told[-1])
    return AccountAsOf(account, happened[-1].version)


def _happened(
    stream: Iterable[Recorded], decider: AnyDecider, id: UUID, as_of: AsOf
) -> list[Recorded]:
    happened = []
    kind = {"Stock": "product"}.get(decider.name, decider.name.lower())
    for recorded in stream:
        if DECIDER_OF_EVENT[type(recorded.event)] is not decider:
            raise NotThere(f"There is no {kind} {id}")
        if not as_of.admits(recorded):
            break
        happened.append(recorded)
    if not happened:
        raise NotThere(f"The {kind} {id} was not there yet")
    if as_of.version is not None and happened[-1].version < as_of.version:
        raise NotThere(f"The {kind} {id} has only {happened[-1].version} events")
    return happened


def _inserted(
    statements: Sequence[Statement], table: str, row_type: type[Row], *known: object
) -> list[Row]:
    """The rows that are inserted into `table`, whose columns are the fields of `row_type`, but for
    the last ones, which are `known`."""
    names = [field.name for field in fields(row_type)]  # type: ignore[arg-type]
    return [
        row_type(
            *(
                json.loads(str(value)) if name in JSON_FIELDS and value is not None else value
                for name, value in zip(names, (*values, *known), strict=True)
            )
        )
        for statement in statements
        if f"INSERT INTO {table} " in statement.query
        for values in zip(*statement.columns, strict=True)
    ]
