"""States of long streams, kept so that a stream need not be folded from its beginning.

A snapshot is only a shortcut. It carries the fingerprint of the code that folded it; when that
code has changed, the snapshot is passed over, and replaced when the next one is taken.
"""

import inspect
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, make_dataclass
from hashlib import blake2b
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow
from pydantic import TypeAdapter
from rpds import HashTrieMap

from application.deciders import ACCOUNT, STOCK, AnyDecider
from infrastructure.aggregates import Loaded

EVERY = 500  # events between two snapshots of a stream
READ_SNAPSHOTS = (
    "SELECT stream_id, kind, version, position, fingerprint, state FROM snapshots"
    " WHERE stream_id = ANY(%b::uuid[])"
)
SAVE_SNAPSHOTS = (
    "INSERT INTO snapshots (stream_id, kind, version, position, fingerprint, state)"
    " SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[],"
    " %b::bytea[])"
    " ON CONFLICT (stream_id) DO UPDATE SET kind = excluded.kind, version = excluded.version,"
    " position = excluded.position, fingerprint = excluded.fingerprint, state = excluded.state"
    " WHERE snapshots.version < excluded.version OR snapshots.fingerprint <> excluded.fingerprint"
)

SnapshotRow = tuple[UUID, str, int, int, bytes, bytes]


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


_FORMATS = {decider.name: _Format(decider) for decider in (STOCK, ACCOUNT)}


def from_snapshot(row: SnapshotRow) -> Loaded | None:
    """The stream as the row of `READ_SNAPSHOTS` has it; None when other code has folded it."""
    _, kind, version, position, fingerprint, state = row
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
