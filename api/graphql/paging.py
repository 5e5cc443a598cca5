"""Which page of a list is asked for, as the Relay connection specification has it.

A cursor is a position in the log, so pages stay right while rows arrive, and a seal that says of
which list it is. https://relay.dev/graphql/connections.htm
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import TypeVar

from api.graphql.errors import BadUserInput
from api.graphql.schema.scalars import given
from domain.message import message
from projections.window import Window

USUAL_ROWS = 20
MOST_ROWS = 100
LAST_POSITION = 2**63 - 1

Row = TypeVar("Row")
Read = Callable[[Window], Awaitable[Sequence[Row]]]


@message
class ListOf:
    """A list, told from all others by its name and, where there is one for each of many owners, by
    whose it is; `newest_first`, or in the order of the log."""

    name: str
    owner: object = None
    newest_first: bool = True
    usual_rows: int = USUAL_ROWS
    most_rows: int = MOST_ROWS

    @property
    def seal(self) -> bytes:
        """What its cursors begin with."""
        return blake2b(f"{self.name} {self.owner}".encode(), digest_size=4).digest()


@message
class Page:
    """`size` rows of a list, which are read towards its end, or `backward` towards its beginning.
    `window` has one more: that row says whether there are others beyond. `seal` is the list's."""

    seal: bytes
    size: int
    backward: bool
    window: Window

    async def rows(self, read: Read[Row]) -> Sequence[Row]:
        """What `read` finds: up to `size` rows and one more, in the direction of reading."""
        return await read(self.window) if self.size else ()

    def in_order(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Of what `rows` has answered the page's own, as they stand in the list."""
        own = rows[: self.size]
        return own[::-1] if self.backward else own

    async def has_rows_behind(self, read: Read[Row]) -> bool:
        """Whether the list has rows where reading began, before the page."""
        seen = self.window
        if not self.size:
            return False
        if seen.newest and seen.below is not None:
            return bool(await read(Window(1, above=seen.below - 1, newest=False)))
        if not seen.newest and seen.above is not None:
            return bool(await read(Window(1, below=seen.above + 1)))
        return False

    def cursor(self, position: int) -> str:
        """That of a row."""
        return _cursor(self.seal, position)


def page_of(
    of: ListOf,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Page:
    """The page that a field's arguments ask for. Raises BadUserInput.

    Both `first` and `last` would be legal and say little: they are refused. A page of no rows says
    that there are no others, because it has no cursor to go on from.
    """
    first, last = given(first), given(last)
    if first is not None and last is not None:
        raise BadUserInput("Give one of `first` and `last`.")
    size = of.usual_rows if first is None and last is None else (first if last is None else last)
    assert size is not None  # noqa: S101  # one of the three is there
    if not 0 <= size <= of.most_rows:
        name = "first" if last is None else "last"
        raise BadUserInput(f"`{name}` must be between 0 and {of.most_rows:,}.")
    seal, backward = of.seal, last is not None
    start, end = _position(seal, "after", after), _position(seal, "before", before)
    above, below = (end, start) if of.newest_first else (start, end)
    return Page(seal, size, backward, Window(size + 1, above, below, of.newest_first != backward))


def _cursor(seal: bytes, position: int) -> str:
    return urlsafe_b64encode(seal + position.to_bytes(8, "big")).decode()


def _position(seal: bytes, name: str, cursor: str | None) -> int | None:
    cursor = given(cursor)
    if cursor is None:
        return None
    try:
        position = int.from_bytes(urlsafe_b64decode(cursor.encode("ascii"))[len(seal) :], "big")
    except (ValueError, NotBase64):
        position = -1
    if not 0 <= position <= LAST_POSITION or _cursor(seal, position) != cursor:
        raise BadUserInput(f"`{name}` is no cursor of this list.")
    return position
