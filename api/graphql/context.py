"""What resolvers know of a call: who calls, where to read, what to send commands to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import strawberry
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from api.call import Call
from api.graphql.dataloaders.request import Loaders
from api.graphql.dataloaders.shared import Rows
from api.graphql.errors import Forbidden, Unauthenticated
from api.money import Currency
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.identity.authentication import Identity
from infrastructure.identity.tokens import Caller
from infrastructure.identity.users import Users
from infrastructure.observability.tracing import Tracer
from infrastructure.read_models.changes import Follower

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Context:
    """One a call; on a websocket, one an operation. `caller` is None for who is not signed in;
    `client` is whom a call is counted for then; `execution_id` is what the call has begun."""

    caller: Caller | None
    client: str
    call: Call
    currency: Currency
    pool: AsyncConnectionPool
    browsing: AsyncConnectionPool
    dispatcher: Dispatcher
    users: Users
    identity: Identity
    follower: Follower
    rows: Rows
    tracer: Tracer | None
    execution_id: UUID | None = None
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Forget what was read: after a change, and before each message of a subscription."""
        self.loaders = Loaders(self.rows)

    async def read(
        self,
        query: Callable[Concatenate[AsyncConnection[TupleRow], P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """What a query function of the read models answers. Nobody shares the statement, which may
        be long."""
        async with self.browsing.connection() as connection:
            return await query(connection, *args, **kwargs)

    def user(self) -> Caller:
        """Who calls. Raises Unauthenticated."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    def may_see(self, owner_id: UUID) -> bool:
        """Whether what belongs to that user is shown to the caller."""
        caller = self.caller
        return caller is not None and (caller.user_id == owner_id or caller.role == "ADMIN")

    def admin(self) -> Caller:
        """The administrator who calls. Raises Unauthenticated or Forbidden."""
        caller = self.user()
        if caller.role != "ADMIN":
            raise Forbidden
        return caller


Info = strawberry.Info[Context, None]
