"""The read side of the API on rows that a test has put there itself."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from argon2 import PasswordHasher
from psycopg import AsyncConnection, AsyncCursor, Connection
from psycopg_pool import AsyncConnectionPool
from strawberry.types.execution import ExecutionResult

from api.call import Call
from api.graphql.context import Context
from api.graphql.dataloaders.shared import Rows
from api.graphql.schema.build import build_schema
from api.money import currency_of
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.identity.authentication import Identity
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.tokens import Caller, Role
from infrastructure.postgres.connections import conninfo
from infrastructure.read_models.changes import Follower

SCHEMA = build_schema()
# Nobody's password is looked at here.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class CountingCursor(AsyncCursor[Any]):
    """Remembers what it executes."""

    executed: ClassVar[list[str]] = []

    async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        self.executed.append(str(query))
        return await super().execute(query, *args, **kwargs)


@dataclass
class Reader:
    """A caller of the API: `role` of None is nobody."""

    context: Context

    async def ask(self, document: str, **variables: object) -> dict[str, Any]:
        """The data, when there are no errors."""
        result = await self._execute(document, variables)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    async def code(self, document: str, **variables: object) -> object:
        """The code of the one error."""
        [error] = (await self._execute(document, variables)).errors or []
        return (error.extensions or {}).get("code")

    async def statements(self, document: str, **variables: object) -> list[str]:
        """What the database was asked."""
        CountingCursor.executed.clear()
        await self.ask(document, **variables)
        return list(CountingCursor.executed)

    async def _execute(self, document: str, variables: dict[str, object]) -> ExecutionResult:
        self.context.refresh()
        sent = {k: str(v) if isinstance(v, UUID) else v for k, v in variables.items()}
        return await SCHEMA.execute(document, sent, context_value=self.context)


@asynccontextmanager
async def reader(
    url: str, user_id: UUID | None = None, role: Role = "USER", currency: str = "USD"
) -> AsyncIterator[Reader]:
    """Somebody, signed in or not, who reads the shop's database."""
    caller = user_id and Caller(user_id, role, UUID(int=0), datetime.now(UTC) + timedelta(hours=1))
    async with AsyncExitStack() as stack:
        pool = AsyncConnectionPool(
            conninfo(url, "test"),
            min_size=1,
            configure=_count,
            open=False,
            kwargs={"autocommit": True},
        )
        await stack.enter_async_context(pool)
        dispatcher = Dispatcher(pool, Writer(url))
        identity = Identity(
            pool, dispatcher, Passwords(CHEAP), SessionWatch(url), secret_keys=["a test's own"]
        )
        yield Reader(
            Context(
                caller=caller or None,
                client="test",
                call=Call.new(),
                currency=currency_of(currency),
                pool=pool,
                browsing=pool,
                dispatcher=dispatcher,
                users=identity.users,
                identity=identity,
                follower=Follower(url, pool),
                rows=Rows(pool, identity.users, pool, dispatcher),
                tracer=None,
            )
        )


async def _count(connection: AsyncConnection[Any]) -> None:
    connection.cursor_factory = CountingCursor


def add_user(connection: Connection[Any], user_id: UUID, name: str, role: Role = "USER") -> None:
    """A verified user, whose address is made of the name."""
    connection.execute(
        "INSERT INTO users (user_id, email, email_key, name, role, password_hash, email_verified,"
        " account_id, opening_deposit, created_at)"
        " VALUES (%(id)s, %(email)s, lower(%(email)s), %(name)s, %(role)s, '', true, %(id)s, 0,"
        " '2026-05-01T08:00:00Z')",
        {"id": user_id, "email": f"{name}@shop.test", "name": name, "role": role},
    )
