"""How many things somebody holds at once: connections, subscriptions."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class TooMany(Exception):
    """As many as are allowed are held already."""


class Tally:
    """At most `most` for each key, where limits are on; the sum is `total`, and `refused` counts
    what was too many."""

    def __init__(self, most: int, *, limits: bool) -> None:
        self.total = 0
        self.refused = 0
        self._most = most
        self._limits = limits
        self._held: Counter[Hashable] = Counter()

    @contextmanager
    def hold(self, key: Hashable) -> Iterator[None]:
        """Hold one more while inside. Raises TooMany."""
        if self._limits and self._held[key] >= self._most:
            self.refused += 1
            raise TooMany
        self._held[key] += 1
        self.total += 1
        try:
            yield
        finally:
            self.total -= 1
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
