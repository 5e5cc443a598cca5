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
from typing import Any, Literal

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


SCREENS: dict[str, Scene] = {
    "products": products,
    "sign-in": sign_in,
    "cart-empty": empty_cart,
    "cart": cart,
    "order-completed": completed,
    "order-refused": refused,
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
        for name, width, theme in product(names, WIDTHS, THEMES):
            await _take_one(browser, folder / f"{name}-{width}-{theme}.png", home, name)
        await browser.close()


async def _take_one(browser: Browser, path: Path, home: str, name: str) -> None:
    _, width, theme = path.stem.rsplit("-", 2)
    wide, high = WIDTHS[width]
    options: dict[str, Any] = {
        "viewport": {"width": wide, "height": high},
        "color_scheme": theme,
        "reduced_motion": "reduce",
    }
    async with Visitor.enter(browser, home, **options) as visitor:
        await SCREENS[name](visitor)
        await visitor.page.wait_for_load_state("networkidle")
        await visitor.page.screenshot(path=path)


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
