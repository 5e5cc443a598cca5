"""A thousand open subscriptions: what memory each takes, and how soon all have their results."""

import asyncio
import random
import resource
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

from benchmarks.b_orders import uv
from benchmarks.buyers import Counter, Shop
from benchmarks.c_graphql import RESULT
from benchmarks.contest import Case, in_turns
from benchmarks.graphql_client import Socket
from benchmarks.result import Claim, Result, machine, median
from benchmarks.running import RunningShop, access_token, open_to_users, running_shop
from benchmarks.server import Server, temporary_server
from domain.commands import CreateOrder

SHOP = "shop"
SUBSCRIPTIONS = 1_000
SETTLE = 2.0  # seconds for a process's memory to come to rest
PATIENCE = 60.0  # seconds that all results have to come in


def run(quick: bool) -> Result:
    """As many customers, each with a websocket of their own to one API process."""
    rounds = 1 if quick else 3
    _allow_open_files(4 * SUBSCRIPTIONS)
    with temporary_server() as server:
        at = f"{SUBSCRIPTIONS:,} open"
        figures = in_turns("Subscriptions", [Case(SHOP, at, lambda: _measured(server))], rounds)
    memory = median(figures, SHOP, at, "KB each")
    return Result(
        name="f_subscriptions",
        title="Subscriptions",
        how=(
            f"{rounds} rounds; memory: of the API process, resident; all results: from when all"
            " orders were placed to the last result received"
        ),
        plot="KB each",
        figures=figures,
        claims=(Claim("memory an open subscription", memory, 100, 40, "KB", smaller=True),),
        machine=machine(),
        quick=quick,
    )


def _measured(server: Server) -> Mapping[str, float]:
    url = server.shop_database("subscriptions")
    with running_shop(url) as running:
        shop = open_to_users(url, SUBSCRIPTIONS)
        return uv(_subscribed(running, url, shop))


async def _subscribed(running: RunningShop, url: str, shop: Shop) -> Mapping[str, float]:
    (api,) = running.api_processes()
    chance = random.Random(1)
    orders = [shop.order(customer, chance) for customer in shop.customers]
    async with Counter(url) as counter:
        await asyncio.gather(*map(counter.send, orders))
        async with AsyncExitStack() as sockets:
            await _subscribe(running, orders[:1], sockets)  # what is made once is nobody's share
        await asyncio.sleep(SETTLE)
        before = api.memory_info().rss
        async with AsyncExitStack() as sockets:
            queues = await _subscribe(running, orders, sockets)
            await asyncio.sleep(SETTLE)
            memory = (api.memory_info().rss - before) / 1024 / SUBSCRIPTIONS
            began = monotonic()
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                for order in orders:
                    group.create_task(counter.place(order, began))
                results = [group.create_task(_received(queue)) for queue in queues]
    return {
        "KB each": memory,
        "all results, ms": (max(result.result() for result in results) - began) * 1e3,
    }


async def _subscribe(
    running: RunningShop, orders: Sequence[CreateOrder], sockets: AsyncExitStack
) -> list[asyncio.Queue[Any]]:
    """A websocket for each order's customer, and what will come of its subscription."""
    queues = []
    for order in orders:
        socket = Socket(running.address, access_token(order.customer_id))
        await sockets.enter_async_context(socket)
        name = str(order.order_id)
        queues.append(await socket.subscribe(name, RESULT, {"name": name}))
    return queues


async def _received(queue: asyncio.Queue[Any]) -> float:
    """When the result was there."""
    result = await queue.get()
    if result["orderResult"]["status"] != "COMPLETED":
        raise RuntimeError(result)
    return monotonic()


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard)
        )
