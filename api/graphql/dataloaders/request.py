"""What one request reads: each row once, so that all its fields see the same."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar
from uuid import UUID

from api.graphql.dataloaders.batching import Asked, Gathered
from api.graphql.dataloaders.shared import OrdersCount, OrdersOf, ProductsPage, Rows, TransactionsOf
from application.unit_of_work import Loaded
from infrastructure.identity.users import User
from projections.accounts import AccountRow, TransactionRow
from projections.executions import ExecutionRow
from projections.orders import OrderRow
from projections.products import ProductFilter, ProductRow

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Loads each key once."""

    __slots__ = ("_asked", "_gathered")

    def __init__(self, gathered: Gathered[K, V]) -> None:
        self._gathered = gathered
        self._asked: dict[K, Asked[V]] = {}

    def load(self, key: K) -> Asked[V]:
        """The key's answer."""
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = self._gathered.load(key)
        return asked

    async def load_many(self, keys: Iterable[K]) -> list[V]:
        """The answers in the order of the keys."""
        return [await asked for asked in [self.load(key) for key in keys]]

    def prime(self, answers: Mapping[K, V]) -> None:
        """Take these, which something else has read, for the keys not asked for yet."""
        for key, answer in answers.items():
            if key not in self._asked:
                asked = self._asked[key] = Asked()
                asked.answer(answer)


class Loaders:
    """One a request. Later changes are not seen."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @cached_property
    def products(self) -> Loader[UUID, ProductRow | None]:
        """By id."""
        return Loader(self._rows.products)

    @cached_property
    def product_pages(self) -> Loader[ProductsPage, Sequence[ProductRow]]:
        """Oldest first."""
        return Loader(self._rows.product_pages)

    @cached_property
    def product_counts(self) -> Loader[ProductFilter, int]:
        """How many there are."""
        return Loader(self._rows.product_counts)

    @cached_property
    def orders(self) -> Loader[UUID, OrderRow | None]:
        """By id."""
        return Loader(self._rows.orders)

    @cached_property
    def order_states(self) -> Loader[UUID, Loaded]:
        """The aggregates, by id."""
        return Loader(self._rows.order_states)

    @cached_property
    def order_pages(self) -> Loader[OrdersOf, Sequence[OrderRow]]:
        """Newest first."""
        return Loader(self._rows.order_pages)

    @cached_property
    def accounts(self) -> Loader[UUID, AccountRow | None]:
        """By the owner's id."""
        return Loader(self._rows.accounts_of_owners)

    @cached_property
    def users(self) -> Loader[UUID, User | None]:
        """By id."""
        return Loader(self._rows.users)

    @cached_property
    def executions(self) -> Loader[UUID, Sequence[ExecutionRow]]:
        """All of an order, newest first, by the order's id."""
        return Loader(self._rows.executions_of_orders)

    @cached_property
    def order_counts(self) -> Loader[OrdersCount, int]:
        """How many a customer has."""
        return Loader(self._rows.order_counts)

    @cached_property
    def transaction_pages(self) -> Loader[TransactionsOf, Sequence[TransactionRow]]:
        """Newest first."""
        return Loader(self._rows.transaction_pages)

    @cached_property
    def transaction_counts(self) -> Loader[UUID, int]:
        """How many an account has."""
        return Loader(self._rows.transaction_counts)
