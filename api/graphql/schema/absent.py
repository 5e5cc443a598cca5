"""What stands where a row is gone that others name: they are shown all the same.

Users can be deleted, which the log knows nothing of, and an event that made an order can be dropped
by an operator. The contract promises something there, so it is as much as the id still tells.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from infrastructure.identity.users import User
from infrastructure.ids import made_at
from projections.orders import OrderRow

DELETED = "Deleted user"
LONG_AGO = datetime.fromtimestamp(0, UTC)
NOWHERE: dict[str, Any] = dict.fromkeys(
    ("country", "city", "post_code", "street", "house_number"), ""
) | {"local_number": None}


def absent_user(user_id: UUID) -> User:
    """A user who was deleted, or was never brought over with the log: without an address."""
    return User(
        user_id=user_id,
        email="",
        name=DELETED,
        role="USER",
        email_verified=False,
        locked=True,
        account_id=user_id,
        created_at=made_at(user_id) or LONG_AGO,
    )


def absent_order(order_id: UUID, customer_id: UUID, placed_at: datetime) -> OrderRow:
    """The order of an execution, where the event that created it was dropped: without items."""
    return OrderRow(
        order_id=order_id,
        customer_id=customer_id,
        account_id=customer_id,
        status="FAILED",
        items=[],
        shipping_address=NOWHERE,
        total=0,
        receipt=None,
        shipment_id=None,
        shipment_prepared_at=None,
        problem={"code": "PROCESSING_FAILED"},
        created_at=placed_at,
        updated_at=placed_at,
        created_position=0,
        position=0,
        number=0,
    )
