"""Pages by cursor: a position in the log, so that pages stay right while rows arrive."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import strawberry

from api.graphql.errors import BadUserInput
from api.graphql.schema.scalars import given
from domain.message import message

MOST_ROWS = 100
LAST_POSITION = 2**63 - 1

T = TypeVar("T")
Row = TypeVar("Row")


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    nodes: list[T]
    page_info: PageInfo
    positions: strawberry.Private[list[int]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field
    def edges(self) -> list[Edge[T]]:
        return edges_of(self)

    @strawberry.field
    async def total_count(self) -> int:
        return await self.count()


def edges_of(page: Connection[T]) -> list[Edge[T]]:
    """The nodes, each with its cursor."""
    return [
        Edge(cursor=_cursor(position), node=node)
        for position, node in zip(page.positions, page.nodes, strict=True)
    ]


@message
class Page:
    """`first` rows, of those beyond the position `after` (None: from the beginning)."""

    first: int
    after: int | None

    @property
    def limit(self) -> int:
        """One more than asked for: that row says that there is a next page."""
        return self.first + 1


def page_of(first: int | None, after: str | None, default: int = 20, most: int = MOST_ROWS) -> Page:
    """The page that a field's arguments ask for. Raises BadUserInput."""
    first, after = default if first is None else first, given(after)
    if not 0 <= first <= most:
        raise BadUserInput(f"`first` must be between 0 and {most:,}.")
    return Page(first, None if after is None else _position(after))


def connection(
    rows: Sequence[Row],
    page: Page,
    position: Callable[[Row], int],
    node: Callable[[Row], T],
    count: Callable[[], Awaitable[int]],
) -> Connection[T]:
    """The page, of up to `page.limit` rows; `count` is asked only where the total is selected."""
    shown = rows[: page.first]
    positions = [position(row) for row in shown]
    return Connection(
        nodes=[node(row) for row in shown],
        page_info=PageInfo(
            has_next_page=len(rows) > page.first,
            has_previous_page=page.after is not None,
            start_cursor=_cursor(positions[0]) if positions else None,
            end_cursor=_cursor(positions[-1]) if positions else None,
        ),
        positions=positions,
        count=count,
    )


def _cursor(position: int) -> str:
    return urlsafe_b64encode(b"%d" % position).decode()


def _position(cursor: str) -> int:
    try:
        position = int(urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, NotBase64):
        position = -1
    if not 0 <= position <= LAST_POSITION or _cursor(position) != cursor:
        raise BadUserInput("`after` is no cursor of this list.")
    return position
