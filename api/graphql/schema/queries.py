"""The contract's queries, each with who may ask it."""

from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.dataloaders.shared import ProductsPage
from api.graphql.errors import BadUserInput
from api.graphql.schema.connections import Connection, connection, page_of
from api.graphql.schema.enums import ExecutionStatus, OrderStatus
from api.graphql.schema.fields import described
from api.graphql.schema.scalars import given, text_of, uuid_of
from api.graphql.schema.types import (
    Execution,
    Order,
    Product,
    User,
    orders_connection,
    orders_of,
    values_of,
)
from infrastructure.ids import execution_id
from projections.executions import count_executions, executions_page
from projections.orders import count_orders, orders_page
from projections.products import ProductFilter, count_products

MOST_IDS = 1000


@strawberry.type
class Query:
    @described("The signed-in user, or null.")
    async def viewer(self, info: Info) -> User | None:
        caller = info.context.caller
        row = await info.context.loaders.users.load(caller.user_id) if caller else None
        return User.of(row) if row else None

    @strawberry.field
    async def product(self, info: Info, id: strawberry.ID) -> Product | None:
        row = await info.context.loaders.products.load(uuid_of(id))
        return Product.of(row, info.context.currency) if row else None

    @described(
        "For everybody, signed in or not. `search` finds products whose name contains"
        " it, in any case."
    )
    async def products(
        self,
        info: Info,
        ids: list[strawberry.ID] | None = strawberry.UNSET,
        search: str | None = strawberry.UNSET,
        in_stock: bool | None = strawberry.UNSET,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
    ) -> Connection[Product]:
        page = page_of(first, after)
        wanted = ProductFilter(
            ids=_ids(given(ids)),
            search=text_of(search) if search else None,
            in_stock=given(in_stock),
        )
        pool, currency = info.context.pool, info.context.currency
        rows = await info.context.loaders.product_pages.load(ProductsPage(wanted, page))

        async def count() -> int:
            async with pool.connection() as database:
                return await count_products(database, wanted)

        return connection(
            rows,
            page,
            lambda row: row.created_position,
            lambda row: Product.of(row, currency),
            count,
        )

    @described("The caller's own, or any for an administrator.")
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:
        caller = info.context.user()
        row = await info.context.loaders.orders.load(uuid_of(id))
        if row is None or (row.customer_id != caller.user_id and caller.role != "ADMIN"):
            return None
        return Order.of(row, info.context.currency)

    @described("The caller's own; all, or one user's, for an administrator. Newest first.")
    async def orders(
        self,
        info: Info,
        user_id: strawberry.ID | None = strawberry.UNSET,
        status: list[OrderStatus] | None = strawberry.UNSET,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
    ) -> Connection[Order]:
        context = info.context
        caller, user = context.user(), given(user_id)
        if user is not None:
            customer_id = uuid_of(user)
            if customer_id != caller.user_id:
                context.admin()
            return await orders_of(info, customer_id, status, first, after)
        if caller.role != "ADMIN":
            return await orders_of(info, caller.user_id, status, first, after)
        return await _all_orders(info, status, first, after)

    @described("The caller's own.")
    async def execution(self, info: Info, name: str) -> Execution | None:
        context = info.context
        caller = context.user()
        row = await context.rows.executions.load(execution_id(caller.user_id, text_of(name)))
        return Execution.of(row, context.currency) if row else None

    @described("For administrators, as is all that follows.")
    async def user(
        self,
        info: Info,
        id: strawberry.ID | None = strawberry.UNSET,
        email: str | None = strawberry.UNSET,
    ) -> User | None:
        info.context.admin()
        match given(id), given(email):
            case (str(user_id), None):
                row = await info.context.loaders.users.load(uuid_of(user_id))
            case (None, str(address)):
                row = await info.context.users.by_email(address)
            case _:
                raise BadUserInput("Give one of `id` and `email`.")
        return User.of(row) if row else None

    @strawberry.field
    async def executions(
        self,
        info: Info,
        status: list[ExecutionStatus] | None = strawberry.UNSET,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
    ) -> Connection[Execution]:
        info.context.admin()
        page, statuses = page_of(first, after), values_of(status)
        pool, currency = info.context.pool, info.context.currency
        async with pool.connection() as database:
            rows = await executions_page(database, statuses, page.after, page.limit)

        async def count() -> int:
            async with pool.connection() as database:
                return await count_executions(database, statuses)

        return connection(
            rows,
            page,
            lambda row: row.started_position,
            lambda row: Execution.of(row, currency),
            count,
        )


async def _all_orders(
    info: Info, status: list[OrderStatus] | None, first: int | None, after: str | None
) -> Connection[Order]:
    page, statuses, pool = page_of(first, after), values_of(status), info.context.pool
    async with pool.connection() as database:
        rows = await orders_page(database, statuses, page.after, page.limit)

    async def count() -> int:
        async with pool.connection() as database:
            return await count_orders(database, statuses)

    return await orders_connection(info, rows, page, count)


def _ids(ids: list[strawberry.ID] | None) -> tuple[UUID, ...] | None:
    if ids is not None and len(ids) > MOST_IDS:
        raise BadUserInput(f"`ids` may hold {MOST_IDS:,}.")
    return None if ids is None else tuple(map(uuid_of, ids))
