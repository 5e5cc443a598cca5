"""An event before and after it stands in the log: what happened, where, when, by whom."""

from datetime import datetime
from uuid import UUID

from domain.events import Event
from domain.message import message


@message
class Origin:
    """Who or what makes events happen.

    `actor_id` is a user (None: the shop itself), `correlation_id` the execution or request that all
    belongs to, `causation_id` the request, or `stream/version` of the event that was reacted to.
    """

    actor_id: UUID | None
    correlation_id: UUID
    causation_id: str


@message
class Uncommitted:
    """An event with its place in its stream, before it is recorded."""

    event: Event
    stream_id: UUID
    version: int
    origin: Origin


@message
class Recorded:
    """`position` counts from 1 over the whole log, without gaps; `version` within the stream."""

    event: Event
    position: int
    stream_id: UUID
    version: int
    recorded_at: datetime
    origin: Origin
