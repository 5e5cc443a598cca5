"""What is stored about copies of read models: how far they are, by whose code, what is aside."""

from collections.abc import Sequence
from typing import Literal

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.consumers.parking import Parked, park
from infrastructure.errors import InTheWay
from infrastructure.read_models.copy import BATCH, Copy
from infrastructure.read_models.held import held
from projections.projection import Projection

Kind = Literal["next", "previous"]

_NOTE = (
    "UPDATE projection_copies SET position = %s, updated_at = now()"
    " WHERE name = %s AND copy = %s AND position = %s"
)


@message
class Kept:
    """A copy that is kept; `position` is how far of the log it is."""

    version: int
    fingerprint: str
    position: int


def kept(connection: Connection[TupleRow], name: str, kind: Kind) -> Kept | None:
    """The copy of that kind, if there is one."""
    row = connection.execute(
        "SELECT version, fingerprint, position FROM projection_copies"
        " WHERE name = %s AND copy = %s",
        (name, kind),
    ).fetchone()
    return Kept(*row) if row else None


def consumer_of(name: str, kind: Kind | None = None) -> str:
    """Under what name a read model's events are parked: the live one's, or a copy's."""
    return f"projector:{name}" if kind is None else f"projector:{name}/{kind}"


def dropped_positions(connection: Connection[TupleRow], name: str) -> frozenset[int]:
    """The events that an operator has decided to leave out of the read model."""
    rows = connection.execute(
        "SELECT position FROM dropped_events WHERE consumer = %s", (consumer_of(name),)
    )
    return frozenset(row[0] for row in rows)


def open_copy(
    reader: Connection[TupleRow],
    writer: Connection[TupleRow],
    projection: Projection,
    kind: Kind,
    batch: int = BATCH,
) -> Copy:
    """The stored copy, to be filled on; the writer's `search_path` must begin with its schema."""
    name = projection.name
    found = kept(reader, name, kind)
    assert found is not None  # noqa: S101  # callers have looked
    consumer = consumer_of(name, kind)

    def note(cursor: Cursor[TupleRow], before: int, after: int, parked: Sequence[Parked]) -> None:
        # Whoever was killed may still have a transaction under way that fills the same copy.
        if not cursor.execute(_NOTE, (after, name, kind, before)).rowcount:
            raise InTheWay(f"Somebody else fills the same copy of {name}: try again")
        park(cursor, consumer, parked)

    return Copy(
        reader,
        writer,
        projection,
        note,
        position=found.position,
        aside=held(reader, name, consumer),
        dropped=dropped_positions(reader, name),
        batch=batch,
    )
