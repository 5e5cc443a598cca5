"""`node(id:)`: anything by its id alone, for who may see it."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Context, Info
from api.graphql.dataloaders.kinds import Kind
from api.graphql.schema.fields import described
from api.graphql.schema.node import Node
from api.graphql.schema.products import Product
from api.graphql.schema.scalars import uuid_of
from api.graphql.schema.types import Account, Execution, Order, Transaction, User
from api.ids import booking_position
from projections.accounts import TransactionRow


@strawberry.type
class NodeQuery:
    @described(
        "What has this id and may be seen by the caller; null where there is none. Products are for"
        " everybody; all else is for its owner and for administrators."
    )
    async def node(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID,
            strawberry.argument(description="The id of something whose type is a `Node`."),
        ],
    ) -> Node | None:
        context, wanted = info.context, uuid_of(id)
        position = booking_position(wanted)
        if position is not None:
            return await _transaction(context, await context.rows.transactions.load(position))
        kind = await context.rows.kinds.load(wanted)
        return await FINDERS[kind](context, wanted) if kind else None


async def _product(context: Context, id: UUID) -> Product | None:
    row = await context.loaders.products.load(id)
    return Product.of(row, context.currency) if row else None


async def _user(context: Context, id: UUID) -> User | None:
    row = await context.loaders.users.load(id) if context.may_see(id) else None
    return User.of(row) if row else None


async def _order(context: Context, id: UUID) -> Order | None:
    row = await context.loaders.orders.load(id)
    if row is None or not context.may_see(row.customer_id):
        return None
    return Order.of(row, context.currency)


async def _execution(context: Context, id: UUID) -> Execution | None:
    row = await context.rows.executions.load(id)
    if row is None or not context.may_see(row.customer_id):
        return None
    return Execution.of(row, context.currency)


async def _account(context: Context, id: UUID) -> Account | None:
    row = await context.rows.accounts.load(id)
    if row is None or not context.may_see(row.owner_id):
        return None
    return Account.of(row, context.currency)


async def _transfer(context: Context, id: UUID) -> Transaction | None:
    for row in await context.rows.transfers.load(id):
        if found := await _transaction(context, row):
            return found
    return None


async def _transaction(context: Context, row: TransactionRow | None) -> Transaction | None:
    if row is None or await _account(context, row.account_id) is None:
        return None
    return Transaction.of(row, context.currency)


FINDERS: dict[Kind, Callable[[Context, UUID], Awaitable[Node | None]]] = {
    "product": _product,
    "user": _user,
    "order": _order,
    "execution": _execution,
    "account": _account,
    "transfer": _transfer,
}
