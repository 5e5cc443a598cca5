"""Everything that can be asked of the shop. Amounts are minor units; ids are made by the sender."""

from uuid import UUID

from domain.message import message
from domain.values import Address, OrderItem, Problem

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


StockCommand = (
    ListProduct
    | ChangeProduct
    | DiscontinueProduct
    | AdjustStock
    | ReserveStock
    | ReleaseReservation
    | ShipReservation
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


AccountCommand = OpenAccount | Deposit | Withdraw | Charge | Refund | SettleCharge

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
class CancelOrder:
    order_id: UUID


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
    order_id: UUID
    execution_id: UUID


@message
class RejectOrder:
    order_id: UUID
    execution_id: UUID
    problem: Problem


OrderCommand = (
    CreateOrder
    | PlaceOrder
    | CancelOrder
    | RefusePrice
    | PrepareShipment
    | CompleteOrder
    | RejectOrder
)

Command = StockCommand | AccountCommand | OrderCommand
