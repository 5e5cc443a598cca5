"""What can have happened to a counter."""

from uuid import UUID

from domain.message import message


@message
class Started:
    """It counts from 0."""

    counter_id: UUID


@message
class Counted:
    """`total` is what it shows then."""

    counter_id: UUID
    total: int


Event = Started | Counted
