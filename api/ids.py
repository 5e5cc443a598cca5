"""Ids as clients see them: unique over all types, though some things have none of their own.

A stream's id is its aggregate's, an execution's is derived from its name, and a deposit or a
withdrawal has one that its customer may have brought. Any other transaction is told by the event
that made it: its id is that event's position in the log behind a mark of our own, which ids that
clients bring must not bear; it can be turned back. A shipment is one an execution.
"""

from uuid import UUID, uuid5

# RFC 9562, section 5.8: version 8 is for whoever makes it. The mark reads "transa" in ASCII.
_MARK = (0x7472616E_7361_8000 << 2) | 0b10  # with the variant of all UUIDs behind it
_POSITION_BITS = 62


def booking_id(position: int) -> UUID:
    """That of the transaction that the event at `position`, below 2^62, made by the way."""
    return UUID(int=_MARK << _POSITION_BITS | position)


def booking_position(id: UUID) -> int | None:
    """The position of the event that made the transaction; None for the id of something else."""
    if id.int >> _POSITION_BITS != _MARK:
        return None
    return id.int & ((1 << _POSITION_BITS) - 1)


def shipment_id(execution_id: UUID) -> UUID:
    """That of the shipment that the execution prepared."""
    return uuid5(execution_id, "shipment")
