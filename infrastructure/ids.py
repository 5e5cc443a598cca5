"""Ids made at the edge: time-ordered for new things, derived for executions."""

from uuid import UUID, uuid5

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562), greater than any made by this process before."""
    return uuid7()


def execution_id(customer_id: UUID, name: str) -> UUID:
    """The id of the execution that the customer calls `name`: always the same for the same two."""
    return uuid5(customer_id, name)
