"""File descriptors: as many as the system allows, and some of them never for clients.

A process that has none left can open no connection to its database either, and whoever ordered
would suffer from those who only stay connected.
"""

import resource
from collections.abc import Collection
from contextlib import suppress

import structlog

log = structlog.get_logger()

# Where the system names no limit, or one beyond what it grants, these are tried.
TRIED = (1_048_576, 65_536, 10_240)
KEPT = 128  # of a process's own: pools, listeners, files, pipes
NEAR = 0.9  # of the connections that there is room for
AGAIN = 0.8  # below that, coming near is told anew


def raise_limit() -> int:
    """Let this process open as many files as the system allows, and return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    for wanted in TRIED if unlimited else (min(hard, TRIED[0]), *TRIED):
        if wanted <= soft or not (unlimited or wanted <= hard):
            continue
        with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return TRIED[0] if soft == resource.RLIM_INFINITY else soft


class Room:
    """How many connections of clients a process has room for, and how many are open."""

    def __init__(self, limit: int) -> None:
        """`limit`: how many files the process may open."""
        self.most = max(limit - KEPT, limit // 2)
        self.refused = 0
        self._open: Collection[object] = ()
        self._told = False

    @property
    def open(self) -> int:
        """Connections at this moment."""
        return len(self._open)

    @property
    def is_full(self) -> bool:
        """Whether the next one is refused."""
        return self.open >= self.most

    @property
    def warning(self) -> str | None:
        """What an operator should know, in a sentence without an end."""
        if self.open < self.most * NEAR:
            return None
        return (
            f"{self.open:,} of the {self.most:,} connections are open that the limit of file"
            " descriptors leaves room for"
        )

    def admit(self, connections: Collection[object]) -> bool:
        """Whether there is room for the last one of these, which are all that are open."""
        self._open = connections
        if self.open > self.most:
            self.refused += 1
        warning = self.warning
        if warning is not None and not self._told:
            log.warning("file descriptors run short: raise the limit (ulimit -n)", reason=warning)
        self._told = warning is not None or (self._told and self.open > self.most * AGAIN)
        return self.open <= self.most
