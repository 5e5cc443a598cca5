"""Who comes to the shop, and what they do beside buying."""

import pytest
from playwright.async_api import Browser, expect

from api.demo.documents import CREATE_ORDER, SIGN_IN
from api.demo.stage import ADDRESS
from api.demo_data import GRACE, PASSWORD, POLKA
from tests.api.shop import Shop
from tests.security.people import an_address, post_of
from tests.web.visitor import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "four old trucks rolling"


async def test_what_is_wrong_is_said_beside_its_field(visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_label("E-mail")).to_have_accessible_description("This is needed.")
    await page.get_by_label("E-mail").fill("ada@example.com")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")


async def test_a_new_customer_proves_their_address_and_is_in(visitor: Visitor, demo: Shop) -> None:
    page, email = visitor.page, an_address()
    async with post_of(demo) as post:
        await page.goto("/sign-up")
        await page.get_by_label("Name").fill("Tony")
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password", exact=True).fill(SECRET)
        await page.get_by_label("Password, again").fill(SECRET)
        await page.get_by_label("Opening deposit").fill("12.50")
        await page.get_by_role("button", name="Create account").click()
        await page.wait_for_url("**/verify*")
        code = await post.code(email)
        await page.get_by_label("Code from the mail").fill(f" {code[:3]}-{code[3:]} ")
        await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("banner").get_by_text("$12.50")).to_be_visible()


async def test_a_forgotten_password_is_set_anew(visitor: Visitor, demo: Shop) -> None:
    page = visitor.page
    async with post_of(demo) as post:
        await page.goto("/password")
        await page.get_by_label("E-mail").fill("buyer01@example.com")
        await page.get_by_role("button", name="Send a code").click()
        await page.get_by_label("Code from the mail").wait_for()
        code = await post.code("buyer01@example.com")
    await page.get_by_label("Code from the mail").fill(code)
    await page.get_by_label("New password").fill(SECRET)
    await page.get_by_role("button", name="Set the password").click()
    await page.wait_for_url("**/sign-in")
    await page.get_by_label("E-mail").fill("buyer01@example.com")
    await page.get_by_label("Password").fill(SECRET)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_money_goes_in_and_out(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.sign_in("Grace")
    await page.get_by_role("link", name="Account").click()
    await page.get_by_label("Amount").fill("0,50")
    await page.get_by_role("button", name="Deposit").click()
    await expect(page.get_by_role("main").get_by_text("Balance $1,000.50")).to_be_visible()
    await page.get_by_label("Amount").fill("9999")
    await page.get_by_role("button", name="Withdraw").click()
    await expect(page.get_by_label("Amount")).to_have_accessible_description(
        "Your balance is $1,000.50."
    )
    await page.get_by_label("Amount").fill("0.50")
    await page.get_by_role("button", name="Withdraw").click()
    await expect(page.get_by_text("Withdrawal")).to_be_visible()


async def test_two_tabs_share_a_session_and_its_end(visitor: Visitor) -> None:
    await visitor.sign_in("Ada")
    other = await visitor.context.new_page()
    await other.goto("/account")
    await expect(other.get_by_text("ada@example.com")).to_be_visible()
    await visitor.page.reload()
    await visitor.page.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_role("heading", name="Sign in first")).to_be_visible()


async def test_administrators_see_each_other_and_overwrite_nothing_in_silence(
    visitor: Visitor, browser: Browser
) -> None:
    page = visitor.page
    await visitor.sign_in("Alex")
    await page.goto("/manage")
    await page.get_by_role("button", name="New product").click()
    await page.get_by_label("Name").fill("Vertigo")
    await page.get_by_label("Price").fill("88")
    await page.get_by_label("Picture").fill("/static/skateboards/comet.svg")
    await page.get_by_label("On hand").fill("7")
    await page.get_by_role("button", name="Create").click()
    await page.get_by_role("button", name="Edit Vertigo").click()
    await page.get_by_label("Price").fill("90")
    async with Visitor.enter(browser, visitor.home) as other:
        await other.sign_in("Alex")
        await other.page.goto("/manage")
        await other.page.get_by_role("button", name="Edit Vertigo").click()
        await other.page.get_by_label("Price").fill("99")
        await other.page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Somebody else has changed this")).to_be_visible()
        await page.get_by_role("button", name="Take theirs").click()
        await expect(page.get_by_label("Price")).to_have_value("99.00")
        await page.get_by_role("button", name="Close").click()
        await page.get_by_role("button", name="Discontinue Vertigo").click()
        await page.get_by_role("button", name="Discontinue", exact=True).click()
        row = other.page.locator("[data-product=Vertigo]")
        await expect(row.get_by_text("Discontinued")).to_be_visible()
        other.check()


async def test_a_search_stands_in_the_address(visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/?q=night")
    await expect(page.get_by_role("article")).to_have_count(1)
    await page.get_by_label("Search").fill("nothing like it")
    await page.get_by_role("button", name="Show all").click()
    await expect(page.get_by_role("heading", name="Night Shift")).to_be_visible()


async def test_german_is_one_more_language(browser: Browser, demo: Shop) -> None:
    home = f"http://{demo.api.address}"
    async with Visitor.enter(browser, home, locale="de-DE") as visitor:
        await visitor.page.goto("/cart")
        heading = visitor.page.get_by_role("heading", name="Dein Warenkorb ist leer")
        await expect(heading).to_be_visible()
        visitor.check()


async def test_an_order_of_somebody_else_is_never_put_into_the_cart(
    visitor: Visitor, demo: Shop
) -> None:
    """Administrators may see everybody's orders."""
    grace = demo.visitor()
    entered = await grace.ask(SIGN_IN, input={"email": GRACE.email, "password": PASSWORD})
    grace.token = entered["session"]["accessToken"]
    items = [{"productId": str(POLKA.id), "quantity": 1}]
    order = {"items": items, "shippingAddress": ADDRESS, "total": "49.00"}
    await grace.ask(CREATE_ORDER, input=order)
    await visitor.sign_in("Alex")
    await visitor.page.wait_for_load_state("networkidle")
    await expect(visitor.page.get_by_role("link", name="Cart, 0 items")).to_be_visible()
    await visitor.page.get_by_role("button", name="Sign out").click()
    await visitor.sign_in("Grace")
    await expect(visitor.page.get_by_role("link", name="Cart, 1 item")).to_be_visible()


async def test_nothing_is_wider_than_the_narrowest_screen(browser: Browser, demo: Shop) -> None:
    """320 pixels: an old telephone, or a laptop that magnifies four times."""
    home = f"http://{demo.api.address}"
    async with Visitor.enter(browser, home, viewport={"width": 320, "height": 640}) as visitor:
        await visitor.sign_in("Alex")
        await visitor.add("Polka")
        wide = []
        for path in ("/", "/cart", "/orders", "/account", "/manage", "/sign-in", "/sign-up"):
            await visitor.page.goto(path)
            await visitor.page.wait_for_load_state("networkidle")
            width = await visitor.page.evaluate("document.documentElement.scrollWidth")
            wide += [f"{path}: {width}"] if width > 320 else []
        assert wide == []


async def test_axe_finds_nothing_on_any_screen_in_either_theme(
    browser: Browser, demo: Shop
) -> None:
    home = f"http://{demo.api.address}"
    async with Visitor.enter(browser, home, reduced_motion="reduce") as visitor:
        found = []
        for path in ("/", "/?q=nothing like it", "/sign-in", "/sign-up", "/password", "/cart"):
            found += await visitor.breaches_at(path)
        await visitor.sign_in("Alex")
        await visitor.add("Polka")
        for path in ("/cart", "/orders", "/account", "/manage", "/executions/none", "/nowhere"):
            found += await visitor.breaches_at(path)
        await visitor.page.goto("/manage")
        await visitor.page.get_by_role("button", name="Edit Aurora").click()
        found += await visitor.breaches()
        assert found == []
        visitor.check()
