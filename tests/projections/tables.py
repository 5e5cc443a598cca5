"""Read models in a database of their own, without the projector."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import dict_row

from domain.recorded import Recorded
from projections import PROJECTIONS


def apply(
    connection: Connection[Any], events: Sequence[Recorded], cuts: Iterable[int] = ()
) -> None:
    """Fill all read models, cutting the log into batches at the indices `cuts`."""
    bounds = [0, *sorted(cuts), len(events)]
    for start, end in pairwise(bounds):
        for projection in PROJECTIONS:
            for statement in projection.apply(events[start:end]):
                connection.execute(statement.query, statement.columns, prepare=True)


def rows(connection: Connection[Any], table: str) -> list[dict[str, Any]]:
    """All rows of a table, by their columns' names, in the order of the primary key."""
    key = next(t.key for p in PROJECTIONS for t in p.tables if t.name == table)
    query = sql.SQL("SELECT * FROM {} ORDER BY {}").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, key))
    )
    return connection.cursor(row_factory=dict_row).execute(query).fetchall()


def all_rows(connection: Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Every table's rows."""
    return {t.name: rows(connection, t.name) for p in PROJECTIONS for t in p.tables}
