"""What an input may hold: all that is wrong with it is reported at once, with each field's path."""

import re
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

from infrastructure.text import problem_of, shows_something

MOST_MONEY = Decimal(10_000_000_000)
LARGEST_INT = 2**31 - 1
MOST_ORDERED = 1_000_000
MOST_ROWS = 100
LONGEST_LINE = 200
LONGEST_URL = 2_000
LONGEST_NAME = 100

CANONICAL_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def parse_uuid(text: str) -> UUID | None:
    """The UUID that `text` is in its usual form of 36 characters, or None."""
    return UUID(text) if CANONICAL_UUID.fullmatch(text) else None


class Check:
    """Notes what is wrong with one input, in `problems` as (path, message).

    Every method answers the value as commands want it; the answers are of use only where `problems`
    is empty at the end. `digits` is how many the currency has after its point.
    """

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.problems: list[tuple[str, str]] = []

    def add(self, path: str, message: str) -> None:
        """Note that the field at `path` is wrong."""
        self.problems.append((path, message))

    def text(self, path: str, value: str, longest: int = LONGEST_LINE) -> str:
        """One line of 1 to `longest` printable characters, without the spaces around it."""
        line = value.strip()
        if problem := problem_of(line, longest):
            self.add(path, problem)
        return line

    def execution_name(self, path: str, value: str) -> str:
        """1 to 100 printable characters, kept as they are: the name is looked up by them."""
        fits = 1 <= len(value) <= LONGEST_NAME and value.isprintable()
        if not fits or not shows_something(value):
            self.add(path, f"Must have 1 to {LONGEST_NAME} printable characters.")
        return value

    def image_url(self, path: str, value: str) -> str:
        """An http(s) URL, or a path, relative or not."""
        known = len(self.problems)
        url = self.text(path, value, LONGEST_URL)
        if len(self.problems) == known and not _is_image_url(url):
            self.add(path, "Must be an http or https URL, or a path.")
        return url

    def amount(self, path: str, value: Decimal, *, positive: bool = False) -> int:
        """Minor units of an exact amount between 0 (excluded if `positive`) and ten billion."""
        if not value.is_finite():
            self.add(path, "Must be a number.")
        elif value < 0 or (positive and not value):
            self.add(path, "Must be greater than 0." if positive else "Must not be negative.")
        elif value > MOST_MONEY:
            self.add(path, f"Must be at most {MOST_MONEY:,}.")
        elif _has_more_digits(value, self.digits):
            self.add(path, f"Must have at most {self.digits} digits after the point.")
        else:
            return int(value.scaleb(self.digits))
        return 0

    def sum(self, path: str, amounts: Iterable[int]) -> None:
        """Amounts in minor units come to one that is within the bounds of amounts."""
        if sum(amounts) > MOST_MONEY.scaleb(self.digits):
            self.add(path, f"Must come to at most {MOST_MONEY:,}.")

    def whole(self, path: str, value: int, least: int, most: int) -> int:
        """A whole number within bounds."""
        if not least <= value <= most:
            self.add(path, f"Must be between {least:,} and {most:,}.")
        return value

    def rows(self, path: str, count: int) -> None:
        """A list has 1 to 100 members."""
        if not 1 <= count <= MOST_ROWS:
            self.add(path, f"Must hold between 1 and {MOST_ROWS}, holds {count:,}.")

    def unique(self, paths: Iterable[str], ids: Iterable[UUID | None]) -> None:
        """No id stands twice; None is no id."""
        seen = dict[UUID, str]()
        for path, id_ in zip(paths, ids, strict=True):
            if id_ is not None and (first := seen.setdefault(id_, path)) != path:
                self.add(path, f"Is the same as {first}.")


def _has_more_digits(value: Decimal, digits: int) -> bool:
    """Exact for any length: no arithmetic, which would round to the context's precision."""
    _, figures, exponent = value.as_tuple()
    surplus = -digits - int(exponent)
    return surplus > 0 and any(figures[-surplus:])


def _is_image_url(url: str) -> bool:
    if " " in url:
        return False
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            return bool(parts.hostname)
        return not parts.scheme and not parts.netloc and "\\" not in url
    return False
