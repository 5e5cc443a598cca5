"""Events to JSON and back. What stands in the log is `{recorded_at, actor_id, correlation_id,
causation_id, data: {the event's fields}}`, under the event's class name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, get_args
from uuid import UUID

from pydantic import TypeAdapter

from domain.events import Event
from domain.recorded import Origin, Recorded

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """An event with its circumstances, as it is stored."""

    recorded_at: datetime
    actor_id: UUID | None
    correlation_id: UUID
    causation_id: str
    data: E


EVENT_TYPES: dict[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}
_ENVELOPES: dict[str, TypeAdapter[Envelope[Event]]] = {
    name: TypeAdapter(Envelope[cls])  # type: ignore[valid-type]  # one adapter a class, made at import
    for name, cls in EVENT_TYPES.items()
}


class UnknownEvent(Exception):
    """The log holds an event that this version of the shop has no class for."""


def encode(event: Event, origin: Origin, recorded_at: datetime) -> bytes:
    """The JSON that stands in the log."""
    return _ENVELOPES[type(event).__name__].dump_json(
        Envelope(recorded_at, origin.actor_id, origin.correlation_id, origin.causation_id, event)
    )


def decode(position: int, stream_id: UUID, version: int, topic: str, state: bytes) -> Recorded:
    """What `encode` made, with its place in the log. Raises UnknownEvent, or pydantic's
    ValidationError when the JSON is not that of the class."""
    adapter = _ENVELOPES.get(topic)
    if adapter is None:
        raise UnknownEvent(f"{topic} at position {position}")
    envelope = adapter.validate_json(state)
    origin = Origin(envelope.actor_id, envelope.correlation_id, envelope.causation_id)
    return Recorded(envelope.data, position, stream_id, version, envelope.recorded_at, origin)


def event_to_json(event: Event) -> Any:
    """The event's fields as plain JSON values."""
    return _DATA[type(event).__name__].dump_python(event, mode="json")


def event_from_json(topic: str, data: Any) -> Event:
    """The event of class `topic` with these fields."""
    return _DATA[topic].validate_python(data)


_DATA: dict[str, TypeAdapter[Event]] = {name: TypeAdapter(cls) for name, cls in EVENT_TYPES.items()}
