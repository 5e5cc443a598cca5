"""Money at the edge: exact decimals with their currency, made of whole minor units."""

from decimal import Decimal

import iso4217
import strawberry

from domain.message import message


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(description="Exact, with just the currency's digits.")
    currency: str = strawberry.field(description="The currency's code of ISO 4217, such as `EUR`.")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@message
class Currency:
    """An ISO 4217 currency: `digits` is how many an amount has after its point, `unit` the least
    amount."""

    code: str
    digits: int
    unit: Decimal

    def money(self, minor_units: int) -> Money:
        """`minor_units` with exactly the currency's digits."""
        return Money(amount=minor_units * self.unit, currency=self.code)


def currency_of(code: str) -> Currency:
    """The currency of that code. Raises ValueError where there is none that has amounts."""
    digits = iso4217.Currency(code).exponent
    if digits is None:
        raise ValueError(f"{code} has no minor units")
    return Currency(code, digits, Decimal(1).scaleb(-digits))
