"""Rows that all subscribers of a process share."""

import asyncio
from uuid import uuid4

from api.live import LiveRows
from infrastructure.database import async_pool


async def test_a_subscriber_that_goes_before_its_row_is_read_stops_nobody_else(
    database_url: str,
) -> None:
    async with async_pool(database_url, "test", size=1) as pool:
        live = LiveRows(pool)
        gone = asyncio.ensure_future(live.executions.load(uuid4()))
        gone.cancel()
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await live.executions.load(uuid4()) is None
