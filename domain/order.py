"""An order: created and changed, placed (as often as it takes), then completed or cancelled; and
what comes back of it."""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from uuid import UUID

from domain import returns
from domain.commands import (
    CancelOrder,
    ChangeOrder,
    CompleteOrder,
    CreateOrder,
    OrderCommand,
    PlaceOrder,
    PrepareShipment,
    RefusePrice,
    RejectOrder,
    RequestReturn,
    ReturnCommand,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import (
    CancellationRequested,
    OrderCancelled,
    OrderChanged,
    OrderCompleted,
    OrderCreated,
    OrderEvent,
    OrderPlaced,
    OrderRejected,
    PriceRefused,
    ReturnCompleted,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
    ShipmentPrepared,
)
from domain.message import message
from domain.returns import Returns
from domain.values import MAX_AMOUNT, MAX_QUANTITY, OrderItem, OrderLine, ReceiptLine


class OrderStatus(Enum):
    """Where an order stands; FAILED: its last execution did, and it can be placed again."""

    PENDING = "PENDING"
    PLACED = "PLACED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class OrderAction(Enum):
    """What a customer may do with an order."""

    CHANGE = "CHANGE"
    PLACE = "PLACE"
    CANCEL = "CANCEL"
    RETURN = "RETURN"


@message
class Order:
    """`execution_id` is the execution that runs, or else the last one that ran; `cancellation` the
    wish to undo it."""

    creation: OrderCreated | None = None
    status: OrderStatus = OrderStatus.PENDING
    execution_id: UUID | None = None
    price_refused: bool = False
    shipment_prepared: bool = False
    cancellation: CancellationRequested | None = None
    last_change: OrderChanged | None = None
    returns: Returns = Returns()

    @property
    def contents(self) -> OrderCreated | OrderChanged | None:
        """What is ordered, where it goes and what the customer was shown."""
        return self.last_change or self.creation

    @property
    def allowed_actions(self) -> list[OrderAction]:
        """What the customer may do with it now."""
        match self.status:
            case OrderStatus.PENDING | OrderStatus.FAILED:
                return [OrderAction.CHANGE, OrderAction.PLACE, OrderAction.CANCEL]
            case OrderStatus.PLACED:
                undoable = not self.shipment_prepared and self.cancellation is None
                return [OrderAction.CANCEL] if undoable else []
            case OrderStatus.COMPLETED:
                return [OrderAction.RETURN] if self.returns.returnable() else []
            case OrderStatus.CANCELLED:
                return []


def decide(command: OrderCommand, order: Order) -> list[OrderEvent]:
    """Say what happens to the order. Raises NotFound, Conflict or Invalid."""
    if isinstance(command, CreateOrder):
        return _create(command, order)
    if order.creation is None:
        raise NotFound("order", command.order_id)
    if isinstance(command, ReturnCommand):
        if isinstance(command, RequestReturn) and order.status is not OrderStatus.COMPLETED:
            raise Conflict(f"The order is {order.status.value}: nothing of it can be returned.")
        return [*returns.decide(command, order.returns, order.creation)]
    contents = order.last_change or order.creation
    match command:
        case ChangeOrder():
            return _change(command, order, contents)
        case PlaceOrder():
            return _place(command, order, order.creation)
        case CancelOrder():
            return _cancel(command, order)
        case RefusePrice(order_id, execution_id, calculated):
            if order.price_refused and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            return [PriceRefused(order_id, execution_id, contents.total, calculated)]
        case PrepareShipment(order_id, execution_id):
            if order.shipment_prepared and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            if order.cancellation is not None:  # which the execution is about to hear of
                return []
            return [ShipmentPrepared(order_id, execution_id)]
        case CompleteOrder(order_id, execution_id, receipt):
            if order.status is OrderStatus.COMPLETED and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            return [OrderCompleted(order_id, execution_id, receipt)]
        case RejectOrder(order_id, execution_id, problem):
            ended = order.status in (OrderStatus.FAILED, OrderStatus.CANCELLED)
            if ended and order.execution_id == execution_id:
                return []
            _check_running(order, execution_id)
            if order.cancellation is not None:
                return [OrderCancelled(order_id, execution_id)]
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
    _check_contents(command.items, command.total)
    return [created]


def _check_contents(items: Sequence[OrderItem], total: int) -> None:
    if not items:
        raise Invalid("items", "An order has at least one item.")
    if any(item.quantity <= 0 for item in items):
        raise Invalid("items", "Of every item at least one is ordered.")
    if any(item.quantity > MAX_QUANTITY for item in items):
        raise Invalid("items", "So many cannot be ordered.")
    if len({item.product_id for item in items}) < len(items):
        raise Invalid("items", "Every product stands once in an order.")
    if total < 0:
        raise Invalid("total", "A total is not negative.")
    if total > MAX_AMOUNT:
        raise Invalid("total", "This total is too high.")


def _change(
    command: ChangeOrder, order: Order, now: OrderCreated | OrderChanged
) -> list[OrderEvent]:
    changed = OrderChanged(
        command.order_id,
        command.change_id,
        now.items if command.items is None else command.items,
        now.shipping_address if command.shipping_address is None else command.shipping_address,
        now.total if command.total is None else command.total,
    )
    if changed == order.last_change:
        return []
    if order.status not in (OrderStatus.PENDING, OrderStatus.FAILED):
        raise Conflict(f"The order is {order.status.value}: it can no longer be changed.")
    _check_contents(changed.items, changed.total)
    return [changed]


def _cancel(command: CancelOrder, order: Order) -> list[OrderEvent]:
    match order.status:
        case OrderStatus.CANCELLED:
            return []
        case OrderStatus.PENDING | OrderStatus.FAILED:
            return [OrderCancelled(command.order_id, None)]
        case OrderStatus.PLACED if order.cancellation is not None:
            return []
        case OrderStatus.PLACED if not order.shipment_prepared and order.execution_id is not None:
            return [CancellationRequested(command.order_id, order.execution_id, command.reason)]
        case OrderStatus.PLACED:
            raise Conflict("The shipment is prepared: the order can no longer be cancelled.")
        case OrderStatus.COMPLETED:
            raise Conflict("The order is COMPLETED: it can no longer be cancelled.")


def _place(command: PlaceOrder, order: Order, creation: OrderCreated) -> list[OrderEvent]:
    if order.execution_id == command.execution_id:
        return []
    if order.status not in (OrderStatus.PENDING, OrderStatus.FAILED):
        raise Conflict(f"The order is {order.status.value}: it cannot be placed now.")
    contents = order.last_change or creation
    return [
        OrderPlaced(
            command.order_id,
            command.execution_id,
            command.execution_name,
            creation.customer_id,
            creation.account_id,
            tuple(OrderLine(item.product_id, item.quantity) for item in contents.items),
            contents.total,
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
        case OrderChanged():
            return replace(order, last_change=event)
        case OrderPlaced(execution_id=execution_id):
            return Order(
                order.creation, OrderStatus.PLACED, execution_id, last_change=order.last_change
            )
        case CancellationRequested():
            return replace(order, cancellation=event)
        case PriceRefused():
            return replace(order, price_refused=True)
        case ShipmentPrepared():
            return replace(order, shipment_prepared=True)
        case OrderCompleted(receipt=receipt):
            delivered = Returns(receipt or _ordered(order))
            return replace(order, status=OrderStatus.COMPLETED, returns=delivered)
        case OrderRejected():
            return replace(order, status=OrderStatus.FAILED)
        case OrderCancelled():
            return replace(order, status=OrderStatus.CANCELLED)
        case (
            ReturnRequested()
            | ReturnReceived()
            | ReturnRejected()
            | ReturnExpired()
            | ReturnCompleted()
        ):
            return replace(order, returns=returns.evolve(order.returns, event))


def _ordered(order: Order) -> tuple[ReceiptLine, ...]:
    """What was ordered, at the prices that it was ordered at."""
    contents = order.contents
    items = contents.items if contents else ()
    return tuple(ReceiptLine(item.product_id, item.quantity, item.unit_price) for item in items)
