"""Buying boards, in a real browser, in a real shop."""

import re

import pytest
from playwright.async_api import Browser, expect

from api.demo_data import PASSWORD
from tests.api.shop import Shop
from tests.api.test_people import SIGN_OUT
from tests.web.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOUGHT = "Your board is on its way"
REFUSED = "Your order did not go through"


async def in_cart(visitor: Visitor, who: str, board: str, quantity: int = 1) -> None:
    """Signed in, so many of the board in the cart, and the address written."""
    await visitor.sign_in(who)
    await visitor.empty_cart()
    await visitor.add(board)
    if quantity > 1:
        await visitor.page.get_by_label(f"Quantity of {board}").fill(str(quantity))
    await visitor.page.get_by_role("link", name=re.compile("^Cart, ")).click()
    await visitor.write_address()


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
    await expect(page.get_by_role("heading", name=BOUGHT)).to_be_visible()
    steps = page.locator("[data-step]")
    await expect(steps).to_have_count(5)
    assert [await step.get_attribute("data-step") for step in await steps.all()] == [
        "STARTED",
        "STOCK_RESERVED",
        "PAYMENT_TAKEN",
        "SHIPMENT_PREPARED",
        "SUCCEEDED",
    ]
    await page.get_by_role("link", name="See the order").click()
    await expect(page.get_by_role("heading", name=re.compile(r"Order \d+"))).to_be_visible()
    await expect(page.get_by_text("Karl Johans gate 1")).to_be_visible()


async def test_a_page_closed_before_the_result_finds_it_at_the_same_address(
    visitor: Visitor,
) -> None:
    await in_cart(visitor, "Grace", "Mojave")
    await visitor.place()
    address = visitor.page.url
    await visitor.page.close()
    again = await visitor.context.new_page()
    await again.goto(address)
    await expect(again.get_by_role("heading", name=BOUGHT)).to_be_visible()
    await again.go_back()
    await expect(again.get_by_role("button", name="Place order")).to_have_count(0)


async def test_a_second_click_places_nothing_twice(visitor: Visitor) -> None:
    page = visitor.page
    await in_cart(visitor, "Grace", "Sunset")
    await page.get_by_role("button", name="Place order").dblclick()
    await expect(page.get_by_role("heading", name=BOUGHT)).to_be_visible()
    await page.get_by_role("link", name="See the order").click()
    await expect(page.locator("details")).to_have_count(1)


async def test_too_little_money_is_deposited_and_the_order_goes_on(visitor: Visitor) -> None:
    page = visitor.page
    await in_cart(visitor, "Ada", "Thunder", 20)
    await expect(page.get_by_text("are missing")).to_be_visible()
    await visitor.place()
    await expect(page.get_by_role("heading", name=REFUSED)).to_be_visible()
    await expect(page.get_by_text("$2,500.00")).to_be_visible()
    await page.get_by_role("button", name=re.compile(r"^Deposit \$")).click()
    await page.wait_for_url("**/cart")
    await visitor.place()
    await expect(page.get_by_role("heading", name=BOUGHT)).to_be_visible()
    await page.get_by_role("link", name="See the order").click()
    await expect(page.locator("details")).to_have_count(2)


async def test_what_changes_while_somebody_looks_is_said_before_they_order(
    visitor: Visitor, browser: Browser
) -> None:
    page = visitor.page
    await in_cart(visitor, "Grace", "Comet", 5)
    async with Visitor.enter(browser, visitor.home) as other:
        await other.sign_in("Alex")
        await other.page.goto("/manage")
        await other.page.get_by_role("button", name="Edit Comet").click()
        await other.page.get_by_label("Price").fill("151")
        await other.page.get_by_role("button", name="Save").click()
        await other.page.get_by_role("button", name="Stock of Comet").click()
        await other.page.get_by_label("By how many").fill("-2")
        await other.page.get_by_label("Reason").fill("two were stolen")
        await other.page.get_by_role("button", name="Save").click()
        other.check()
    await expect(page.get_by_text("Of Comet only 3 are left.")).to_be_visible()
    await expect(page.get_by_role("button", name="Place order")).to_be_disabled()
    await page.get_by_role("button", name="Take 3").click()
    await page.get_by_role("button", name="Take it for $151.00").click()
    await expect(page.get_by_role("button", name="Place order")).to_be_enabled()


async def test_offline_is_said_and_what_was_typed_is_there_when_it_is_back(
    visitor: Visitor,
) -> None:
    page = visitor.page
    await in_cart(visitor, "Grace", "Undertow")
    await visitor.context.set_offline(True)
    await page.get_by_role("button", name="Place order").click()
    await expect(page.get_by_text("There is no connection")).to_be_visible()
    await visitor.context.set_offline(False)
    visitor.wrong.clear()  # the browser reports that it could not ask
    await visitor.place()
    await expect(page.get_by_role("heading", name=BOUGHT)).to_be_visible()


async def test_a_session_that_ends_meanwhile_loses_nothing_that_was_typed(
    visitor: Visitor, demo: Shop
) -> None:
    page = visitor.page
    await in_cart(visitor, "Grace", "Checkmate")
    [cookie] = [each for each in await visitor.context.cookies() if "session" in each["name"]]
    await demo.visitor().ask(SIGN_OUT, token=cookie["value"])
    await page.get_by_role("button", name="Place order").click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_label("Street")).to_have_value("Karl Johans gate")
    await visitor.place()
    await expect(page.get_by_role("heading", name=BOUGHT)).to_be_visible()
