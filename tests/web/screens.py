"""Pictures of every screen: `make screenshots` takes them, in both themes and three widths.

python -m tests.web.screens FOLDER [SCREEN …]
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, async_playwright, expect

from tests.cli.running import RunningShop, eventually
from tests.web.browser import MISSING, find_browser, use_our_node
from tests.web.visitor import Visitor

WIDTHS = {"phone": (390, 844), "laptop": (1280, 800), "wall": (2560, 1440)}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
Scene = Callable[[Visitor], Awaitable[None]]


async def products(visitor: Visitor) -> None:
    await visitor.page.goto("/")
    await expect(visitor.page.get_by_role("article")).to_have_count(10)


async def sign_in(visitor: Visitor) -> None:
    await visitor.page.goto("/sign-in")
    await visitor.page.get_by_role("button", name="Sign in as Ada").wait_for()


async def empty_cart(visitor: Visitor) -> None:
    await visitor.page.goto("/cart")


async def cart(visitor: Visitor) -> None:
    await visitor.sign_in("Ada")
    for board in ("Aurora", "Mojave", "Polka"):
        await visitor.add(board)
    await visitor.page.get_by_role("link", name="Cart, 3 items").click()
    await visitor.write_address()


async def completed(visitor: Visitor) -> None:
    await visitor.sign_in("Ada")
    await visitor.add("Polka")
    await visitor.page.get_by_role("link", name="Cart, 1 item").click()
    await visitor.write_address()
    await visitor.place()
    await visitor.page.get_by_role("heading", name="on its way").wait_for()


async def refused(visitor: Visitor) -> None:
    """More than the account holds."""
    await visitor.sign_in("Grace")
    await visitor.add("Thunder")
    await visitor.page.get_by_label("Quantity of Thunder").fill("20")
    await visitor.page.get_by_role("link", name="Cart, 20 items").click()
    await visitor.write_address()
    await visitor.place()
    await visitor.page.get_by_role("heading", name="did not go through").wait_for()


async def orders(visitor: Visitor) -> None:
    """After some were placed."""
    await visitor.sign_in("Ada")
    await visitor.page.get_by_role("link", name="Orders").click()
    await visitor.page.get_by_text("Order 1", exact=True).wait_for()


async def order(visitor: Visitor) -> None:
    await orders(visitor)
    await visitor.page.get_by_text("Order 1", exact=True).click()
    await visitor.page.get_by_role("heading", name="Order 1").wait_for()


async def account(visitor: Visitor) -> None:
    await visitor.sign_in("Ada")
    await visitor.page.get_by_role("link", name="Account").click()
    await visitor.page.get_by_text("Payment of an order").first.wait_for()


async def sign_up(visitor: Visitor) -> None:
    await visitor.page.goto("/sign-up")
    await visitor.page.get_by_label("Name").fill("Tony")
    await visitor.page.get_by_label("Password", exact=True).fill("four old trucks")


async def manage(visitor: Visitor) -> None:
    await visitor.sign_in("Alex")
    await visitor.page.get_by_role("link", name="Manage products").click()
    await visitor.page.get_by_role("button", name="Edit Aurora").wait_for()


async def edit(visitor: Visitor) -> None:
    await manage(visitor)
    await visitor.page.get_by_role("button", name="Edit Aurora").click()
    await visitor.page.get_by_label("Price").wait_for()


# In this order: those who look at orders find those that were placed before.
SCREENS: dict[str, Scene] = {
    "products": products,
    "sign-in": sign_in,
    "sign-up": sign_up,
    "cart-empty": empty_cart,
    "cart": cart,
    "order-completed": completed,
    "order-refused": refused,
    "orders": orders,
    "order": order,
    "account": account,
    "manage": manage,
    "manage-edit": edit,
}


async def take(folder: Path, home: str, names: list[str]) -> None:
    """All of the screens named, one after the other."""
    async with async_playwright() as playwright:
        found = find_browser(playwright.chromium.executable_path)
        if found is None:
            sys.exit(MISSING)
        browser = await playwright.chromium.launch(
            executable_path=found.program,
            channel=found.channel,
            env={**os.environ, **found.environment},
        )
        for name in names:
            await _take(browser, folder, home, name)
        await browser.close()


async def _take(browser: Browser, folder: Path, home: str, name: str) -> None:
    """Get there once, and look at it in every way."""
    options = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 800}}
    async with Visitor.enter(browser, home, **options) as visitor:
        page = visitor.page
        await SCREENS[name](visitor)
        for (width, (wide, high)), theme in product(WIDTHS.items(), THEMES):
            await page.emulate_media(color_scheme=theme)
            await page.set_viewport_size({"width": wide, "height": high})
            await page.wait_for_load_state("networkidle")
            await page.wait_for_timeout(200)  # colours fade from one theme to the other
            await page.screenshot(path=folder / f"{name}-{width}-{theme}.png")


def main() -> None:
    use_our_node()
    folder, *names = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        shop = RunningShop(Path(data), "serve", "--demo", SHOP_DATA_DIR=data, SHOP_LIMITS="off")
        try:
            eventually(shop.is_ready, 60)
            home = f"http://127.0.0.1:{shop.port}"
            asyncio.run(take(Path(folder), home, names or list(SCREENS)))
        finally:
            shop.terminate()


if __name__ == "__main__":
    main()
