"""Somebody in front of a browser: what they do, and what goes wrong where they do not look."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

AXE = Path(__file__).parents[2] / "web" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 15_000  # milliseconds; what does not come at all takes that long to be noticed
FADING = 50  # milliseconds from one theme to the other, where motion is reduced
ADDRESS = {
    "Street": "Karl Johans gate",
    "House number": "1",
    "Post code": "0150",
    "City": "Oslo",
    "Country": "Norway",
}

expect.set_options(timeout=PATIENCE)


@dataclass
class Visitor:
    """One browser context with its first page; `wrong` is what its pages complained of."""

    context: BrowserContext
    page: Page
    home: str
    wrong: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def enter(cls, browser: Browser, home: str, **options: Any) -> AsyncIterator["Visitor"]:
        context = await browser.new_context(base_url=home, **{"locale": "en-US", **options})
        context.set_default_timeout(PATIENCE)
        visitor = cls(context, await context.new_page(), home)
        context.on("console", visitor.heard)
        context.on("weberror", lambda error: visitor.wrong.append(str(error.error)))
        context.on("request", visitor.asked)
        yield visitor
        await context.close()

    def heard(self, message: ConsoleMessage) -> None:
        """An error or a breach of the policy; that a password is wrong the browser reports too."""
        known = message.text.startswith("Failed to load resource") and "401" in message.text
        if message.type == "error" and not known:
            self.wrong.append(message.text)

    def asked(self, request: Request) -> None:
        """No page asks anybody but the shop."""
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.wrong.append(f"asked {request.url}")

    def check(self) -> None:
        """Nothing may have gone wrong."""
        assert self.wrong == []

    async def sign_in(self, name: str) -> None:
        """As one of the demo's people, by a press of their button."""
        await self.page.goto("/sign-in")
        await self.page.get_by_role("button", name=f"Sign in as {name}").click()
        await expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    async def add(self, board: str) -> None:
        """One of it into the cart."""
        await self.page.get_by_role("button", name=f"Add to cart: {board}").click()

    async def write_address(self) -> None:
        """Where the order is to go."""
        for label, value in ADDRESS.items():
            await self.page.get_by_label(label, exact=True).fill(value)

    async def place(self) -> None:
        """Order what is in the cart, and wait until the page is that of its execution."""
        await self.page.get_by_role("button", name="Place order").click()
        await self.page.wait_for_url("**/executions/*")

    async def empty_cart(self) -> None:
        """Whatever an unfinished order has put into it."""
        await self.page.evaluate("localStorage.removeItem('shop.cart')")
        await self.page.goto("/")

    async def breaches_at(self, path: str) -> list[str]:
        """What axe finds on the screen at the path, when all of it is there."""
        await self.page.goto(path)
        await self.page.wait_for_load_state("networkidle")
        return [f"{path}: {breach}" for breach in await self.breaches()]

    async def breaches(self) -> list[str]:
        """What axe finds on the page as it is, in both themes, which differ in their colours alone:
        https://github.com/dequelabs/axe-core"""
        await self.page.evaluate(AXE.read_text())
        await self.page.emulate_media(color_scheme="light")
        found = await self.page.evaluate("axe.run(document)")
        await self.page.emulate_media(color_scheme="dark")
        await self.page.wait_for_timeout(FADING)
        dark = await self.page.evaluate("axe.run(document, { runOnly: ['color-contrast'] })")
        return [
            f"{each['id']}: {each['help']} {[node['html'][:150] for node in each['nodes'][:3]]}"
            for each in (*found["violations"], *dark["violations"])
        ]
