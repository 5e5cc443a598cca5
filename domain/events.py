"""Everything that can have happened. Amounts are minor units.

These class names and fields *are* the storage format, for ever: a change needs an upcast.
"""

from datetime import datetime
from uuid import UUID

from domain.message import message
from domain.values import Address, OrderItem, OrderLine, Problem, ReceiptLine

# Stock. ------------------------------------------------------------------------------------------


@message
class ProductListed:
    product_id: UUID
    name: str
    image_url: str
    price: int
    quantity: int


@message
class ProductChanged:
    """The product as it is from now on."""

    product_id: UUID
    name: str
    image_url: str
    price: int


@message
class ProductDiscontinued:
    product_id: UUID


@message
class StockAdjusted:
    product_id: UUID
    adjustment_id: UUID
    by: int
    reason: str


@message
class StockReserved:
    """`unit_price` is the product's price at that moment."""

    product_id: UUID
    execution_id: UUID
    quantity: int
    unit_price: int


@message
class StockShort:
    product_id: UUID
    execution_id: UUID
    name: str
    requested: int
    available: int


@message
class ReservationReleased:
    product_id: UUID
    execution_id: UUID
    quantity: int


@message
class ReservationShipped:
    product_id: UUID
    execution_id: UUID
    quantity: int


@message
class StockReturned:
    product_id: UUID
    return_id: UUID
    quantity: int


StockEvent = (
    ProductListed
    | ProductChanged
    | ProductDiscontinued
    | StockAdjusted
    | StockReserved
    | StockShort
    | ReservationReleased
    | ReservationShipped
    | StockReturned
)

# Account. ----------------------------------------------------------------------------------------


@message
class AccountOpened:
    account_id: UUID
    owner_id: UUID
    opening_deposit: int


@message
class Deposited:
    account_id: UUID
    transfer_id: UUID
    amount: int


@message
class Withdrawn:
    account_id: UUID
    transfer_id: UUID
    amount: int


@message
class AccountCharged:
    account_id: UUID
    execution_id: UUID
    order_id: UUID
    amount: int


@message
class ChargeDeclined:
    account_id: UUID
    execution_id: UUID
    required: int
    balance: int


@message
class ChargeRefunded:
    account_id: UUID
    execution_id: UUID
    order_id: UUID
    amount: int


@message
class ChargeSettled:
    account_id: UUID
    execution_id: UUID


@message
class ReturnRefunded:
    account_id: UUID
    return_id: UUID
    order_id: UUID
    amount: int


AccountEvent = (
    AccountOpened
    | Deposited
    | Withdrawn
    | AccountCharged
    | ChargeDeclined
    | ChargeRefunded
    | ChargeSettled
    | ReturnRefunded
)

# Order. ------------------------------------------------------------------------------------------


@message
class OrderCreated:
    order_id: UUID
    customer_id: UUID
    account_id: UUID
    items: tuple[OrderItem, ...]
    shipping_address: Address
    total: int


@message
class OrderChanged:
    """What is ordered, where it goes and what the customer was shown, from now on."""

    order_id: UUID
    change_id: UUID
    items: tuple[OrderItem, ...]
    shipping_address: Address
    total: int


@message
class OrderPlaced:
    """An execution of the place-order saga began; all that the saga needs to know of the order."""

    order_id: UUID
    execution_id: UUID
    execution_name: str
    customer_id: UUID
    account_id: UUID
    lines: tuple[OrderLine, ...]
    total: int


@message
class PriceRefused:
    order_id: UUID
    execution_id: UUID
    provided: int
    calculated: int


@message
class CancellationRequested:
    """The execution shall be undone; `reason` where an operator wants it."""

    order_id: UUID
    execution_id: UUID
    reason: str | None


@message
class ShipmentPrepared:
    """One shipment an execution, so the execution's id is the shipment's."""

    order_id: UUID
    execution_id: UUID


@message
class OrderCompleted:
    """`receipt` is what was delivered and paid; empty where it was recorded before there were any:
    then the prices are those of the order."""

    order_id: UUID
    execution_id: UUID
    receipt: tuple[ReceiptLine, ...]


@message
class OrderRejected:
    order_id: UUID
    execution_id: UUID
    problem: Problem


@message
class OrderCancelled:
    """`execution_id` is the execution that was undone for it, None where none ran."""

    order_id: UUID
    execution_id: UUID | None


@message
class ReturnRequested:
    """Goods of a completed order are to come back; all that the saga needs to know."""

    order_id: UUID
    return_id: UUID
    customer_id: UUID
    account_id: UUID
    lines: tuple[ReceiptLine, ...]
    refund: int
    reason: str
    due_at: datetime


@message
class ReturnReceived:
    order_id: UUID
    return_id: UUID


@message
class ReturnRejected:
    order_id: UUID
    return_id: UUID
    reason: str


@message
class ReturnExpired:
    order_id: UUID
    return_id: UUID


@message
class ReturnCompleted:
    order_id: UUID
    return_id: UUID


ReturnEvent = ReturnRequested | ReturnReceived | ReturnRejected | ReturnExpired | ReturnCompleted

PlacingEvent = (
    OrderCreated
    | OrderChanged
    | OrderPlaced
    | PriceRefused
    | CancellationRequested
    | ShipmentPrepared
    | OrderCompleted
    | OrderRejected
    | OrderCancelled
)

OrderEvent = PlacingEvent | ReturnEvent

Event = StockEvent | AccountEvent | OrderEvent
