"""Proxies that the environment names are not for this machine's own addresses."""

import os

LOOPBACK = "localhost,127.0.0.1,::1"


def spare_loopback() -> None:
    """Let every library of this process and its children reach this machine without a proxy, which
    would look for `127.0.0.1` on its own machine."""
    before = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    spared = f"{before},{LOOPBACK}" if before else LOOPBACK
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = spared  # some read the one, some the other
