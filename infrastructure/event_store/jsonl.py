"""Events as lines of JSON, in one form for all tools, and a digest of any number of them.

A line is `{"position":…,"streamId":…,"version":…,"type":…,"recordedAt":…,"actorId":…,
"correlationId":…,"causationId":…,"data":{…}}`. What is stored is taken over byte for byte where it
was written by this shop, so that a million lines take seconds; anything else is parsed.
"""

import json
import re
from hashlib import sha256
from typing import Any
from uuid import UUID

from infrastructure.event_store.store import EventRow

_STORED = re.compile(
    rb'\{"recorded_at":("[^"\\]*"),"actor_id":(null|"[^"\\]*"),"correlation_id":("[^"\\]*"),'
    rb'"causation_id":("(?:[^"\\]|\\.)*"),(?:"data_version":(\d+),)?"data":(\{.*\})\}',
    re.DOTALL,
)
_LINE = re.compile(
    rb'\{"position":(\d+),"streamId":"([0-9a-f-]{36})","version":(\d+),"type":"(\w+)",'
    rb'"recordedAt":("[^"\\]*"),"actorId":(null|"[^"\\]*"),"correlationId":("[^"\\]*"),'
    rb'"causationId":("(?:[^"\\]|\\.)*"),(?:"dataVersion":(\d+),)?"data":(\{.*\})\}\n?',
    re.DOTALL,
)
# What stands beside an event's place, in this order: as it is stored, and in a line.
_FIELDS = {
    "recorded_at": "recordedAt",
    "actor_id": "actorId",
    "correlation_id": "correlationId",
    "causation_id": "causationId",
    "data_version": "dataVersion",
    "data": "data",
}
_OPTIONAL = "data_version"


class NotALine(Exception):
    """The text is no event, and no line of this form."""


def line_of(row: EventRow) -> bytes:
    """The row of `EVENT_COLUMNS` as a line, with its end. Raises NotALine where what is stored is
    no JSON of this shop's form."""
    position, stream_id, version, topic, state = row
    found = _STORED.fullmatch(state)
    place = f'{{"position":{position},"streamId":"{stream_id}","version":{version},"type":"{topic}"'
    if found is None:
        return place.encode() + _other_line(row)
    at, actor, correlation, causation, data_version, data = found.groups()
    return b'%b,"recordedAt":%b,"actorId":%b,"correlationId":%b,"causationId":%b,%b"data":%b}\n' % (
        place.encode(),
        at,
        actor,
        correlation,
        causation,
        b'"dataVersion":%b,' % data_version if data_version else b"",
        data,
    )


def row_of(line: bytes) -> EventRow:
    """The row that the line was made of. Raises NotALine."""
    found = _LINE.fullmatch(line)
    if found is None:
        return _other_row(line)
    position, stream_id, version, topic, at, actor, correlation, causation, data_version, data = (
        found.groups()
    )
    state = (
        b'{"recorded_at":%b,"actor_id":%b,"correlation_id":%b,"causation_id":%b,%b"data":%b}'
        % (
            at,
            actor,
            correlation,
            causation,
            b'"data_version":%b,' % data_version if data_version else b"",
            data,
        )
    )
    return int(position), UUID(stream_id.decode()), int(version), topic.decode(), state


class Digest:
    """SHA-256 over lines, in their order: what `sha256sum` says of them."""

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, line: bytes) -> None:
        """Take in the next line."""
        self._hash.update(line)

    def text(self) -> str:
        """64 hexadecimal digits."""
        return self._hash.hexdigest()


def _other_line(row: EventRow) -> bytes:
    """The end of the line, for what others have written."""
    try:
        body = json.loads(row[4])
        fields = {key: body[name] for name, key in _FIELDS.items() if _there(name, name in body)}
        return b"," + _compact(fields)[1:] + b"\n"
    except (ValueError, TypeError, KeyError):
        raise NotALine(f"What is stored at position {row[0]} is no event") from None


def _other_row(line: bytes) -> EventRow:
    try:
        body = json.loads(line)
        state = {name: body[key] for name, key in _FIELDS.items() if _there(name, key in body)}
        place = int(body["position"]), UUID(body["streamId"]), int(body["version"])
        return *place, str(body["type"]), _compact(state)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotALine(f"This is no event: {line[:80]!r}") from None


def _there(name: str, present: bool) -> bool:
    return present or name != _OPTIONAL


def _compact(value: Any) -> bytes:
    """As pydantic writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
