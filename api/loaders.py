"""Rows by key, gathered over a whole request: one statement for all that ask at the same time."""

from asyncio import ensure_future, shield
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from strawberry.dataloader import DataLoader

from api.connections import Page
from domain.message import message
from infrastructure.users import User, Users
from projections.accounts import (
    AccountRow,
    TransactionRow,
    accounts_by_owners,
    count_transactions,
    transactions_pages,
)
from projections.executions import ExecutionRow, executions_by_orders
from projections.orders import OrderRow, count_orders_by_customers, orders_by_ids, orders_pages
from projections.products import ProductRow, products_by_ids

Row = TypeVar("Row")
Query = Callable[[AsyncConnection[TupleRow], Sequence[UUID]], Awaitable[list[Row]]]


K = TypeVar("K")
V = TypeVar("V")


class Loader(DataLoader[K, V]):
    """Loads a row once for all that ask for it. Who is cancelled, because something failed beside
    it, does not take the row from the others."""

    def load(self, key: K) -> Awaitable[V]:
        return shield(ensure_future(super().load(key)))


@message
class OrdersOf:
    """A page of one customer's orders; statuses of None are all."""

    customer_id: UUID
    statuses: tuple[str, ...] | None
    page: Page


@message
class TransactionsOf:
    """A page of one account's transactions."""

    account_id: UUID
    page: Page


class Loaders:
    """What one request reads. Each row is read once, so later changes are not seen."""

    def __init__(self, pool: AsyncConnectionPool, users: Users) -> None:
        self._pool = pool
        self._users = users

    @cached_property
    def products(self) -> Loader[UUID, ProductRow | None]:
        """By id."""
        return self._rows(products_by_ids, lambda row: row.product_id)

    @cached_property
    def orders(self) -> Loader[UUID, OrderRow | None]:
        """By id."""
        return self._rows(orders_by_ids, lambda row: row.order_id)

    @cached_property
    def accounts(self) -> Loader[UUID, AccountRow | None]:
        """By the owner's id."""
        return self._rows(accounts_by_owners, lambda row: row.owner_id)

    @cached_property
    def users(self) -> Loader[UUID, User | None]:
        """By id."""

        async def load(ids: list[UUID]) -> list[User | None]:
            found = await self._users.by_ids(ids)
            return [found.get(user_id) for user_id in ids]

        return Loader(load)

    @cached_property
    def executions(self) -> Loader[UUID, list[ExecutionRow]]:
        """All of an order, newest first, by the order's id."""

        async def load(order_ids: list[UUID]) -> list[list[ExecutionRow]]:
            async with self._pool.connection() as connection:
                rows = await executions_by_orders(connection, order_ids)
            return _grouped(order_ids, rows, lambda row: row.order_id)

        return Loader(load)

    @cached_property
    def order_pages(self) -> Loader[OrdersOf, list[OrderRow]]:
        """Newest first."""

        async def load(keys: list[OrdersOf]) -> list[list[OrderRow]]:
            pages: dict[OrdersOf, list[OrderRow]] = {}
            for (statuses, page), same in _alike(keys, lambda key: (key.statuses, key.page)):
                ids = [key.customer_id for key in same]
                async with self._pool.connection() as connection:
                    rows = await orders_pages(connection, ids, statuses, page.after, page.limit)
                groups = _grouped(ids, rows, lambda row: row.customer_id)
                pages.update(zip(same, groups, strict=True))
            return [pages[key] for key in keys]

        return Loader(load)

    @cached_property
    def order_counts(self) -> Loader[tuple[UUID, tuple[str, ...] | None], int]:
        """How many a customer has, by the customer's id and the statuses that count."""

        async def load(keys: list[tuple[UUID, tuple[str, ...] | None]]) -> list[int]:
            counts: dict[tuple[UUID, tuple[str, ...] | None], int] = {}
            for statuses, same in _alike(keys, lambda key: key[1]):
                ids = [key[0] for key in same]
                async with self._pool.connection() as connection:
                    found = await count_orders_by_customers(connection, ids, statuses)
                counts.update({key: found.get(key[0], 0) for key in same})
            return [counts[key] for key in keys]

        return Loader(load)

    @cached_property
    def transaction_pages(self) -> Loader[TransactionsOf, list[TransactionRow]]:
        """Newest first."""

        async def load(keys: list[TransactionsOf]) -> list[list[TransactionRow]]:
            pages: dict[TransactionsOf, list[TransactionRow]] = {}
            for page, same in _alike(keys, lambda key: key.page):
                ids = [key.account_id for key in same]
                async with self._pool.connection() as connection:
                    rows = await transactions_pages(connection, ids, page.after, page.limit)
                groups = _grouped(ids, rows, lambda row: row.account_id)
                pages.update(zip(same, groups, strict=True))
            return [pages[key] for key in keys]

        return Loader(load)

    @cached_property
    def transaction_counts(self) -> Loader[UUID, int]:
        """How many an account has."""

        async def load(account_ids: list[UUID]) -> list[int]:
            async with self._pool.connection() as connection:
                found = await count_transactions(connection, account_ids)
            return [found.get(account_id, 0) for account_id in account_ids]

        return Loader(load)

    def _rows(self, query: Query[Row], key: Callable[[Row], UUID]) -> Loader[UUID, Row | None]:
        async def load(ids: list[UUID]) -> list[Row | None]:
            async with self._pool.connection() as connection:
                found = {key(row): row for row in await query(connection, ids)}
            return [found.get(wanted) for wanted in ids]

        return Loader(load)


Likeness = TypeVar("Likeness")


def _alike(keys: Sequence[K], likeness: Callable[[K], Likeness]) -> list[tuple[Likeness, list[K]]]:
    groups: dict[Likeness, list[K]] = {}
    for key in keys:
        groups.setdefault(likeness(key), []).append(key)
    return list(groups.items())


def _grouped(
    keys: Sequence[UUID], rows: Sequence[Row], key: Callable[[Row], UUID]
) -> list[list[Row]]:
    groups: dict[UUID, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return [groups.get(wanted, []) for wanted in keys]
