"""Looks after all waits of a process for a database server, in a thread of its own.

A server that is frozen, or behind a network that swallows everything, says nothing: its kernel
acknowledges, or nobody does, and whoever waits would do so for ever. A statement that takes long
looks the same. So whoever has waited long makes the watchdog ask the servers what they are: over
new connections, which one that works answers at once.
"""

import threading
from functools import cache
from time import monotonic, sleep

from infrastructure.postgres.pulse import Place
from infrastructure.postgres.servers import Servers, all_servers
from infrastructure.runtime.watched import Lasting, Watched

LOOK = 0.25  # seconds between two looks
SUSPICIOUS = 1.5  # seconds of waiting after which the server is asked; and again after as many


class Watchdog:
    """One a process."""

    def __init__(self) -> None:
        self._next: dict[tuple[Servers, Place], float] = {}

    def run(self) -> None:
        """Look for ever."""
        while True:
            sleep(LOOK)
            self.look(monotonic())

    def look(self, now: float) -> None:
        """Ask those servers that somebody has waited long for."""
        for servers in all_servers():
            for pulse in servers.pulses():
                since, place = pulse.since, pulse.place
                if since is None or place is None or now - since < SUSPICIOUS:
                    continue
                if self._next.get((servers, place), 0) <= now:
                    self._next[servers, place] = float("inf")
                    threading.Thread(target=self._ask, args=(servers, place), daemon=True).start()

    def _ask(self, servers: Servers, place: Place) -> None:
        try:
            servers.question(place)
        finally:
            self._next[servers, place] = monotonic() + SUSPICIOUS


@cache
def watch() -> Lasting:
    """Begin to look, once a process."""
    return Watched().thread("database watchdog", Watchdog().run)
