"""More than the shop can do: refused at once, with a word on when to come again; what was accepted
is done soon."""

import asyncio
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

from api.graphql.execution.engine import PATIENCE
from api.graphql.services import VISITORS_A_PROCESS
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.api.mutations import DEPOSIT, PLACE_ORDER, buy, create
from tests.api.shop import Api, Client, Shop, settings_for, whole_shop
from tests.faults.test_readiness import problems
from tests.faults.waiting import until
from tests.infrastructure.conftest import running

PRODUCTS = "{ products { totalCount } }"
BUSY = "The shop is busy; try again in a moment."


def refused(answer: dict[str, Any]) -> bool:
    """Whether the answer says that the shop is busy; fails where it says anything else wrong."""
    if "errors" not in answer:
        return False
    [error] = answer["errors"]
    assert error["message"] == BUSY
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["extensions"]["retryAfter"] >= 1
    return True


async def test_more_than_a_process_can_have_under_way_is_refused_at_once(
    database_url: str,
) -> None:
    with whole_shop(database_url, limits=False) as shop:
        shop.api.services.operations._most = 4
        visitor = shop.visitor()
        answers = await asyncio.gather(*(visitor.send(PRODUCTS) for _ in range(60)))
        found = [refused(answer) for answer in answers]
        assert 0 < sum(found) < 60
        assert shop.api.services.operations.refused == sum(found)
        assert shop.api.services.operations.total == 0
        assert not refused(await visitor.send(PRODUCTS))


async def test_orders_are_refused_while_the_saga_is_late(database_url: str) -> None:
    settings = settings_for(database_url, most_lag=0.5)
    with running(database_url, Projector()), Api(settings).running() as api:
        with whole_shop(database_url) as first:
            ada = await first.customer()
            board = await first.product()
        ada = Client(api.address, ada.token, ada.user_id)
        order = await create(ada, "10.00", {board: 1})
        placing = {"orderId": order, "executionName": order}

        async def is_refused() -> bool:
            return refused(await ada.send(DEPOSIT, input={"amount": "1"}))

        async def is_accepted() -> bool:
            return not refused(await ada.send(PLACE_ORDER, input=placing))

        await until(is_refused)
        assert not refused(await ada.send(PRODUCTS))
        with running(database_url, ProcessManager()):
            await until(is_accepted)


async def test_what_is_accepted_of_far_too_much_is_done_soon(database_url: str) -> None:
    """Each of 200 clients asks again as soon as it has its answer; ten may be under way."""
    with whole_shop(database_url, limits=False) as shop:
        shop.api.services.operations._most = 10
        seconds, refusals = await rush(shop, clients=200, duration=3)
    assert refusals > 0
    assert seconds
    assert max(seconds) < PATIENCE


async def rush(shop: Shop, clients: int, duration: float) -> tuple[list[float], int]:
    """How long what was accepted took, and how many were refused."""
    ada = await shop.customer()
    end = monotonic() + duration
    seconds: list[float] = []
    refusals = 0

    async def client() -> None:
        nonlocal refusals
        while monotonic() < end:
            began = monotonic()
            if refused(await ada.send(DEPOSIT, input={"amount": "1"})):
                refusals += 1
            else:
                seconds.append(monotonic() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return seconds, refusals


async def test_visitors_never_hold_what_customers_need(database_url: str) -> None:
    with whole_shop(database_url, limits=False) as shop:
        ada, board = await shop.customer(), await shop.product(price=10_00)
        browsing = shop.api.services.browsing
        async with AsyncExitStack() as stack:
            for _ in range(browsing.max_size):  # as if each was busy with a search
                held = await shop.api.call(browsing.getconn())
                stack.push_async_callback(shop.api.call, browsing.putconn(held))
            visitors = [
                asyncio.create_task(shop.visitor().send(PRODUCTS))
                for _ in range(VISITORS_A_PROCESS + 20)
            ]
            await until(lambda: shop.api.services.visitors.refused == 20)
            await buy(ada, "while visitors search", "10.00", {board: 1})
            assert await ada.ask("{ viewer { orders { nodes { status } } } }")
            assert not await problems(shop)
        answers = [refused(answer) for answer in await asyncio.gather(*visitors)]
    assert sum(answers) == 20
