"""Events as lines of JSON, in one form for all tools, and a digest of any number of them.

A line is `{"position":…,"streamId":…,"version":…,"type":…,"recordedAt":…,"actorId":…,
"correlationId":…,"causationId":…,"data":{…}}`, times in UTC. What is stored is taken over byte for
byte where it was written by this shop, so that a million lines take seconds; anything else is
parsed.
"""

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from infrastructure.event_store.store import EventRow

_STORED = re.compile(
    rb'\{(?:"recorded_at":"[^"\\]*",)?"actor_id":(null|"[^"\\]*"),"correlation_id":("[^"\\]*"),'
    rb'"causation_id":("(?:[^"\\]|\\.)*"),(?:"data_version":(\d+),)?"data":(\{.*\})\}',
    re.DOTALL,
)
_LINE = re.compile(
    rb'\{"position":(\d+),"streamId":"([0-9a-f-]{36})","version":(\d+),"type":"(\w+)",'
    rb'"recordedAt":"([^"\\]*)","actorId":(null|"[^"\\]*"),"correlationId":("[^"\\]*"),'
    rb'"causationId":("(?:[^"\\]|\\.)*"),(?:"dataVersion":(\d+),)?"data":(\{.*\})\}\n?',
    re.DOTALL,
)
# What is stored as JSON, in this order: as it is stored, and in a line.
_FIELDS = {
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
    """The row of `EVENT_COLUMNS` as a line, with its end. Raises NotALine where what is stored has
    no time, or is no JSON of this shop's form."""
    position, stream_id, version, topic, state, recorded_at = row
    if recorded_at is None:
        raise NotALine(f"What is stored at position {position} has no time")
    found = _STORED.fullmatch(state)
    place = (
        f'{{"position":{position},"streamId":"{stream_id}","version":{version},"type":"{topic}",'
        f'"recordedAt":"{_utc(recorded_at)}"'
    ).encode()
    if found is None:
        return place + _other_line(row)
    actor, correlation, causation, data_version, data = found.groups()
    return b'%b,"actorId":%b,"correlationId":%b,"causationId":%b,%b"data":%b}\n' % (
        place,
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
    state = b'{"actor_id":%b,"correlation_id":%b,"causation_id":%b,%b"data":%b}' % (
        actor,
        correlation,
        causation,
        b'"data_version":%b,' % data_version if data_version else b"",
        data,
    )
    place = int(position), UUID(stream_id.decode()), int(version), topic.decode()
    return *place, state, _moment(at.decode())


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
        return *place, str(body["type"]), _compact(state), _moment(body["recordedAt"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotALine(f"This is no event: {line[:80]!r}") from None


def _utc(moment: datetime) -> str:
    """As 0.1.0 wrote it into the JSON: the digest of a log stays what it was."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, TypeError):
        raise NotALine(f"This is no time: {text!r}") from None


def _there(name: str, present: bool) -> bool:
    return present or name != _OPTIONAL


def _compact(value: Any) -> bytes:
    """As pydantic writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
