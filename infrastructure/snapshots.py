"""States of long streams, kept so that a stream need not be folded from its beginning.

A snapshot is only a shortcut. It carries the fingerprint of the code that folded it; when that
code has changed, the snapshot is passed over, and replaced when the next one is taken.
"""

import inspect
import sys
from collections.abc import Iterable
from dataclasses import fields, make_dataclass
from hashlib import blake2b
from typing import Any, get_origin, get_type_hints
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
    """How a decider's state is written: as a dataclass that has a dict wherever it has a map."""

    def __init__(self, decider: AnyDecider) -> None:
        self.decider = decider
        self._cls = type(decider.initial)
        # The annotations of maps are strings: read them as those of dicts.
        hints = get_type_hints(self._cls, localns={"HashTrieMap": dict})
        self._maps = {name for name, hint in hints.items() if get_origin(hint) is dict}
        self._mirror = make_dataclass(self._cls.__name__, hints.items())
        self._json: TypeAdapter[Any] = TypeAdapter(self._mirror)
        source = inspect.getsource(sys.modules[self._cls.__module__])
        self.fingerprint = blake2b(source.encode(), digest_size=16).digest()

    def write(self, state: object) -> bytes:
        values = {f.name: getattr(state, f.name) for f in fields(self._cls)}
        maps = {name: dict(values[name].items()) for name in self._maps}
        return self._json.dump_json(self._mirror(**{**values, **maps}))

    def read(self, state: bytes) -> object:
        mirror = self._json.validate_json(state)
        values = {f.name: getattr(mirror, f.name) for f in fields(self._cls)}
        maps = {name: HashTrieMap(values[name]) for name in self._maps}
        return self._cls(**{**values, **maps})


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
