"""What kind of thing has an id: found in one statement, by the index of each kind."""

from collections.abc import Sequence
from typing import Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Kind = Literal["product", "order", "execution", "account", "user", "transfer"]

_KINDS: LiteralString = """
WITH wanted AS MATERIALIZED (SELECT * FROM unnest(%b::uuid[]) AS ids (id))
SELECT id, 'product' FROM wanted JOIN products ON product_id = id
UNION ALL SELECT id, 'order' FROM wanted JOIN orders ON order_id = id
UNION ALL SELECT id, 'execution' FROM wanted JOIN executions ON execution_id = id
UNION ALL SELECT id, 'account' FROM wanted JOIN accounts ON account_id = id
UNION ALL SELECT id, 'user' FROM wanted JOIN users ON user_id = id
UNION ALL SELECT id, 'transfer' FROM wanted JOIN transactions
    ON transaction_id = id AND reason IN ('DEPOSIT', 'WITHDRAWAL')
"""


async def kinds_of(
    connection: AsyncConnection[TupleRow], ids: Sequence[UUID]
) -> list[tuple[UUID, Kind]]:
    """The kind of each id that something has; a transfer last, where something else has its id."""
    cursor = await connection.execute(_KINDS, (list(ids),), binary=True)
    rows: list[tuple[UUID, Kind]] = await cursor.fetchall()
    return rows
