"""Who waits for a change learns of it, whenever he has come."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import AsyncConnectionPool

from infrastructure.postgres.connections import async_pool, conninfo
from infrastructure.read_models.changes import Changes, Follower

MOVE = "UPDATE projections SET position = position + 1 RETURNING position"
OPEN = "INSERT INTO accounts VALUES (%s, %s, 0, %s)"


def open_account(url: str) -> UUID:
    """An account in the read model, of which nobody is told."""
    account = uuid4()
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        for (position,) in connection.execute(MOVE).fetchall()[:1]:
            connection.execute(OPEN, (account, account, position))
    return account


def tell(url: str) -> None:
    """Wake who follows."""
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        connection.execute("NOTIFY projected, '1'")


async def next_of(changes: Changes) -> UUID:
    async with asyncio.timeout(5):
        return await anext(aiter(changes))


async def somebody_waits_for(pool: AsyncConnectionPool) -> None:
    for _ in range(5_000):
        if pool.get_stats().get("requests_waiting"):
            return
        await asyncio.sleep(0.001)
    raise AssertionError("nobody waits")


async def test_a_change_is_told_to_who_waits_for_it(database_url: str) -> None:
    account = uuid4()
    async with (
        async_pool(database_url, "test", size=1) as pool,
        Follower(database_url, pool) as follower,
    ):
        with follower.changes("account", [account]) as changes:
            await next_of(changes)  # of what was before nobody knows
            with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
                connection.execute(MOVE)
                connection.execute(OPEN, (account, account, 1))
            tell(database_url)
            assert await next_of(changes) == account


async def test_who_comes_while_the_follower_is_looking_misses_nothing(database_url: str) -> None:
    async with (
        async_pool(database_url, "test", size=1) as pool,
        Follower(database_url, pool) as follower,
        AsyncExitStack() as stack,
    ):
        account = open_account(database_url)
        tell(database_url)
        await follower.wait_for(1)
        async with pool.connection():
            tell(database_url)
            await somebody_waits_for(pool)  # it is about to ask, and had nobody to ask for
            changes = stack.enter_context(follower.changes("account", [account]))
            with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
                connection.execute(MOVE)
                connection.execute("UPDATE accounts SET position = 2")
        assert await next_of(changes) == account
