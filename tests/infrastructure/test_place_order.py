"""Orders placed through the dispatcher, driven by the runners, seen in the read models."""

import asyncio

import pytest

from tests.infrastructure.conftest import Shop

pytestmark = pytest.mark.usefixtures("runners")


async def statuses(shop: Shop) -> list[tuple[object, ...]]:
    return await shop.rows("SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1")


async def steps(shop: Shop, name: str) -> list[str]:
    rows = await shop.rows(
        "SELECT step ->> 'type' FROM executions, jsonb_array_elements(steps) AS step"
        " WHERE name = %s",
        name,
    )
    return [str(row[0]) for row in rows]


async def test_an_order_is_completed_step_by_step(quiet_shop: Shop) -> None:
    shop = quiet_shop
    board, wheel = await shop.product(), await shop.product()
    ada = await shop.customer()
    order = await shop.order(ada, {board: 2, wheel: 1}, 30_00)
    await shop.place(order, ada, "first")
    await shop.settled()
    assert await statuses(shop) == [("COMPLETED", 1)]
    assert await steps(shop, "first") == [
        "STARTED",
        "STOCK_RESERVED",
        "STOCK_RESERVED",
        "PAYMENT_TAKEN",
        "SHIPMENT_PREPARED",
        "SUCCEEDED",
    ]
    assert await shop.rows("SELECT balance FROM accounts") == [(970_00,)]
    assert await shop.rows("SELECT on_hand, reserved FROM products ORDER BY on_hand") == [
        (8, 0),
        (9, 0),
    ]
    assert await shop.rows("SELECT count(*) FROM processes") == [(0,)]


async def test_what_was_reserved_is_released_when_the_payment_is_refused(quiet_shop: Shop) -> None:
    shop = quiet_shop
    board = await shop.product()
    poor = await shop.customer(money=5_00)
    await shop.place(await shop.order(poor, {board: 1}, 10_00), poor, "poor")
    await shop.settled()
    assert await statuses(shop) == [("FAILED", 1)]
    assert await steps(shop, "poor") == [
        "STARTED",
        "STOCK_RESERVED",
        "PAYMENT_REFUSED",
        "STOCK_RELEASED",
        "FAILED",
    ]
    assert await shop.rows("SELECT on_hand, reserved FROM products") == [(10, 0)]


async def test_of_72_orders_for_40_boards_exactly_40_are_sold(quiet_shop: Shop) -> None:
    shop = quiet_shop
    board = await shop.product(quantity=40)
    customers = [await shop.customer() for _ in range(12)]

    async def buy(n: int) -> None:
        customer = customers[n % 12]
        order = await shop.order(customer, {board: 1}, 10_00)
        await shop.place(order, customer, f"order {n}")

    await asyncio.gather(*(buy(n) for n in range(72)))
    await shop.settled()
    assert await statuses(shop) == [("COMPLETED", 40), ("FAILED", 32)]
    assert await shop.rows("SELECT on_hand, reserved FROM products") == [(0, 0)]
    assert await shop.rows("SELECT sum(balance)::bigint FROM accounts") == [(12_000_00 - 400_00,)]
