"""The event log for administrators: events, orders as they were, how the read models are."""

from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated
from uuid import UUID

import strawberry
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from strawberry.scalars import JSON

from api.graphql.context import Info
from api.graphql.errors import BadUserInput
from api.graphql.paging import ListOf, Page, Read, page_of
from api.graphql.schema.connections import (
    After,
    Before,
    Edge,
    First,
    Last,
    PageInfo,
    edges_of,
    page_info_of,
)
from api.graphql.schema.fields import described
from api.graphql.schema.scalars import BigInt, given, text_of, uuid_of
from api.graphql.schema.types import Order
from api.moments import end_of
from infrastructure.errors import NotThere
from infrastructure.event_store.query import EventFilter, StoredEvent, read_event_page
from infrastructure.history.as_of import AsOf, order_as_of
from infrastructure.read_models.status import status_async
from projections.window import Window

MOST_EVENTS = 1_000
MOST_TYPES = 100
EVENTS = ListOf("events", newest_first=False, usual_rows=50, most_rows=MOST_EVENTS)
UNREADABLE = datetime.fromtimestamp(0, UTC)


@strawberry.type(description="An event as it stands in the log.")
class RecordedEvent:
    position: BigInt = strawberry.field(
        description="Its place in the whole log: 1, 2, 3 … without gaps."
    )
    stream_id: UUID = strawberry.field(
        description="The order, product or account that it happened to."
    )
    version: int = strawberry.field(description="Its place in its stream: 1, 2, 3 … without gaps.")
    type: str = strawberry.field(
        description="The name of the event's class, such as `OrderPlaced`."
    )
    data: JSON = strawberry.field(
        description="The event's fields; the text as it is stored where that cannot be read."
    )
    recorded_at: datetime = strawberry.field(
        description="When it was recorded; 1970 where what is stored cannot be read."
    )

    @classmethod
    def of(cls, event: StoredEvent) -> "RecordedEvent":
        return cls(
            position=BigInt(event.position),
            stream_id=event.stream_id,
            version=event.version,
            type=event.type,
            data=JSON("null" if event.data is None else event.data),  # the contract wants something
            recorded_at=event.recorded_at or UNREADABLE,
        )


@strawberry.type(
    description="A page of events, as the Relay connection specification has it:"
    " https://relay.dev/graphql/connections.htm"
)
class RecordedEventConnection:
    edges: list[Edge[RecordedEvent]] = strawberry.field(
        description="The events of this page, each with its cursor."
    )
    nodes: list[RecordedEvent] = strawberry.field(description="The events of this page.")
    page_info: PageInfo = strawberry.field(description="Whether and where the log goes on.")

    @classmethod
    async def of(cls, page: Page, read: Read[StoredEvent]) -> "RecordedEventConnection":
        """The page of what `read` finds."""
        rows = await page.rows(read)
        nodes = [RecordedEvent.of(row) for row in page.in_order(rows)]
        positions = [node.position for node in nodes]
        return cls(
            edges=edges_of(page, positions, nodes),
            nodes=nodes,
            page_info=page_info_of(page, rows, read, positions),
        )


@strawberry.enum(description="What becomes of a read model now.")
class ProjectionState(Enum):
    RUNNING = strawberry.enum_value("RUNNING", description="Events are applied as they come.")
    REBUILDING = strawberry.enum_value(
        "REBUILDING", description="It is kept up to date, and a copy of it is filled anew."
    )
    STOPPED = strawberry.enum_value(
        "STOPPED", description="Nobody has applied events for some time: no worker runs."
    )


@strawberry.type(description="How far a read model is.")
class ProjectionStatus:
    name: str = strawberry.field(description="The read model's name, such as `orders`.")
    state: ProjectionState = strawberry.field(description="What becomes of it now.")
    position: BigInt = strawberry.field(
        description="The last event of the log that it has processed."
    )
    lag: BigInt = strawberry.field(description="Events recorded and not processed yet.")


@strawberry.type
class LogQuery:
    @described(
        "For administrators: events in the order of the log; null, with an error, for others."
        " Where several conditions are given, all of them must hold."
    )
    async def events(
        self,
        info: Info,
        stream_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only those of this order, product or account."),
        ] = strawberry.UNSET,
        types: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only those of these types, such as `OrderPlaced`; at most 100."
            ),
        ] = strawberry.UNSET,
        *,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> RecordedEventConnection | None:
        context = info.context
        context.admin()
        wanted = EventFilter(
            types=_types(given(types)), stream_id=uuid_of(stream_id) if stream_id else None
        )
        nothing = given(types) == []

        async def read(window: Window) -> list[StoredEvent]:
            return [] if nothing else await context.read(_events_of, wanted, window)

        page = page_of(EVENTS, first, after, last, before)
        return await RecordedEventConnection.of(page, read)

    @described(
        "For administrators: the order as it was after its event number `version`, or at a moment:"
        " replayed from its events. One of the two is to be given. Null where it was not there yet,"
        " and, with an error, for others."
    )
    async def order_as_of(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
        version: Annotated[
            int | None,
            strawberry.argument(description="The number of the order's last event to be seen."),
        ] = strawberry.UNSET,
        at: Annotated[
            datetime | None,
            strawberry.argument(
                description="The moment. What a browser knows of it, with three digits of the"
                " second, means up to the end of that millisecond."
            ),
        ] = strawberry.UNSET,
    ) -> Order | None:
        info.context.admin()
        moment = given(at)
        as_of = AsOf(given(version), moment and end_of(moment))
        if (as_of.version is None) == (as_of.at is None):
            raise BadUserInput("Give one of `version` and `at`.")
        try:
            found = await info.context.read(order_as_of, uuid_of(id), as_of)
        except NotThere:
            return None
        order = Order.of(found.order, info.context.currency)
        order.past_executions = found.executions
        return order

    @described("For administrators: all read models by name; null, with an error, for others.")
    async def projections(self, info: Info) -> list[ProjectionStatus] | None:
        info.context.admin()
        return [
            ProjectionStatus(
                name=each.name,
                state=ProjectionState[each.state],
                position=BigInt(each.position),
                lag=BigInt(each.lag),
            )
            for each in await info.context.read(status_async)
        ]


async def _events_of(
    connection: AsyncConnection[TupleRow], wanted: EventFilter, window: Window
) -> list[StoredEvent]:
    up_to = None if window.below is None else window.below - 1
    within = replace(wanted, after=window.above or 0, up_to=up_to)
    return await read_event_page(connection, within, window.limit, newest=window.newest)


def _types(types: list[str] | None) -> tuple[str, ...]:
    if types is not None and len(types) > MOST_TYPES:
        raise BadUserInput(f"`types` may hold {MOST_TYPES}.")
    return tuple(text_of(name) for name in types or ())
