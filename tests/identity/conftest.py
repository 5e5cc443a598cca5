"""Everything about people, on a database and a mail server of the test's own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.identity.authentication import Identity
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.revocations import SessionWatch
from infrastructure.postgres.connections import async_pool
from tests.identity.people import CHEAP, KEY, MailServer, MovableClock, People


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest_asyncio.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    async with server.running():
        yield server


@pytest_asyncio.fixture
async def people(
    database_url: str, clock: MovableClock, mail_server: MailServer
) -> AsyncIterator[People]:
    passwords = Passwords(CHEAP)
    watch = SessionWatch(database_url, clock=clock)
    async with (
        async_pool(database_url, "test", size=8) as pool,
        Writer(database_url) as writer,
        watch,
    ):
        identity = Identity(
            pool,
            Dispatcher(pool, writer),
            passwords,
            watch,
            secret_keys=[KEY],
            admin_code="let me in",
            clock=clock,
        )
        yield People(database_url, pool, identity, watch, clock, mail_server)
    passwords.close()
