"""Pages of lists, as clients see them: nodes, edges with cursors, and what lies beyond."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Generic, TypeVar, cast

import strawberry

from api.graphql.paging import Page, Read
from api.graphql.schema.fields import described

T = TypeVar("T")
Row = TypeVar("Row")

First = Annotated[
    int | None,
    strawberry.argument(
        description="How many rows at most, from the beginning of the list or from `after` on."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor of this list: only rows that come later in it than that one."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="How many rows at most, at the end of the list or just ahead of `before`;"
        " instead of `first`. Their order is the list's all the same."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor of this list: only rows that come earlier in it than that one."
    ),
]


@strawberry.type(description="What lies beyond a page, and the cursors to go on from.")
class PageInfo:
    start_cursor: str | None = strawberry.field(
        description="The cursor of the page's first row, to be given as `before` for the page ahead"
        " of it; null where the page has no rows."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the page's last row, to be given as `after` for the next page;"
        " null where the page has no rows."
    )
    backward: strawberry.Private[bool]
    has_more: strawberry.Private[bool]  # in the direction of reading
    has_rows_behind: strawberry.Private[Callable[[], Awaitable[bool]]]

    @described("Whether the list has rows after this page's; false where no rows were asked for.")
    def has_next_page(self) -> bool:
        return self._has_more(there=not self.backward)

    @described(
        "Whether the list has rows ahead of this page's; false where no rows were asked for."
    )
    def has_previous_page(self) -> bool:
        return self._has_more(there=self.backward)

    def _has_more(self, *, there: bool) -> bool:
        # The executor awaits what is awaitable, and it seldom is.
        return self.has_more if there else cast("bool", self.has_rows_behind())


@strawberry.type(description="A row of a page with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(
        description="Where the row stands: what `after` and `before` of the same list take. It"
        " stays valid, and means nothing in another list."
    )
    node: T = strawberry.field(description="The row itself.")


@strawberry.type(
    description="A page of a list, as the Relay connection specification has it:"
    " https://relay.dev/graphql/connections.htm"
)
class Connection(Generic[T]):
    nodes: list[T] = strawberry.field(description="The rows of this page.")
    page_info: PageInfo = strawberry.field(description="Whether and where the list goes on.")
    page: strawberry.Private[Page]
    positions: strawberry.Private[list[int]]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @described("The rows of this page, each with its cursor.")
    def edges(self) -> list[Edge[T]]:
        return edges_of(self.page, self.positions, self.nodes)

    @described("How many rows the whole list has, on all its pages.")
    async def total_count(self) -> int:
        return await self.count()


async def connection(
    page: Page,
    read: Read[Row],
    position: Callable[[Row], int],
    node: Callable[[Row], T],
    count: Callable[[], Awaitable[int]],
) -> Connection[T]:
    """The page of what `read` finds; `count` is asked only where the total is selected, and `read`
    again only where it is selected what lies behind."""
    return connection_of(page, await page.rows(read), read, position, node, count)


def connection_of(
    page: Page,
    rows: Sequence[Row],
    read: Read[Row],
    position: Callable[[Row], int],
    node: Callable[[Row], T],
    count: Callable[[], Awaitable[int]],
) -> Connection[T]:
    """The same, of the rows that `page.rows` has answered."""
    shown = page.in_order(rows)
    positions = [position(row) for row in shown]
    return Connection(
        nodes=[node(row) for row in shown],
        page_info=page_info_of(page, rows, read, positions),
        page=page,
        positions=positions,
        count=count,
    )


def edges_of(page: Page, positions: Sequence[int], nodes: Sequence[T]) -> list[Edge[T]]:
    """The nodes, each with the cursor of its position."""
    return [
        Edge(cursor=page.cursor(position), node=node)
        for position, node in zip(positions, nodes, strict=True)
    ]


def page_info_of(
    page: Page, rows: Sequence[Row], read: Read[Row], positions: Sequence[int]
) -> PageInfo:
    """What is beyond the rows that `page.rows` has answered, of which those at these positions are
    shown."""
    return PageInfo(
        start_cursor=page.cursor(positions[0]) if positions else None,
        end_cursor=page.cursor(positions[-1]) if positions else None,
        backward=page.backward,
        has_more=len(rows) > page.size,
        has_rows_behind=lambda: page.has_rows_behind(read),
    )
