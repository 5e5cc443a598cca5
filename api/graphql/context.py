"""What resolvers know of a call: who calls, where to read, what to send commands to."""

from dataclasses import dataclass, field
from uuid import UUID

import strawberry
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


@dataclass(slots=True)
class Context:
    """One a call; on a websocket, one an operation. `caller` is None for who is not signed in;
    `client` is whom a call is counted for then; `execution_id` is what the call has begun."""

    caller: Caller | None
    client: str
    call: Call
    currency: Currency
    pool: AsyncConnectionPool
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

    def user(self) -> Caller:
        """Who calls. Raises Unauthenticated."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    def admin(self) -> Caller:
        """The administrator who calls. Raises Unauthenticated or Forbidden."""
        caller = self.user()
        if caller.role != "ADMIN":
            raise Forbidden
        return caller


Info = strawberry.Info[Context, None]
