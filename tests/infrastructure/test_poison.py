"""What cannot be processed is parked, with what belongs to it; the rest goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from domain.commands import AdjustStock
from domain.events import ProductDiscontinued, StockAdjusted
from domain.recorded import Origin
from infrastructure.event_store.codec import encode
from infrastructure.ids import new_id
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.infrastructure.conftest import Shop, running

POISON = (
    "INSERT INTO stored_events SELECT originator_id, originator_version + 1, 'Unheard', '{}',"
    " (SELECT max(notification_id) + 1 FROM stored_events), now()"
    " FROM stored_events WHERE originator_id = %s"
    " ORDER BY originator_version DESC LIMIT 1 RETURNING notification_id"
)
MEND = "UPDATE stored_events SET topic = %s, state = %s WHERE notification_id = %s RETURNING 1"
RETRY = "UPDATE parked_events SET retry_at = clock_timestamp() WHERE consumer LIKE %s RETURNING 1"
PARKED = "SELECT position, error IS NULL FROM parked_events WHERE consumer = %s ORDER BY 1"

ORIGIN = Origin(None, new_id(), "test")


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(200):
        if await true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not come about")


async def completed(shop: Shop) -> int:
    rows = await shop.rows("SELECT count(*) FROM orders WHERE status = 'COMPLETED'")
    return int(str(rows[0][0]))


async def test_a_poisoned_execution_is_parked_and_the_others_complete(quiet_shop: Shop) -> None:
    shop = quiet_shop
    bad, good = await shop.product(), await shop.product(quantity=1_000)
    ada = await shop.customer(1_000_000_00)
    [(poison,)] = await shop.rows(POISON, bad)
    with running(shop.url, ProcessManager()), running(shop.url, Projector()):
        parked = await shop.place(await shop.order(ada, {bad: 1}, 10_00), ada, "bad")

        async def buy(name: str) -> None:
            await shop.place(await shop.order(ada, {good: 1}, 10_00), ada, name)

        await asyncio.gather(*(buy(f"good {n}") for n in range(1_000)))

        async def all_others() -> bool:
            return await completed(shop) == 1_000

        await until(all_others)
        assert await shop.rows(PARKED, "process-manager") == [(parked.position, False)]
        waiting = await shop.rows("SELECT name, step FROM processes")
        assert waiting == [("bad", "RESERVING")]

        mended = encode(ProductDiscontinued(bad), ORIGIN)
        await shop.rows(MEND, "ProductDiscontinued", mended, poison)
        await shop.rows(RETRY, "%")

        async def refused() -> bool:
            return await shop.rows("SELECT status FROM executions WHERE name = 'bad'") == [
                ("FAILED",)
            ]

        async def nothing_parked() -> bool:  # each runner tries again at a heartbeat of its own
            return await shop.rows("SELECT count(*) FROM parked_events") == [(0,)]

        await until(refused)
        await until(nothing_parked)
    assert await shop.rows("SELECT count(*) FROM processes") == [(0,)]


async def test_a_parked_execution_is_given_up_when_its_time_has_come(quiet_shop: Shop) -> None:
    shop = quiet_shop
    bad = await shop.product()
    ada = await shop.customer()
    await shop.rows(POISON, bad)
    impatient = ProcessManager(time_limit=timedelta(seconds=0.5))
    with running(shop.url, impatient), running(shop.url, Projector()):
        await shop.place(await shop.order(ada, {bad: 1}, 10_00), ada, "bad")

        async def given_up() -> bool:
            return await shop.rows("SELECT problem ->> 'code' FROM orders") == [
                ("PROCESSING_FAILED",)
            ]

        await until(given_up)
    assert await shop.rows(PARKED, "process-manager") == []
    assert await shop.rows("SELECT balance FROM accounts") == [(1_000_00,)]


async def test_an_event_that_a_read_model_cannot_take_holds_up_its_stream_alone(
    quiet_shop: Shop,
) -> None:
    shop = quiet_shop
    bad, good = await shop.product(quantity=5), await shop.product(quantity=5)
    [(poison,)] = await shop.rows(POISON, bad)
    with running(shop.url, Projector()):
        await shop.send(AdjustStock(good, new_id(), 1, "found"))

        async def good_is_seen() -> bool:
            return await shop.rows("SELECT on_hand FROM products WHERE product_id = %s", good) == [
                (6,)
            ]

        await until(good_is_seen)
        assert await shop.rows(PARKED, "projector:products") == [(poison, False)]
        adjusted = StockAdjusted(bad, new_id(), 2, "found")
        await shop.rows(MEND, "StockAdjusted", encode(adjusted, ORIGIN), poison)
        behind = await shop.send(AdjustStock(bad, new_id(), 1, "found"))
        await shop.follower.wait_for(behind.position)
        assert await shop.rows(PARKED, "projector:products") == [
            (poison, False),
            (behind.position, True),
        ]
        await shop.rows(RETRY, "projector:products")

        async def bad_is_seen() -> bool:
            return await shop.rows("SELECT on_hand FROM products WHERE product_id = %s", bad) == [
                (8,)
            ]

        await until(bad_is_seen)
    assert await shop.rows(PARKED, "projector:products") == []
