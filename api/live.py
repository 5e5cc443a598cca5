"""Rows for subscribers: who is woken by the same change shares one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from strawberry.dataloader import DataLoader

from projections.accounts import AccountRow, accounts_by_ids
from projections.executions import ExecutionRow, executions_by_ids
from projections.products import ProductRow, products_by_ids

Row = TypeVar("Row")
Query = Callable[[AsyncConnection[TupleRow], Sequence[UUID]], Awaitable[list[Row]]]


class _Shared(DataLoader[UUID, Row | None]):
    """One for many who wait: that one of them goes is nothing to the others.

    The library never sends a batch whose only waiter was cancelled before it was sent, and lets all
    who come later join it. Here no batch learns of it.
    """

    def load(self, key: UUID) -> Awaitable[Row | None]:
        return asyncio.shield(super().load(key))


class LiveRows:
    """One a process. Each loads by id, anew at every call."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self.executions: DataLoader[UUID, ExecutionRow | None] = self._rows(
            executions_by_ids, lambda row: row.execution_id
        )
        self.accounts: DataLoader[UUID, AccountRow | None] = self._rows(
            accounts_by_ids, lambda row: row.account_id
        )
        self.products: DataLoader[UUID, ProductRow | None] = self._rows(
            products_by_ids, lambda row: row.product_id
        )

    def _rows(self, query: Query[Row], key: Callable[[Row], UUID]) -> DataLoader[UUID, Row | None]:
        async def load(ids: list[UUID]) -> list[Row | None]:
            async with self._pool.connection() as connection:
                rows = {key(row): row for row in await query(connection, list(set(ids)))}
            return [rows.get(wanted) for wanted in ids]

        return _Shared(load, cache=False)
