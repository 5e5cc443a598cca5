"""One shop with the demo's data and one browser for all tests that drive one."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.api.shop import Shop
from tests.demo.shop import running_demo
from tests.web.browser import MISSING, find_browser, use_our_node
from tests.web.visitor import Visitor

use_our_node()


@pytest.fixture(scope="session")
def demo(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    """The demo, as `shop serve --demo` has it, without limits."""
    with running_demo(postgres_server, migrated_template) as shop:
        yield shop


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A browser; where there is none, in CI, that is a failure."""
    async with async_playwright() as playwright:
        found = find_browser(playwright.chromium.executable_path)
        if found is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
        browser = await playwright.chromium.launch(
            executable_path=found.program,
            channel=found.channel,
            env={**os.environ, **found.environment},
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, demo: Shop) -> AsyncIterator[Visitor]:
    """Somebody who has never been here; in the end nothing may have gone wrong in their browser."""
    async with Visitor.enter(browser, f"http://{demo.api.address}") as visitor:
        yield visitor
        visitor.check()
