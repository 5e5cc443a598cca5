"""How values are written in answers and read from variables."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from api.graphql.schema.scalars import SCALARS
from api.money import currency_of


@strawberry.type
class Query:
    @strawberry.field
    def moment(self, at: datetime) -> datetime:
        return at

    @strawberry.field
    def number(self, value: Decimal) -> Decimal:
        return value

    @strawberry.field
    def cet(self) -> datetime:
        return datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))


SCHEMA = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))


def ask(field: str, argument: str, kind: str, value: object) -> str | None:
    """What comes back of the value; None where it cannot be read."""
    document = f"query ($value: {kind}!) {{ answer: {field}({argument}: $value) }}"
    data = SCHEMA.execute_sync(document, {"value": value}).data
    return str(data["answer"]) if data else None


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00.000000Z"),
        ("2026-05-01T10:00:00.000001Z", "2026-05-01T10:00:00.000001Z"),
        ("2026-05-01T10:00:00", "2026-05-01T10:00:00.000000Z"),
        ("2026-05-01", "2026-05-01T00:00:00.000000Z"),
        ("last Friday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (20260501, None),
    ],
)
def test_moments_are_utc_with_microseconds(sent: object, answered: str | None) -> None:
    assert ask("moment", "at", "DateTime", sent) == answered


def test_a_moment_of_another_zone_is_written_as_utc() -> None:
    assert SCHEMA.execute_sync("{ cet }").data == {"cet": "2026-05-01T10:00:00.000000Z"}


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("12.50", "12.50"),
        ("-0.001", "-0.001"),
        (12, "12"),
        (12.5, "12.5"),
        ("NaN", "NaN"),  # which the validation of the field refuses, with its path
        ("twelve", None),
        ("", None),
        ("1_000", None),
        ("١٢", None),
        ("1" * 51, None),
        (True, None),
        ([], None),
    ],
)
def test_decimals_are_read_exactly(sent: object, answered: str | None) -> None:
    assert ask("number", "value", "Decimal", sent) == answered


def test_money_has_the_digits_of_its_currency() -> None:
    dollars = currency_of("USD")
    assert [str(dollars.money(cents)) for cents in (0, 5, 1250, 10**12)] == [
        "0.00 USD",
        "0.05 USD",
        "12.50 USD",
        "10000000000.00 USD",
    ]
    assert str(currency_of("JPY").money(1250)) == "1250 JPY"


@pytest.mark.parametrize("code", ["XAU", "ABC", "usd dollar", ""])
def test_there_is_no_such_currency(code: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the library words it
        currency_of(code)
