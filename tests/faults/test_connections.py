"""More connections than a process has room for: those who are in go on, and operators see it."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.api.mutations import buy
from tests.api.shop import Shop, whole_shop
from tests.faults.waiting import until

MOST = 20


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    with whole_shop(database_url, limits=False) as shop:
        yield shop


async def test_who_only_stays_connected_takes_nothing_from_the_others(shop: Shop) -> None:
    room = shop.api.room
    ada, board = await shop.customer(), await shop.product(price=10_00)
    host, _, port = shop.api.address.partition(":")
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://{shop.api.address}", verify=False, timeout=10)
        )

        async def ready() -> httpx.Response:
            return await operator.get("/health/ready")

        async def is_green() -> bool:
            return (await ready()).is_success

        await until(is_green)
        room.most = MOST
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(MOST - 2)]
        for _, writer in idle:
            stack.callback(writer.close)
        await until(lambda: room.open == MOST - 1)
        answer = await ready()
        assert answer.status_code == 200
        assert "19 of the 20 connections are open" in answer.json()["warnings"]["file descriptors"]
        await buy(ada, "beside them", "10.00", {board: 1})

        idle.append(await asyncio.open_connection(host, int(port)))
        await until(lambda: room.open == MOST)
        answer = await ready()
        assert answer.status_code == 503
        assert "20 of the 20" in answer.json()["problems"]["file descriptors"]
        reader, writer = await asyncio.open_connection(host, int(port))
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        writer.close()
        assert room.refused == 1
        idle[-1][1].close()
        idle[0][1].close()
        await until(is_green)
    await until(lambda: room.open < MOST / 2)
    assert (await shop.visitor().get({}, "/health/live")).is_success
