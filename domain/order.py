"""An order: created, placed (as often as it takes), then completed or cancelled."""

from dataclasses import replace
from enum import Enum
from uuid import UUID

from domain.commands import (
    CancelOrder,
    CompleteOrder,
    CreateOrder,
    OrderCommand,
    PlaceOrder,
    PrepareShipment,
    RefusePrice,
    RejectOrder,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderEvent,
    OrderPlaced,
    OrderRejected,
    PriceRefused,
    ShipmentPrepared,
)
from domain.message import message
from domain.values import MAX_AMOUNT, MAX_QUANTITY, OrderLine


class OrderStatus(Enum):
    """Where an order stands; FAILED: its last execution did, and it can be placed again."""

    PENDING = "PENDING"
    PLACED = "PLACED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@message
class Order:
    """`execution_id` is the execution that runs, or else the last one that ran."""

    creation: OrderCreated | None = None
    status: OrderStatus = OrderStatus.PENDING
    execution_id: UUID | None = None
    price_refused: bool = False
    shipment_prepared: bool = False


def decide(command: OrderCommand, order: Order) -> list[OrderEvent]:
    """Say what happens to the order. Raises NotFound, Conflict or Invalid."""
    if isinstance(command, CreateOrder):
        return _create(command, order)
    if order.creation is None:
        raise NotFound("order", command.order_id)
    match command:
        case PlaceOrder():
            return _place(command, order, order.creation)
        case CancelOrder(order_id):
            if order.status is OrderStatus.CANCELLED:
                return []
            if order.status not in (OrderStatus.PENDING, OrderStatus.FAILED):
                raise Conflict(f"The order is {order.status.value}: it can no longer be cancelled.")
            return [OrderCancelled(order_id)]
        case RefusePrice(order_id, execution_id, calculated):
            if order.price_refused and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            return [PriceRefused(order_id, execution_id, order.creation.total, calculated)]
        case PrepareShipment(order_id, execution_id):
            if order.shipment_prepared and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            return [ShipmentPrepared(order_id, execution_id)]
        case CompleteOrder(order_id, execution_id):
            if order.status is OrderStatus.COMPLETED and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            return [OrderCompleted(order_id, execution_id)]
        case RejectOrder(order_id, execution_id, problem):
            if order.status is OrderStatus.FAILED and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            return [OrderRejected(order_id, execution_id, problem)]


def _create(command: CreateOrder, order: Order) -> list[OrderEvent]:
    created = OrderCreated(
        command.order_id,
        command.customer_id,
        command.account_id,
        command.items,
        command.shipping_address,
        command.total,
    )
    if order.creation == created:
        return []
    if order.creation is not None:
        raise Conflict("Another order has this id.")
    if not command.items:
        raise Invalid("items", "An order has at least one item.")
    if any(item.quantity <= 0 for item in command.items):
        raise Invalid("items", "Of every item at least one is ordered.")
    if any(item.quantity > MAX_QUANTITY for item in command.items):
        raise Invalid("items", "So many cannot be ordered.")
    if len({item.product_id for item in command.items}) < len(command.items):
        raise Invalid("items", "Every product stands once in an order.")
    if command.total < 0:
        raise Invalid("total", "A total is not negative.")
    if command.total > MAX_AMOUNT:
        raise Invalid("total", "This total is too high.")
    return [created]


def _place(command: PlaceOrder, order: Order, creation: OrderCreated) -> list[OrderEvent]:
    if order.execution_id == command.execution_id:
        return []
    if order.status not in (OrderStatus.PENDING, OrderStatus.FAILED):
        raise Conflict(f"The order is {order.status.value}: it cannot be placed now.")
    return [
        OrderPlaced(
            command.order_id,
            command.execution_id,
            command.execution_name,
            creation.customer_id,
            creation.account_id,
            tuple(OrderLine(item.product_id, item.quantity) for item in creation.items),
            creation.total,
        )
    ]


def _check_running(order: Order, execution_id: UUID) -> None:
    if order.status is not OrderStatus.PLACED or order.execution_id != execution_id:
        raise Conflict("The execution is not the one that runs for this order.")


def evolve(order: Order, event: OrderEvent) -> Order:
    """The order after `event`."""
    match event:
        case OrderCreated():
            return Order(event)
        case OrderPlaced(execution_id=execution_id):
            return Order(order.creation, OrderStatus.PLACED, execution_id)
        case PriceRefused():
            return replace(order, price_refused=True)
        case ShipmentPrepared():
            return replace(order, shipment_prepared=True)
        case OrderCompleted():
            return replace(order, status=OrderStatus.COMPLETED)
        case OrderRejected():
            return replace(order, status=OrderStatus.FAILED)
        case OrderCancelled():
            return replace(order, status=OrderStatus.CANCELLED)
