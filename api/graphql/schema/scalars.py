"""The contract's scalars: how values are written in answers and read from variables."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar, cast
from uuid import UUID

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from api.graphql.errors import BadUserInput
from api.validation import UNPRINTABLE, parse_uuid

LONGEST_DECIMAL = 50
LONGEST_TEXT = 200

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
        moment = datetime.fromisoformat(cast("str", value))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
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


SCALARS: dict[object, ScalarDefinition] = {
    UUID: DEFAULT_SCALAR_REGISTRY[strawberry.ID],
    datetime: strawberry.scalar(
        name="DateTime",
        description="ISO 8601, UTC, with microseconds.",
        serialize=_write_datetime,
        parse_value=_read_datetime,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='Exact decimal number, sent as a string: "12.50".',
        serialize=str,
        parse_value=_read_decimal,
    ),
    strawberry.scalars.JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
