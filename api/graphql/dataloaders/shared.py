"""The read models' rows, as all calls of a process read them: see `batching` beside it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from api.graphql.dataloaders.batching import Gathered
from api.graphql.dataloaders.kinds import Kind, kinds_of
from api.graphql.dataloaders.turns import Turns
from application.unit_of_work import EMPTY, Loaded
from domain.message import message
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.identity.users import User, Users
from projections.accounts import (
    TransactionRow,
    accounts_by_ids,
    accounts_by_owners,
    count_transactions,
    transactions_at,
    transactions_pages,
    transfers_by_ids,
)
from projections.executions import ExecutionRow, executions_by_ids, executions_by_orders
from projections.orders import OrderRow, count_orders_by_customers, orders_by_ids, orders_pages
from projections.products import (
    ProductFilter,
    ProductRow,
    count_products,
    products_by_ids,
    products_page,
)
from projections.window import Window

Row = TypeVar("Row")
Query = Callable[[AsyncConnection[TupleRow], Sequence[UUID]], Awaitable[list[Row]]]

# Pages of one statement: all their rows are read in one go, in which nobody else is served.
MOST_PAGES = 16


@message
class OrdersOf:
    """A page of one customer's orders; statuses of None are all."""

    customer_id: UUID
    statuses: tuple[str, ...] | None
    window: Window


@message
class OrdersCount:
    """The number of one customer's orders; statuses of None are all."""

    customer_id: UUID
    statuses: tuple[str, ...] | None


@message
class TransactionsOf:
    """A page of one account's transactions."""

    account_id: UUID
    window: Window


@message
class ProductsPage:
    """A page of the products that match: the same for all who ask for it."""

    wanted: ProductFilter
    window: Window


class Rows:
    """One a process. Each call reads anew, together with whoever asks at the same time."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        users: Users,
        browsing: AsyncConnectionPool,
        dispatcher: Dispatcher,
    ) -> None:
        """`browsing` is for lists that may be long."""
        self._pool = pool
        self._browsing = browsing
        self._searches = Turns()
        self.order_states = Gathered[UUID, Loaded](dispatcher.load_many, EMPTY)
        self.products = self._by_id(products_by_ids, lambda row: row.product_id)
        self.orders = self._by_id(orders_by_ids, lambda row: row.order_id)
        self.accounts = self._by_id(accounts_by_ids, lambda row: row.account_id)
        self.accounts_of_owners = self._by_id(accounts_by_owners, lambda row: row.owner_id)
        self.executions = self._by_id(executions_by_ids, lambda row: row.execution_id)
        self.users = Gathered[UUID, User | None](users.by_ids, None)
        self.executions_of_orders = Gathered[UUID, Sequence[ExecutionRow]](self._executions, ())
        self.product_pages = Gathered[ProductsPage, Sequence[ProductRow]](
            self._product_page, (), lane=lambda key: key
        )
        self.product_counts = Gathered[ProductFilter, int](
            self._product_count, 0, lane=lambda key: key
        )
        self.order_pages = Gathered[OrdersOf, Sequence[OrderRow]](
            self._order_pages, (), lane=lambda key: (key.statuses, key.window), most=MOST_PAGES
        )
        self.order_counts = Gathered[OrdersCount, int](
            self._order_counts, 0, lane=lambda key: key.statuses
        )
        self.transaction_pages = Gathered[TransactionsOf, Sequence[TransactionRow]](
            self._transaction_pages, (), lane=lambda key: key.window, most=MOST_PAGES
        )
        self.transaction_counts = Gathered[UUID, int](self._transaction_counts, 0)
        self.transactions = Gathered[int, TransactionRow | None](self._transactions, None)
        self.transfers = Gathered[UUID, Sequence[TransactionRow]](self._transfers, ())
        self.kinds = Gathered[UUID, Kind | None](self._kinds, None)

    async def probe(self) -> None:
        """Read as customers do, what nobody has. Raises psycopg.Error or PoolTimeout."""
        nobody = UUID(int=0)
        by_id = (self.products, self.orders, self.accounts, self.executions, self.users)
        for asked in [rows.load(nobody) for rows in by_id]:
            await asked

    def _by_id(self, query: Query[Row], key: Callable[[Row], UUID]) -> Gathered[UUID, Row | None]:
        async def read(ids: Sequence[UUID]) -> dict[UUID, Row | None]:
            async with self._pool.connection() as connection:
                return {key(row): row for row in await query(connection, ids)}

        return Gathered(read, None)

    async def _executions(self, order_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[ExecutionRow]]:
        """All of each order, newest first."""
        async with self._pool.connection() as connection:
            rows = await executions_by_orders(connection, order_ids)
        return _grouped(rows, lambda row: row.order_id)

    async def _product_page(
        self, keys: Sequence[ProductsPage]
    ) -> dict[ProductsPage, Sequence[ProductRow]]:
        [key] = keys
        async with self._look_for(key.wanted) as connection:
            rows = await products_page(connection, key.wanted, key.window)
        return {key: rows}

    async def _product_count(self, keys: Sequence[ProductFilter]) -> dict[ProductFilter, int]:
        [wanted] = keys
        async with self._look_for(wanted) as connection:
            return {wanted: await count_products(connection, wanted)}

    @asynccontextmanager
    async def _look_for(self, wanted: ProductFilter) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Searches take turns: each may be of something else, so that nobody shares them."""
        turn = nullcontext() if wanted.search is None else self._searches.turn()
        async with turn, self._browsing.connection() as connection:
            yield connection

    async def _order_pages(self, keys: Sequence[OrdersOf]) -> dict[OrdersOf, Sequence[OrderRow]]:
        statuses, window = keys[0].statuses, keys[0].window
        ids = [key.customer_id for key in keys]
        async with self._pool.connection() as connection:
            rows = await orders_pages(connection, ids, statuses, window)
        pages = _grouped(rows, lambda row: row.customer_id)
        return {key: pages.get(key.customer_id, ()) for key in keys}

    async def _order_counts(self, keys: Sequence[OrdersCount]) -> dict[OrdersCount, int]:
        statuses, ids = keys[0].statuses, [key.customer_id for key in keys]
        async with self._pool.connection() as connection:
            found = await count_orders_by_customers(connection, ids, statuses)
        return {key: found.get(key.customer_id, 0) for key in keys}

    async def _transaction_pages(
        self, keys: Sequence[TransactionsOf]
    ) -> dict[TransactionsOf, Sequence[TransactionRow]]:
        window, ids = keys[0].window, [key.account_id for key in keys]
        async with self._pool.connection() as connection:
            rows = await transactions_pages(connection, ids, window)
        pages = _grouped(rows, lambda row: row.account_id)
        return {key: pages.get(key.account_id, ()) for key in keys}

    async def _transactions(self, positions: Sequence[int]) -> dict[int, TransactionRow | None]:
        """By the positions of the events that made them."""
        async with self._pool.connection() as connection:
            return {row.position: row for row in await transactions_at(connection, positions)}

    async def _transfers(self, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[TransactionRow]]:
        """Deposits and withdrawals by their ids, which two customers may have brought."""
        async with self._pool.connection() as connection:
            rows = await transfers_by_ids(connection, ids)
        return _grouped(rows, lambda row: row.transaction_id)

    async def _kinds(self, ids: Sequence[UUID]) -> dict[UUID, Kind | None]:
        async with self._pool.connection() as connection:
            return dict(await kinds_of(connection, ids))

    async def _transaction_counts(self, account_ids: Sequence[UUID]) -> dict[UUID, int]:
        async with self._pool.connection() as connection:
            return await count_transactions(connection, account_ids)


def _grouped(rows: Sequence[Row], key: Callable[[Row], UUID]) -> Mapping[UUID, Sequence[Row]]:
    groups: dict[UUID, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
