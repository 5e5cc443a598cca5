"""Telling those who follow that rows were put right: their positions do not say it, because they
are below what was seen already."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Cursor
from psycopg.rows import TupleRow

# What is followed of a read model: how it is called, its table and the column of its id.
FOLLOWED: dict[str, tuple[LiteralString, LiteralString, LiteralString]] = {
    "orders": ("execution", "executions", "execution_id"),
    "accounts": ("account", "accounts", "account_id"),
    "products": ("product", "products", "product_id"),
}

# Who was away for longer looks at everything when he comes back.
_FORGET: LiteralString = (
    "DELETE FROM repaired_rows WHERE repaired_at < clock_timestamp() - interval '1 hour'"
    " AND number < (SELECT max(number) FROM repaired_rows)"
)
_TELL: LiteralString = "SELECT pg_notify('repaired', max(number)::text) FROM repaired_rows"


def tell_rows(cursor: Cursor[TupleRow], name: str, positions: Sequence[int]) -> None:
    """The rows of the read model that the events at these positions have made or changed last."""
    if name not in FOLLOWED:
        return
    kind, table, column = FOLLOWED[name]
    cursor.execute(_FORGET)
    cursor.execute(
        f"INSERT INTO repaired_rows (kind, id) SELECT %s, {column} FROM {table}"
        " WHERE position = ANY(%s)",
        (kind, list(positions)),
    )
    cursor.execute(_TELL)


def tell_all(cursor: Cursor[TupleRow], name: str) -> None:
    """Any row of the read model: another copy of it is live."""
    if name not in FOLLOWED:
        return
    cursor.execute(_FORGET)
    cursor.execute("INSERT INTO repaired_rows (kind) VALUES (%s)", (FOLLOWED[name][0],))
    cursor.execute(_TELL)
