"""States of long streams, kept so that a stream need not be folded from its beginning.

A snapshot is only a shortcut. It carries the fingerprint of the code that folded it; when that
code has changed, the snapshot is passed over, and replaced when the next one is taken.
"""

import inspect
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, make_dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import structlog
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow
from pydantic import TypeAdapter, ValidationError
from rpds import HashTrieMap

from application.decider import AnyDecider
from application.deciders import ALL
from application.unit_of_work import EMPTY, Loaded, UnitOfWork
from domain.recorded import Recorded
from infrastructure.command_handling.cache import Aggregates
from infrastructure.event_store.codec import UnknownEvent
from infrastructure.event_store.store import READ_STREAMS, decode_row

log = structlog.get_logger()

EVERY = 200  # events between two snapshots of a stream
READ_AT_ONCE = 10  # streams, before other work is done again
# With the event that each ends with: a snapshot of which the log knows nothing is passed over.
READ_SNAPSHOTS = (
    "SELECT s.stream_id, s.kind, s.version, s.position, s.fingerprint, s.state, e.state,"
    " coalesce(e.recorded_at, recorded_in(e.state))"
    " FROM snapshots s JOIN stored_events e ON e.originator_id = s.stream_id"
    " AND e.originator_version = s.version AND e.notification_id = s.position"
    " WHERE s.stream_id = ANY(%b::uuid[])"
)
SAVE_SNAPSHOTS = (
    "INSERT INTO snapshots (stream_id, kind, version, position, fingerprint, state)"
    " SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[],"
    " %b::bytea[])"
    " ON CONFLICT (stream_id) DO UPDATE SET kind = excluded.kind, version = excluded.version,"
    " position = excluded.position, fingerprint = excluded.fingerprint, state = excluded.state"
    " WHERE snapshots.version < excluded.version OR snapshots.fingerprint <> excluded.fingerprint"
)

SnapshotRow = tuple[UUID, str, int, int, bytes, bytes, bytes, datetime | None]


class _Format:
    """How a decider's state is written: as a dataclass that has a dict wherever it has a map, and a
    class's name beside a value that may be of several."""

    def __init__(self, decider: AnyDecider) -> None:
        self.decider = decider
        self._cls = type(decider.initial)
        # The annotations of maps are strings: read them as those of dicts.
        hints = get_type_hints(self._cls, localns={"HashTrieMap": dict})
        self._maps = {name for name, hint in hints.items() if get_origin(hint) is dict}
        named = {name: _named(hint) for name, hint in hints.items()}
        self._named = {name for name, hint in named.items() if hint != hints[name]}
        self._mirror = make_dataclass(self._cls.__name__, named.items())
        self._json: TypeAdapter[Any] = TypeAdapter(self._mirror)
        source = inspect.getsource(sys.modules[self._cls.__module__]) + inspect.getsource(_Format)
        self.fingerprint = blake2b(source.encode(), digest_size=16).digest()

    def write(self, state: object) -> bytes:
        values = {f.name: getattr(state, f.name) for f in fields(self._cls)}
        maps = {name: dict(values[name].items()) for name in self._maps}
        named = {
            name: None if values[name] is None else (type(values[name]).__name__, values[name])
            for name in self._named
        }
        return self._json.dump_json(self._mirror(**{**values, **maps, **named}))

    def read(self, state: bytes) -> object:
        mirror = self._json.validate_json(state)
        values = {f.name: getattr(mirror, f.name) for f in fields(self._cls)}
        maps = {name: HashTrieMap(values[name]) for name in self._maps}
        named = {name: values[name] and values[name][1] for name in self._named}
        return self._cls(**{**values, **maps, **named})


def _named(hint: Any) -> Any:
    """Of several classes that may have the same fields: a pair of its name and the value."""
    classes = [cls for cls in get_args(hint) if is_dataclass(cls)]
    if len(classes) < 2:
        return hint
    others = [other for other in get_args(hint) if not is_dataclass(other)]
    pairs = [tuple[Literal[cls.__name__], cls] for cls in classes]  # type: ignore[name-defined, valid-type]  # made at run time
    return Union[(*pairs, *others)]


_FORMATS = {decider.name: _Format(decider) for decider in ALL if decider.grows}


def from_snapshot(row: SnapshotRow) -> Loaded | None:
    """The stream as the row of `READ_SNAPSHOTS` has it; None when other code has folded it."""
    _, kind, version, position, fingerprint, state = row[:6]
    found = _FORMATS.get(kind)
    if found is None or found.fingerprint != fingerprint:
        return None
    return Loaded(found.decider, found.read(state), version, position)


def save_snapshots(cursor: Cursor[TupleRow], streams: Iterable[tuple[UUID, Loaded]]) -> None:
    """Keep the states of these streams, whose last events are recorded, in place of older ones."""
    rows = [
        (
            stream,
            loaded.decider.name,
            loaded.version,
            loaded.position,
            found.fingerprint,
            found.write(loaded.state),
        )
        for stream, loaded in streams
        if loaded.decider and (found := _FORMATS.get(loaded.decider.name))
    ]
    if rows:
        cursor.execute(SAVE_SNAPSHOTS, [list(column) for column in zip(*rows, strict=True)])


def read_streams(connection: Connection, streams: list[UUID]) -> dict[UUID, Loaded]:
    """The streams from the log, from their snapshots on; without those that cannot be read."""
    loaded = dict.fromkeys(streams, EMPTY)
    for row in connection.execute(READ_SNAPSHOTS, (streams,), binary=True):
        loaded[row[0]] = from_snapshot(row) or EMPTY
    versions = [loaded[stream].version for stream in streams]
    for row in connection.execute(READ_STREAMS, (streams, versions), binary=True):
        stream = row[1]
        if stream not in loaded:
            continue
        try:
            recorded = decode_row(row)
        except (UnknownEvent, ValidationError) as error:
            log.error("unreadable stream", stream=str(stream), position=row[0], error=str(error))  # noqa: TRY400  # the text says it all
            del loaded[stream]
            continue
        loaded[stream] = loaded[stream].after(recorded.event, recorded.version, recorded.position)
    return loaded


class DueSnapshots:
    """The streams that have grown by `EVERY` events, with their states where memory has them: to
    read them again would make orders wait."""

    def __init__(self) -> None:
        self._due: dict[UUID, Loaded | None] = {}

    def clear(self) -> None:
        """Forget all of them."""
        self._due.clear()

    def followed(self, recorded: Recorded, aggregates: Aggregates) -> None:
        """The event was read, and the stream in memory has followed it."""
        if recorded.version % EVERY == 0:
            loaded = aggregates.get(recorded.stream_id)
            known = loaded is not None and loaded.position >= recorded.position
            self._due[recorded.stream_id] = loaded if known else None

    def appended(self, work: UnitOfWork, base: int) -> None:
        """The work's events were recorded behind the position `base`."""
        grown = {event.stream_id for event in work.events if event.version % EVERY == 0}
        if grown:
            for position, event in enumerate(work.events, base + 1):
                if event.stream_id in grown:  # what comes last is what remains
                    loaded = work.streams[event.stream_id]
                    self._due[event.stream_id] = replace(loaded, position=position)

    def take(self, connection: Connection) -> dict[UUID, Loaded]:
        """Those to be kept now. Of the streams that memory does not have only some are read, the
        others the next time."""
        taken = {stream: loaded for stream, loaded in self._due.items() if loaded is not None}
        unread = [stream for stream, loaded in self._due.items() if loaded is None]
        self._due = dict.fromkeys(unread[READ_AT_ONCE:])
        if unread:
            taken.update(read_streams(connection, unread[:READ_AT_ONCE]))
        return taken
