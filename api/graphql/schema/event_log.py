"""The event log for administrators: events, orders as they were, how the read models are."""

from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Info
from api.graphql.errors import BadUserInput
from api.graphql.schema.connections import Connection, Edge, PageInfo, connection, edges_of, page_of
from api.graphql.schema.fields import described
from api.graphql.schema.scalars import given, text_of, uuid_of
from api.graphql.schema.types import Order
from infrastructure.errors import NotThere
from infrastructure.event_store.query import EventFilter, StoredEvent, read_event_page
from infrastructure.history.as_of import AsOf, order_as_of
from infrastructure.read_models.status import status_async

MOST_EVENTS = 1_000
MOST_TYPES = 100
UNREADABLE = datetime.fromtimestamp(0, UTC)


@strawberry.type
class RecordedEvent:
    position: int = strawberry.field(description="Its place in the whole log.")
    stream_id: UUID
    version: int = strawberry.field(description="Its place in its stream.")
    type: str = strawberry.field(
        description="The name of the event's class, such as `OrderPlaced`."
    )
    data: JSON
    recorded_at: datetime = strawberry.field(
        description="1970 where what is stored cannot be read; `data` is its text then."
    )

    @classmethod
    def of(cls, event: StoredEvent) -> "RecordedEvent":
        return cls(
            position=event.position,
            stream_id=event.stream_id,
            version=event.version,
            type=event.type,
            data=event.data,
            recorded_at=event.recorded_at or UNREADABLE,
        )


@strawberry.type
class RecordedEventConnection:
    edges: list[Edge[RecordedEvent]]
    nodes: list[RecordedEvent]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Connection[RecordedEvent]) -> "RecordedEventConnection":
        return cls(
            edges=edges_of(page),
            nodes=page.nodes,
            page_info=page.page_info,
        )


@strawberry.enum
class ProjectionState(Enum):
    RUNNING = "RUNNING"
    REBUILDING = "REBUILDING"
    STOPPED = "STOPPED"


@strawberry.type
class ProjectionStatus:
    name: str
    state: ProjectionState
    position: int
    lag: int = strawberry.field(description="Events recorded and not processed yet.")


@strawberry.type
class LogQuery:
    @described("In log order.")
    async def events(
        self,
        info: Info,
        stream_id: strawberry.ID | None = strawberry.UNSET,
        types: list[str] | None = strawberry.UNSET,
        first: int | None = 50,
        after: str | None = strawberry.UNSET,
    ) -> RecordedEventConnection:
        info.context.admin()
        page = page_of(first, after, 50, MOST_EVENTS)
        wanted = EventFilter(
            types=_types(given(types)),
            stream_id=uuid_of(stream_id) if stream_id else None,
            after=page.after or 0,
        )
        nothing = given(types) == []
        async with info.context.pool.connection() as database:
            rows = [] if nothing else await read_event_page(database, wanted, page.limit)

        async def count() -> int:
            return len(rows)

        return RecordedEventConnection.of(
            connection(rows, page, lambda event: event.position, RecordedEvent.of, count)
        )

    @described(
        "The order as it was after its event number `version`, or at a moment: replayed from its"
        " events. One of the two."
    )
    async def order_as_of(
        self,
        info: Info,
        id: strawberry.ID,
        version: int | None = strawberry.UNSET,
        at: datetime | None = strawberry.UNSET,
    ) -> Order | None:
        info.context.admin()
        as_of = AsOf(given(version), given(at))
        if (as_of.version is None) == (as_of.at is None):
            raise BadUserInput("Give one of `version` and `at`.")
        try:
            async with info.context.pool.connection() as database:
                found = await order_as_of(database, uuid_of(id), as_of)
        except NotThere:
            return None
        order = Order.of(found.order, info.context.currency)
        order.past_executions = found.executions
        return order

    @strawberry.field
    async def projections(self, info: Info) -> list[ProjectionStatus]:
        info.context.admin()
        async with info.context.pool.connection() as database:
            found = await status_async(database)
        return [
            ProjectionStatus(
                name=each.name,
                state=ProjectionState[each.state],
                position=each.position,
                lag=each.lag,
            )
            for each in found
        ]


def _types(types: list[str] | None) -> tuple[str, ...]:
    if types is not None and len(types) > MOST_TYPES:
        raise BadUserInput(f"`types` may hold {MOST_TYPES}.")
    return tuple(text_of(name) for name in types or ())
