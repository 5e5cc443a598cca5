"""Telling those who follow that rows were put right: their positions do not say it, because they
are below what was seen already."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.projection import Projection

# Who was away for longer looks at everything when he comes back.
_FORGET: LiteralString = (
    "DELETE FROM repaired_rows WHERE repaired_at < clock_timestamp() - interval '1 hour'"
    " AND number < (SELECT max(number) FROM repaired_rows)"
)
_TELL: LiteralString = "SELECT pg_notify('repaired', max(number)::text) FROM repaired_rows"


def tell_rows(cursor: Cursor[TupleRow], projection: Projection, positions: Sequence[int]) -> None:
    """The rows of the read model that the events at these positions have made or changed last."""
    followed = projection.followed
    if followed is None:
        return
    cursor.execute(_FORGET)
    cursor.execute(
        f"INSERT INTO repaired_rows (kind, id) SELECT %s, {followed.id_column}"
        f" FROM {followed.table} WHERE position = ANY(%s)",
        (followed.kind, list(positions)),
    )
    cursor.execute(_TELL)


def tell_all(cursor: Cursor[TupleRow], projection: Projection) -> None:
    """Any row of the read model: another copy of it is live."""
    if projection.followed is None:
        return
    cursor.execute(_FORGET)
    cursor.execute("INSERT INTO repaired_rows (kind) VALUES (%s)", (projection.followed.kind,))
    cursor.execute(_TELL)
