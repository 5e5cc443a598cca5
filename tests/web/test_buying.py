"""Buying a board, in a real browser, in a real shop."""

import pytest
from playwright.async_api import expect

from tests.web.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_stranger_buys_a_board_and_sees_every_step(visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/")
    await visitor.add("Polka")
    await page.get_by_role("link", name="Cart, 1 item").click()
    await page.get_by_role("link", name="Sign in to order").click()
    await page.get_by_role("button", name="Sign in as Ada").click()
    await page.wait_for_url("**/cart")
    await visitor.write_address()
    await visitor.place()
    await expect(page.get_by_role("heading", name="Your board is on its way")).to_be_visible()
    steps = page.locator("[data-step]")
    await expect(steps).to_have_count(5)
    assert [await step.get_attribute("data-step") for step in await steps.all()] == [
        "STARTED",
        "STOCK_RESERVED",
        "PAYMENT_TAKEN",
        "SHIPMENT_PREPARED",
        "SUCCEEDED",
    ]


async def test_the_result_is_there_again_wherever_its_address_is_opened(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in("Grace")
    await page.goto("/")
    await visitor.add("Mojave")
    await page.goto("/cart")
    await visitor.write_address()
    await visitor.place()
    await page.close()
    again = await visitor.context.new_page()
    await again.goto(page.url)
    await expect(again.get_by_role("heading", name="Your board is on its way")).to_be_visible()
