"""Events to JSON and back. What stands in the log is `{actor_id, correlation_id, causation_id,
data: {the event's fields}}`, under the event's class name. A class that has changed since it was
first stored has `data_version` before `data`: see `application.upcasts`. What release 0.1.0
has written begins with `recorded_at`, which the append writes into a column now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_args
from uuid import UUID

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from application.upcast import Json, Upcasts, upcast
from application.upcasts import UPCASTS
from domain.events import Event
from domain.message import message
from domain.recorded import Origin, Recorded

E = TypeVar("E")

# Read where 0.1.0 has written it, and never written.
RecordedAt = Annotated[datetime | None, Field(exclude=True)]

EVENT_TYPES: dict[str, type[Event]] = {cls.__name__: cls for cls in get_args(Event)}


@message
class Envelope(Generic[E]):
    """An event with its circumstances, as it is stored."""

    # So that an event of a version that this release does not know is not read as if it did.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    actor_id: UUID | None
    correlation_id: UUID
    causation_id: str
    data: E
    recorded_at: RecordedAt = None


@message
class VersionedEnvelope(Generic[E]):
    """The same for a class that has changed since it was first stored."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    actor_id: UUID | None
    correlation_id: UUID
    causation_id: str
    data_version: int
    data: E
    recorded_at: RecordedAt = None


class UnknownEvent(Exception):
    """The log holds an event that this release has no class for, of a version it cannot read, or
    without a time."""


class Codec:
    """Writes and reads events of `types`, which were stored otherwise before their `upcasts`."""

    def __init__(self, types: Mapping[str, type[Any]], upcasts: Upcasts) -> None:
        if unknown := upcasts.keys() - types.keys():
            raise ValueError(f"There are no events {', '.join(sorted(unknown))} to upcast")
        self._upcasts = upcasts
        self._versions = {name: 1 + len(steps) for name, steps in upcasts.items() if steps}
        stored: dict[str, TypeAdapter[Any]] = {
            name: TypeAdapter(VersionedEnvelope[cls] if name in self._versions else Envelope[cls])  # type: ignore[valid-type]  # one a class, made at import
            for name, cls in types.items()
        }
        # What the adapters call in the end: they themselves take as long as a small event does.
        self._write = {name: adapter.serializer.to_json for name, adapter in stored.items()}
        self._read = {name: adapter.validator.validate_json for name, adapter in stored.items()}
        self._data: dict[str, TypeAdapter[Any]] = {
            name: TypeAdapter(cls) for name, cls in types.items()
        }

    def version(self, topic: str) -> int:
        """How often the class has changed since it was first stored, and once more."""
        return self._versions.get(topic, 1)

    def encode(self, event: Event, origin: Origin) -> bytes:
        """The JSON that stands in the log."""
        topic = type(event).__name__
        envelope: Envelope[Event] | VersionedEnvelope[Event] = Envelope(
            origin.actor_id, origin.correlation_id, origin.causation_id, event
        )
        if self._versions and topic in self._versions:
            envelope = VersionedEnvelope(
                origin.actor_id,
                origin.correlation_id,
                origin.causation_id,
                self._versions[topic],
                event,
            )
        return self._write[topic](envelope)

    def decode(
        self,
        position: int,
        stream_id: UUID,
        version: int,
        topic: str,
        state: bytes,
        recorded_at: datetime | None,
    ) -> Recorded:
        """What `encode` made, now or by an earlier release, with its place in the log and its time.
        Raises UnknownEvent, or pydantic's ValidationError when the JSON is not that of the class.
        """
        read = self._read.get(topic)
        if read is None:
            raise UnknownEvent(f"{topic} at position {position}")
        if self._versions and topic in self._versions:
            state = self._newest(topic, state)
        envelope = read(state)
        at = recorded_at or envelope.recorded_at
        if at is None:
            raise UnknownEvent(f"{topic} at position {position} has no time")
        origin = Origin(envelope.actor_id, envelope.correlation_id, envelope.causation_id)
        return Recorded(envelope.data, position, stream_id, version, at, origin)

    def to_json(self, event: Event) -> Any:
        """The event's fields as plain JSON values."""
        return self._data[type(event).__name__].dump_python(event, mode="json")

    def from_json(self, topic: str, data: Any, version: int | None = None) -> Event:
        """The event of class `topic` with these fields, as version `version` had them (None: as
        they are now). Raises ValidationError."""
        if version is not None:
            data = upcast(data, version, self._upcasts.get(topic, ()))
        event: Event = self._data[topic].validate_python(data)
        return event

    def _newest(self, topic: str, state: bytes) -> bytes:
        """The JSON as this release would have stored it."""
        newest = self._versions[topic]
        if b',"data_version":%d,' % newest in state:
            return state
        try:
            body: Json = orjson.loads(state)
            version, data = body.pop("data_version", 1), body.pop("data")
        except (ValueError, TypeError, KeyError, AttributeError):
            return state  # what is wrong with it the validation says
        if version >= newest:
            raise UnknownEvent(f"{topic} of version {version}; this release knows up to {newest}")
        try:
            data = upcast(data, version, self._upcasts[topic])
        except Exception as error:  # whatever it is: such an event cannot be read
            raise UnknownEvent(f"{topic} of version {version} is not as it was: {error}") from error
        return orjson.dumps({**body, "data_version": newest, "data": data})


CODEC = Codec(EVENT_TYPES, UPCASTS)

encode = CODEC.encode
decode = CODEC.decode
event_to_json = CODEC.to_json
event_from_json = CODEC.from_json

UNREADABLE = (UnknownEvent, ValidationError)
"""What `decode` raises."""
