"""The contract's scalars: how values are written in answers and read from variables."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import NewType, TypeVar, cast
from uuid import UUID

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from api.graphql.errors import BadUserInput
from api.moments import read_moment
from api.validation import parse_uuid
from infrastructure.text import UNPRINTABLE

LONGEST_DECIMAL = 50
LONGEST_TEXT = 200
# The whole numbers that every reader of JSON takes for the same ones (RFC 8259, section 6).
LARGEST_SAFE = 2**53 - 1

BigInt = NewType("BigInt", int)
T = TypeVar("T")


def uuid_of(id: str) -> UUID:
    """The UUID that an ID argument gives. Raises BadUserInput."""
    uuid = parse_uuid(id)
    if uuid is None:
        raise BadUserInput("An id must be a UUID.")
    return uuid


def given(value: T | None) -> T | None:
    """The argument's value; None too where it was left out."""
    return None if value is strawberry.UNSET else value


def text_of(value: str) -> str:
    """Words to look for. Raises BadUserInput for what cannot be printed, and for too much."""
    if len(value) > LONGEST_TEXT or UNPRINTABLE.search(value):
        raise BadUserInput(f"A text to look for has at most {LONGEST_TEXT} printable characters.")
    return value


def _write_datetime(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read_datetime(value: object) -> datetime:
    try:
        return read_moment(cast("str", value))
    except (TypeError, ValueError, OverflowError):
        raise StrawberryInputCoercionError("A DateTime must be an ISO 8601 string.") from None


def _read_decimal(value: object) -> Decimal:
    """A string, or a number as it was written; what it may hold is for the validation to say."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        text = str(value)
        try:
            if len(text) <= LONGEST_DECIMAL and text.isascii() and "_" not in text:
                return Decimal(text)
        except InvalidOperation:
            pass
    raise StrawberryInputCoercionError('A Decimal must be a string such as "12.50".')


def _read_big_int(value: object) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if whole and not isinstance(value, bool):
        number = int(cast("int | float", value))
        if abs(number) <= LARGEST_SAFE:
            return number
    raise StrawberryInputCoercionError("A BigInt must be a whole number of less than 2^53.")


SCALARS: dict[object, ScalarDefinition] = {
    UUID: DEFAULT_SCALAR_REGISTRY[strawberry.ID],
    datetime: strawberry.scalar(
        name="DateTime",
        description="ISO 8601, UTC, with microseconds: `2026-05-01T08:01:00.123456Z`. Any offset is"
        " taken in, and a moment without one is UTC.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_write_datetime,
        parse_value=_read_datetime,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='Exact decimal number, sent as a string: "12.50". A JSON number is taken in'
        " too, as it was written.",
        specified_by_url="https://www.w3.org/TR/xmlschema11-2/#decimal",
        serialize=str,
        parse_value=_read_decimal,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number that may exceed 32 bits (never 2^53), sent as a JSON number."
        " Positions in the log are such.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
        serialize=int,
        parse_value=_read_big_int,
    ),
    strawberry.scalars.JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
