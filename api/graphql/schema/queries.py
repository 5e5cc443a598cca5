"""The contract's queries, each with who may ask it."""

from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.dataloaders.shared import ProductsPage
from api.graphql.errors import BadUserInput
from api.graphql.paging import ListOf, page_of
from api.graphql.schema.connections import After, Before, Connection, First, Last, connection
from api.graphql.schema.fields import described
from api.graphql.schema.order_lists import (
    ALL_ORDERS,
    OrderStatuses,
    orders_connection,
    orders_list,
    orders_of,
    values_of,
)
from api.graphql.schema.products import Product
from api.graphql.schema.scalars import given, text_of, uuid_of
from api.graphql.schema.types import Execution, Order, User
from infrastructure.ids import execution_id
from projections.orders import count_orders, orders_page
from projections.products import ProductFilter

MOST_IDS = 1000
PRODUCTS = ListOf("products", newest_first=False)


@strawberry.type
class Query:
    @described("The signed-in user, or null.")
    async def viewer(self, info: Info) -> User | None:
        caller = info.context.caller
        row = await info.context.loaders.users.load(caller.user_id) if caller else None
        return User.of(row) if row else None

    @described("A product by its id, for everybody; null where there is none.")
    async def product(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The product's id.")],
    ) -> Product | None:
        row = await info.context.loaders.products.load(uuid_of(id))
        return Product.of(row, info.context.currency) if row else None

    @described(
        "For everybody, signed in or not: products in the order in which they were listed. Where"
        " several conditions are given, all of them must hold."
    )
    async def products(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="Only products with one of these ids, at most 1,000."),
        ] = strawberry.UNSET,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Only products whose name contains this, whatever its case and"
                " accents; at most 200 characters. `totalCount` then counts to 10,000."
            ),
        ] = strawberry.UNSET,
        in_stock: Annotated[
            bool | None,
            strawberry.argument(
                description="Only products that can be ordered now, or only those that cannot."
            ),
        ] = strawberry.UNSET,
        *,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Product]:
        page = page_of(PRODUCTS, first, after, last, before)
        wanted = ProductFilter(
            ids=_ids(given(ids)),
            search=text_of(search) if search else None,
            in_stock=given(in_stock),
        )
        context = info.context
        return await connection(
            page,
            lambda window: context.loaders.product_pages.load(ProductsPage(wanted, window)),
            lambda row: row.created_position,
            lambda row: Product.of(row, context.currency),
            lambda: context.loaders.product_counts.load(wanted),
        )

    @described("The caller's own, or any for an administrator; null where there is none.")
    async def order(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> Order | None:
        info.context.user()
        row = await info.context.loaders.orders.load(uuid_of(id))
        if row is None or not info.context.may_see(row.customer_id):
            return None
        return Order.of(row, info.context.currency)

    @described("The caller's own; all, or one user's, for an administrator. Newest first.")
    async def orders(
        self,
        info: Info,
        user_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Whose orders: for administrators, who else get everybody's."
            ),
        ] = strawberry.UNSET,
        status: OrderStatuses = strawberry.UNSET,
        *,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Order]:
        context = info.context
        caller, user = context.user(), given(user_id)
        customer_id = None if user is None else uuid_of(user)
        if customer_id is None and caller.role != "ADMIN":
            customer_id = caller.user_id
        if customer_id is not None:
            if customer_id != caller.user_id:
                context.admin()
            page = page_of(orders_list(customer_id), first, after, last, before)
            return await orders_of(info, page, customer_id, status, Order.of)
        statuses = values_of(status)
        return await orders_connection(
            info,
            page_of(ALL_ORDERS, first, after, last, before),
            lambda window: context.read(orders_page, statuses, window),
            Order.of,
            lambda: context.read(count_orders, statuses),
        )

    @described("The caller's own, by its name; null where there is none.")
    async def execution(
        self,
        info: Info,
        name: Annotated[
            str, strawberry.argument(description="What the caller has called the execution.")
        ],
    ) -> Execution | None:
        context = info.context
        caller = context.user()
        row = await context.rows.executions.load(execution_id(caller.user_id, text_of(name)))
        return Execution.of(row, context.currency) if row else None


def _ids(ids: list[strawberry.ID] | None) -> tuple[UUID, ...] | None:
    if ids is not None and len(ids) > MOST_IDS:
        raise BadUserInput(f"`ids` may hold {MOST_IDS:,}.")
    return None if ids is None else tuple(map(uuid_of, ids))
