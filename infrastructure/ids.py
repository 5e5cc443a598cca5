"""Ids made at the edge: time-ordered for new things, derived for executions."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562), greater than any made by this process before."""
    return uuid7()


def made_at(id: UUID) -> datetime | None:
    """When a UUIDv7 was made, to the millisecond; None for an id that does not say."""
    if id.version != 7:
        return None
    try:
        return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # a client may have brought any
        return None


def execution_id(customer_id: UUID, name: str) -> UUID:
    """The id of the execution that the customer calls `name`: always the same for the same two."""
    return uuid5(customer_id, name)
