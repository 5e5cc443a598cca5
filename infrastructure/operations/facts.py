"""Facts about the data live with the data: what amounts are in is said once, at the first start."""

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.errors import InfrastructureError

REMEMBER = "INSERT INTO facts (name, value) VALUES ('currency', %s) ON CONFLICT DO NOTHING"
CURRENCY = "SELECT value FROM facts WHERE name = 'currency'"


class OtherCurrency(InfrastructureError):
    """The amounts in the database are in another currency than is set."""


def agree_on_currency(connection: Connection[TupleRow], currency: str) -> None:
    """Let the database remember the currency of its amounts, if it knows of none yet. Raises
    OtherCurrency where it is another one."""
    connection.execute(REMEMBER, (currency,))
    known = currency_of_amounts(connection)
    if known != currency:
        raise OtherCurrency(
            f"SHOP_CURRENCY is {currency}, but the amounts in this database are {known}:"
            f" set SHOP_CURRENCY={known}, or use another database"
        )


def currency_of_amounts(connection: Connection[TupleRow]) -> str | None:
    """What amounts are in; None where no shop has begun on the database."""
    row = connection.execute(CURRENCY).fetchone()
    return None if row is None else str(row[0])
