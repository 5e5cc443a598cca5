"""What administrators ask about everybody: users and their executions."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.errors import BadUserInput
from api.graphql.paging import ListOf, page_of
from api.graphql.schema.connections import After, Before, Connection, First, Last, connection
from api.graphql.schema.enums import ExecutionStatus
from api.graphql.schema.fields import described
from api.graphql.schema.order_lists import values_of
from api.graphql.schema.scalars import given, uuid_of
from api.graphql.schema.types import Execution, User
from projections.executions import count_executions, executions_page

EXECUTIONS = ListOf("executions")


@strawberry.type
class AdministrationQuery:
    @described(
        "For administrators: the user with this id or this address, of which one is to be given;"
        " null where there is none, and, with an error, for others."
    )
    async def user(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The user's id.")
        ] = strawberry.UNSET,
        email: Annotated[
            str | None, strawberry.argument(description="The user's address, in any case.")
        ] = strawberry.UNSET,
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

    @described(
        "For administrators: everybody's executions, newest first; null, with an error, for others."
    )
    async def executions(
        self,
        info: Info,
        status: Annotated[
            list[ExecutionStatus] | None,
            strawberry.argument(
                description="Only executions that are in one of these states; all where it is null"
                " or left out."
            ),
        ] = strawberry.UNSET,
        *,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection[Execution] | None:
        context = info.context
        context.admin()
        statuses = values_of(status)
        return await connection(
            page_of(EXECUTIONS, first, after, last, before),
            lambda window: context.read(executions_page, statuses, window),
            lambda row: row.started_position,
            lambda row: Execution.of(row, context.currency),
            lambda: context.read(count_executions, statuses),
        )
