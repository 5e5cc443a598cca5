"""Everything that can be asked of the shop. Amounts are minor units; ids are made by the sender."""

from datetime import datetime
from uuid import UUID

from domain.message import message
from domain.values import Address, OrderItem, OrderLine, Problem, ReceiptLine

# Stock: one per product. What it is, what it costs, how many there are. --------------------------


@message
class ListProduct:
    product_id: UUID
    name: str
    image_url: str
    price: int
    quantity: int


@message
class ChangeProduct:
    """What is None stays as it is."""

    product_id: UUID
    name: str | None = None
    image_url: str | None = None
    price: int | None = None


@message
class DiscontinueProduct:
    product_id: UUID


@message
class AdjustStock:
    """Add `by` to what is on hand; negative takes away, never below what is reserved."""

    product_id: UUID
    adjustment_id: UUID
    by: int
    reason: str


@message
class ReserveStock:
    product_id: UUID
    execution_id: UUID
    quantity: int


@message
class ReleaseReservation:
    product_id: UUID
    execution_id: UUID


@message
class ShipReservation:
    product_id: UUID
    execution_id: UUID


@message
class TakeBack:
    """Put what a customer has returned on the shelf again, once per return."""

    product_id: UUID
    return_id: UUID
    quantity: int


StockCommand = (
    ListProduct
    | ChangeProduct
    | DiscontinueProduct
    | AdjustStock
    | ReserveStock
    | ReleaseReservation
    | ShipReservation
    | TakeBack
)

# Account: one per customer. ----------------------------------------------------------------------


@message
class OpenAccount:
    account_id: UUID
    owner_id: UUID
    opening_deposit: int


@message
class Deposit:
    account_id: UUID
    transfer_id: UUID
    amount: int


@message
class Withdraw:
    account_id: UUID
    transfer_id: UUID
    amount: int


@message
class Charge:
    """Take the price of an order, once per execution."""

    account_id: UUID
    execution_id: UUID
    order_id: UUID
    amount: int


@message
class Refund:
    """Give back what the execution was charged."""

    account_id: UUID
    execution_id: UUID


@message
class SettleCharge:
    """The execution succeeded: its charge can no longer be refunded."""

    account_id: UUID
    execution_id: UUID


@message
class RefundReturn:
    """Give back what was paid for goods that were returned, once per return."""

    account_id: UUID
    return_id: UUID
    order_id: UUID
    amount: int


AccountCommand = OpenAccount | Deposit | Withdraw | Charge | Refund | SettleCharge | RefundReturn

# Order. ------------------------------------------------------------------------------------------


@message
class CreateOrder:
    """`total` is what the customer was shown."""

    order_id: UUID
    customer_id: UUID
    account_id: UUID
    items: tuple[OrderItem, ...]
    shipping_address: Address
    total: int


@message
class PlaceOrder:
    """Start an execution of the place-order saga, under a name that the customer chose."""

    order_id: UUID
    execution_id: UUID
    execution_name: str


@message
class ChangeOrder:
    """What is None stays as it is; the order's own prices are the customer's of this moment."""

    order_id: UUID
    change_id: UUID
    items: tuple[OrderItem, ...] | None = None
    shipping_address: Address | None = None
    total: int | None = None


@message
class CancelOrder:
    """Cancel what is not placed; while an execution runs, ask for it to be undone. `reason` is an
    operator's, who does it in the customer's stead."""

    order_id: UUID
    reason: str | None = None


@message
class RefusePrice:
    """The products' prices give `calculated`, which is not the order's total."""

    order_id: UUID
    execution_id: UUID
    calculated: int


@message
class PrepareShipment:
    order_id: UUID
    execution_id: UUID


@message
class CompleteOrder:
    """`receipt` is what was reserved, at the prices of that moment: their sum is what was paid."""

    order_id: UUID
    execution_id: UUID
    receipt: tuple[ReceiptLine, ...]


@message
class RejectOrder:
    order_id: UUID
    execution_id: UUID
    problem: Problem


# Returns: of what an order has delivered. Its stream decides, so that all returns together never
# take back more than that.


@message
class RequestReturn:
    """`due_at` is when the goods must be there at the latest."""

    order_id: UUID
    return_id: UUID
    lines: tuple[OrderLine, ...]
    reason: str
    due_at: datetime


@message
class ReceiveReturn:
    """The goods are there."""

    order_id: UUID
    return_id: UUID


@message
class RejectReturn:
    order_id: UUID
    return_id: UUID
    reason: str


@message
class ExpireReturn:
    """The goods did not come in time."""

    order_id: UUID
    return_id: UUID


@message
class CompleteReturn:
    """Stock and money are given back."""

    order_id: UUID
    return_id: UUID


ReturnCommand = RequestReturn | ReceiveReturn | RejectReturn | ExpireReturn | CompleteReturn

OrderCommand = (
    CreateOrder
    | ChangeOrder
    | PlaceOrder
    | CancelOrder
    | RefusePrice
    | PrepareShipment
    | CompleteOrder
    | RejectOrder
    | ReturnCommand
)

Command = StockCommand | AccountCommand | OrderCommand
