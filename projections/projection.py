"""What a read model is: tables that belong to it alone, filled by a pure function of the log."""

from collections.abc import Callable, Iterable, Sequence
from typing import LiteralString

from domain.message import message
from domain.recorded import Recorded


@message
class Table:
    """A table of the read model and the columns of its primary key."""

    name: str
    key: tuple[str, ...]


@message
class Followed:
    """Rows whose changes somebody may follow: what they are called, their table, which has a column
    `position` of the event that changed each last, and the column of their ids.

    `compared` are the columns by which a row is another than in the copy that was live before:
    needed where one may follow all rows without naming them.
    """

    kind: str
    table: LiteralString
    id_column: LiteralString
    compared: tuple[LiteralString, ...] = ()


@message
class Statement:
    """SQL for any number of rows: each parameter is a column, to be given to `unnest`."""

    query: LiteralString
    columns: tuple[list[object], ...]


@message
class Projection:
    """`schema` and the statements name tables without their schema, so that `search_path` chooses
    which copy they make and fill. `version` counts up when the tables or `apply` change.

    `apply` turns events in log order, of any types, into statements to be run in that order in one
    transaction. It has no clock and no effects; how the log is cut into batches changes nothing.
    """

    name: LiteralString
    version: int
    schema: LiteralString
    tables: tuple[Table, ...]
    events: frozenset[type]
    apply: Callable[[Sequence[Recorded]], list[Statement]]
    followed: Followed | None = None


def statement(query: LiteralString, rows: Iterable[tuple[object, ...]]) -> list[Statement]:
    """`query` with `rows` turned to columns, or nothing where there are no rows."""
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return [Statement(query, columns)] if columns else []
