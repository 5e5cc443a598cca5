"""Copies of read models, filled from the log beside the live ones."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.consumers.parking import Parked
from infrastructure.errors import InTheWay
from infrastructure.event_store.codec import EVENT_TYPES
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow, decode_row
from infrastructure.read_models.held import Groups, group_of, ids_of_row
from projections.projection import Projection, Statement

BATCH = 5_000  # events: a saga's events mostly fall into one, so that rows are written once

# What this version has no class for is read as well: its stream must not go on without it.
_READ: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE notification_id > %s"
    " AND notification_id <= %s AND topic <> ALL(%b::text[]) ORDER BY notification_id LIMIT %s"
)
# What is no fault of an event's is for the caller to deal with.
NO_FAULT = (psycopg.OperationalError, psycopg.InterfaceError, InTheWay)

# Saves that the copy, which was as of the first position, is as of the second, and what was put
# aside. Raises InTheWay where it was not.
Note = Callable[[Cursor[TupleRow], int, int, Sequence[Parked]], None]


@message
class Batch:
    """Rows of the log behind the position `after`, which is then read `up_to`; `statements` is what
    they come to, or None where that cannot be said of all of them at once."""

    rows: Sequence[EventRow]
    statements: Sequence[Statement] | None
    after: int
    up_to: int


class Copy:
    """Tables of `projection` where the writer's `search_path` begins, as of `position`.

    Events that cannot be applied are put aside with all that they hold up, as the live
    projector does it; positions in `dropped` are passed over. `note` is called in each transaction
    that writes rows.
    """

    def __init__(
        self,
        reader: Connection[TupleRow],
        writer: Connection[TupleRow],
        projection: Projection,
        note: Note,
        *,
        position: int = 0,
        aside: Mapping[UUID, UUID] | None = None,
        dropped: frozenset[int] = frozenset(),
        batch: int = BATCH,
    ) -> None:
        self.projection = projection
        self.position = position
        self.parked: list[Parked] = []
        self._reader = reader
        self._writer = writer
        self._note = note
        self._aside: Groups = dict(aside or {})
        self._dropped = dropped
        self._batch = batch
        known = {cls.__name__ for cls in projection.events}
        self._unread = sorted(EVENT_TYPES.keys() - known)

    def fill(self, up_to: int) -> Iterator[int]:
        """Apply the log up to the position `up_to`, a batch at a time; yields how far it is. While
        one batch is written, the next is read and decoded."""
        with ThreadPoolExecutor(1) as pool, without_gc():
            writing: tuple[Future[None], Batch] | None = None
            position = self.position
            number, count_at = 0, 1
            while position < up_to:
                batch = self.take(position, up_to)
                if writing is not None and not self._settle(*writing):
                    batch = replace(batch, statements=self._statements(batch.rows))  # more is aside
                writing = pool.submit(self.write, batch), batch
                position = batch.up_to
                yield self.position
                number += 1
                if number == count_at:
                    count_at *= 4
                    self._settle(*writing)
                    writing = None
                    self.count_rows()
            if writing is not None:
                self._settle(*writing)
        yield self.position

    def catch_up(self, up_to: int) -> None:
        """Apply the log up to the position `up_to` within the writer's transaction."""
        while self.position < up_to:
            batch = self.take(self.position, up_to)
            self._apply(batch.rows, batch.up_to)

    def count_rows(self) -> None:
        """Tell the planner how many rows there are, and make it plan anew what was planned when
        there were fewer. Statistics of keys alone take a fraction of the time of all."""
        for table in self.projection.tables:
            keys = sql.SQL(", ").join(map(sql.Identifier, table.key))
            name = sql.Identifier(table.name)
            self._writer.execute(sql.SQL("ANALYZE {} ({})").format(name, keys))

    def analyze(self) -> None:
        """Tell the planner all that it wants to know: it knows nothing of new tables."""
        for table in self.projection.tables:
            self._writer.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.name)))

    @property
    def has_aside(self) -> bool:
        """Whether some events have to be put aside."""
        return bool(self._aside)

    def take(self, after: int, up_to: int) -> Batch:
        """The next rows of the log, read and decoded; nothing is written."""
        cursor = self._reader.execute(
            _READ, (after, up_to, self._unread, self._batch), prepare=True, binary=True
        )
        rows: list[EventRow] = cursor.fetchall()
        read = rows[-1][0] if len(rows) == self._batch else up_to
        return Batch(rows, self._statements(rows), after, read)

    def write(self, batch: Batch) -> None:
        """Write the batch as a whole, in one transaction. Raises where that cannot be."""
        if batch.statements is None:
            raise _NotAllAtOnce
        self._write(batch.statements, batch.up_to)

    def _statements(self, rows: Sequence[EventRow]) -> list[Statement] | None:
        if self._is_any_aside(rows):
            return None
        try:
            return self.projection.apply(
                [decode_row(row) for row in rows if row[0] not in self._dropped]
            )
        except Exception:  # whatever it is: `_apply` looks for the event that is to blame
            return None

    def _group(self, row: EventRow) -> UUID | None:
        return group_of(self._aside, ids_of_row(self.projection.name, row))

    def _is_any_aside(self, rows: Sequence[EventRow]) -> bool:
        return bool(self._aside) and any(self._group(row) for row in rows)

    def _put_aside(self, row: EventRow, position: int, group: UUID, error: str | None) -> None:
        self._write([], position, [Parked(row[0], group, error)])
        self._aside |= dict.fromkeys(ids_of_row(self.projection.name, row), group)

    def _write(
        self, statements: Sequence[Statement], position: int, parked: Sequence[Parked] = ()
    ) -> None:
        with self._writer.transaction(), self._writer.cursor() as cursor:
            self._note(cursor, self.position, position, parked)
            for statement in statements:
                cursor.execute(statement.query, statement.columns, prepare=True)
        self.parked += parked
        self.position = position

    def _settle(self, writing: "Future[None]", batch: Batch) -> bool:
        """Wait for the batch; when it cannot be written as a whole, write it piece by piece."""
        try:
            writing.result()
        except NO_FAULT:
            raise
        except Exception:  # whatever it is: the pieces will tell
            self._apply(batch.rows, batch.up_to)
            return False
        return True

    def _apply(self, rows: Sequence[EventRow], position: int) -> None:
        """The rows in one transaction; else halves of them, down to those that are put aside."""
        if len(rows) == 1 and (group := self._group(rows[0])):
            self._put_aside(rows[0], position, group, None)
            return
        try:
            if self._is_any_aside(rows):
                raise _NotAllAtOnce  # then piece by piece, as for what cannot be applied
            events = [decode_row(row) for row in rows if row[0] not in self._dropped]
            self._write(self.projection.apply(events), position)
        except NO_FAULT:
            raise
        except Exception as error:
            if len(rows) > 1:
                middle = len(rows) // 2
                self._apply(rows[:middle], rows[middle - 1][0])
                self._apply(rows[middle:], position)
                return
            own, *_ = ids_of_row(self.projection.name, rows[0])
            self._put_aside(rows[0], position, own, f"{type(error).__name__}: {error}")


class _NotAllAtOnce(Exception):
    """Some of the rows have to be put aside."""


def search_path(writer: Connection[TupleRow], schema: str) -> None:
    """Let the writer's statements name the tables of the copy."""
    writer.execute(
        sql.SQL("SET search_path = {}, public").format(sql.Identifier(schema)), prepare=False
    )


@contextmanager
def without_gc() -> Iterator[None]:
    """Batches of events have no cycles, and looking for some takes longer than decoding them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
