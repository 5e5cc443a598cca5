"""What a counter can be asked."""

from uuid import UUID

from domain.message import message


@message
class Start:
    """Begin a counter."""

    counter_id: UUID


@message
class Count:
    """One more."""

    counter_id: UUID


Command = Start | Count
