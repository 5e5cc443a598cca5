"""How many things somebody holds at once: connections, subscriptions."""

from collections import Counter
from collections.abc import Hashable


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

    def hold(self, key: Hashable) -> "Held":
        """What holds one more while it is entered. Entering raises TooMany."""
        return Held(self, key)

    def take(self, key: Hashable) -> None:
        """Hold one more. Raises TooMany."""
        if self._limits and self._held[key] >= self._most:
            self.refused += 1
            raise TooMany
        self._held[key] += 1
        self.total += 1

    def give_back(self, key: Hashable) -> None:
        """Hold one less."""
        self.total -= 1
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]


class Held:
    """One thing that is held: a plain object, because there is one for each open subscription."""

    __slots__ = ("_key", "_tally")

    def __init__(self, tally: Tally, key: Hashable) -> None:
        self._tally = tally
        self._key = key

    def __enter__(self) -> None:
        self._tally.take(self._key)

    def __exit__(self, *_: object) -> None:
        self._tally.give_back(self._key)
