"""Every type of event: its fields, its version, how many are stored, and who reads it."""

from dataclasses import fields
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from pydantic import TypeAdapter

from application.deciders import DECIDER_OF_EVENT
from domain.message import message
from infrastructure.event_store.codec import CODEC, EVENT_TYPES
from infrastructure.process_managers.manager import ProcessManager
from projections import PROJECTIONS

_COUNTS: LiteralString = """
SELECT topic, count(*), min(notification_id), max(notification_id) FROM stored_events GROUP BY topic
"""


@message
class Stored:
    """How many there are, from position `first` to `last`."""

    count: int
    first: int | None
    last: int | None


NONE = Stored(0, None, None)


@message
class EventType:
    """`fields` are names and types; `schema` the JSON Schema of the data; `stream` the kind of
    stream they are in. Of what is stored and has no class here, only the name is known."""

    type: str
    stream: str | None
    version: int | None
    fields: dict[str, str]
    read_by: tuple[str, ...]
    stored: Stored
    schema: dict[str, Any] | None


def catalog(connection: Connection[TupleRow]) -> list[EventType]:
    """The types in the order of their definition, then those that have no class."""
    counts = {
        topic: Stored(count, first, last)
        for topic, count, first, last in connection.execute(_COUNTS)
    }
    known = [_known(name, cls, counts.pop(name, NONE)) for name, cls in EVENT_TYPES.items()]
    unknown = [EventType(name, None, None, {}, (), counts[name], None) for name in sorted(counts)]
    return known + unknown


def _known(name: str, cls: type[Any], stored: Stored) -> EventType:
    return EventType(
        name,
        DECIDER_OF_EVENT[cls].name,
        CODEC.version(name),
        {field.name: _type_name(field.type) for field in fields(cls)},
        readers(cls),
        stored,
        TypeAdapter(cls).json_schema(),
    )


def readers(cls: type[Any]) -> tuple[str, ...]:
    """Who reads the events of a class, but for its own aggregate."""
    models = [projection.name for projection in PROJECTIONS if cls in projection.events]
    saga = [ProcessManager.name] if "execution_id" in {f.name for f in fields(cls)} else []
    return (*models, *saga)


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    text = str(annotation)
    for module in ("uuid.", "domain.values.", "typing."):
        text = text.replace(module, "")
    return text
