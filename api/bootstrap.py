"""The composition root of what takes commands: an API process, the demo data and an operator's
commands open the same things in the same way."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher

from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.identity.authentication import Identity
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.revocations import SessionWatch
from infrastructure.postgres.connections import Pool, async_pool
from infrastructure.runtime.watched import Watched
from infrastructure.settings import Settings


@dataclass(frozen=True, slots=True)
class Core:
    """What has to be there before a command can be sent or somebody can sign up."""

    pool: Pool
    writer: Writer
    watch: SessionWatch
    dispatcher: Dispatcher
    identity: Identity


@asynccontextmanager
async def core(
    settings: Settings,
    url: str,
    name: str,
    *,
    size: int,
    watched: Watched | None = None,
    hasher: PasswordHasher | None = None,
) -> AsyncIterator[Core]:
    """All of it open, under `name` in the database, with at most `size` connections for commands;
    on leaving, what was accepted is recorded, then all is closed.

    `hasher` hashes passwords, where not as it should be done. Raises psycopg.OperationalError or
    PoolTimeout when the database cannot be reached.
    """
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(async_pool(url, name, size=size))
        writer = await stack.enter_async_context(Writer(url, watched=watched))
        watch = await stack.enter_async_context(
            SessionWatch(url, history=writer.history, watched=watched)
        )
        passwords = Passwords(hasher)
        stack.callback(passwords.close)
        dispatcher = Dispatcher(pool, writer)
        identity = Identity(
            pool,
            dispatcher,
            passwords,
            watch,
            secret_keys=settings.signing_keys(),
            admin_code=settings.required_admin_code,
            limits=settings.limits,
        )
        yield Core(pool, writer, watch, dispatcher, identity)
