"""The place-order saga: what follows from what has happened.

Reserve every item, check the price, charge the account, prepare the shipment, complete the order.
Where a step is refused, or the customer wants it, undo what was done and reject the order with the
reason.

What was answered already is not waited for any more, so an answer that comes twice changes nothing.
The OrderPlaced that starts an execution must come once: whoever runs this keeps its position in the
log together with what it did.
"""

from dataclasses import replace
from enum import Enum
from uuid import UUID

from application.process import CannotGoOn, Process, Refused, TimedOut
from domain.commands import (
    Charge,
    Command,
    CompleteOrder,
    PrepareShipment,
    Refund,
    RefusePrice,
    RejectOrder,
    ReleaseReservation,
    ReserveStock,
    SettleCharge,
    ShipReservation,
)
from domain.events import (
    AccountCharged,
    CancellationRequested,
    ChargeDeclined,
    ChargeRefunded,
    ChargeSettled,
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    OrderRejected,
    PriceRefused,
    ReservationReleased,
    ReservationShipped,
    ShipmentPrepared,
    StockReserved,
    StockShort,
)
from domain.message import message
from domain.values import (
    Cancelled,
    InsufficientFunds,
    Problem,
    ProcessingFailed,
    ProductsUnavailable,
    ReceiptLine,
    Shortage,
    WrongPrice,
)


class Step(Enum):
    """What an execution waits for."""

    RESERVING = "RESERVING"
    REFUSING_PRICE = "REFUSING_PRICE"
    CHARGING = "CHARGING"
    PREPARING_SHIPMENT = "PREPARING_SHIPMENT"
    SETTLING = "SETTLING"
    COMPLETING = "COMPLETING"
    UNDOING = "UNDOING"
    REJECTING = "REJECTING"


@message
class PlaceOrderProcess:
    """An execution that is under way. `waiting_for` are the products, account or order whose answer
    to the last commands is outstanding."""

    order: OrderPlaced
    step: Step
    waiting_for: frozenset[UUID]
    reserved: tuple[StockReserved, ...] = ()
    shortages: tuple[Shortage, ...] = ()
    charged: bool = False
    problem: Problem | None = None


Reaction = tuple[PlaceOrderProcess | None, list[Command]]


def react(process: PlaceOrderProcess | None, event: Event | Refused | TimedOut) -> Reaction:
    """The process after `event` (None: there is none, or it is finished) and the commands to send.

    Raises CannotGoOn when a command was refused that had to succeed.
    """
    if process is None:
        return _reserve(event) if isinstance(event, OrderPlaced) else (None, [])
    order = process.order
    match process.step, event:
        # Happy path
        case Step.RESERVING, StockReserved(product_id) if product_id in process.waiting_for:
            return _when_all_answered(
                replace(process, reserved=(*process.reserved, event)), product_id
            )
        case Step.RESERVING, StockShort(product_id, _, name, requested, available) if (
            product_id in process.waiting_for
        ):
            shortage = Shortage(product_id, name, requested, available)
            return _when_all_answered(
                replace(process, shortages=(*process.shortages, shortage)), product_id
            )
        case Step.CHARGING, AccountCharged() if process.problem is not None:
            return _undo(replace(process, charged=True), process.problem)
        case Step.CHARGING, AccountCharged():
            return _wait_for_order(replace(process, charged=True), Step.PREPARING_SHIPMENT), [
                PrepareShipment(order.order_id, order.execution_id)
            ]
        case Step.PREPARING_SHIPMENT, ShipmentPrepared():
            return _settle(process)
        case Step.SETTLING, ReservationShipped(product_id=stream) | ChargeSettled(
            account_id=stream
        ):
            return _when_settled(process, stream)
        case Step.COMPLETING, OrderCompleted():
            return None, []

        # Compensation
        case Step.REFUSING_PRICE, PriceRefused(_, _, provided, calculated):
            return _undo(process, WrongPrice(provided, calculated))
        case Step.CHARGING, ChargeDeclined(_, _, required, balance):
            return _undo(process, InsufficientFunds(balance, required))
        case Step.RESERVING, Refused(_, product_id, reason) if product_id in process.waiting_for:
            return _when_all_answered(
                replace(process, problem=ProcessingFailed(reason)), product_id
            )
        case (
            Step.REFUSING_PRICE | Step.CHARGING | Step.PREPARING_SHIPMENT,
            Refused(_, stream, reason),
        ) if stream in process.waiting_for:
            return _undo(process, ProcessingFailed(reason))
        case (
            Step.RESERVING | Step.REFUSING_PRICE | Step.CHARGING | Step.PREPARING_SHIPMENT,
            TimedOut(),
        ):
            return _undo(process, ProcessingFailed(f"timed out in step {process.step.value}"))
        case Step.UNDOING, ReservationReleased(product_id=stream) | ChargeRefunded(
            account_id=stream
        ):
            return _when_undone(process, stream)
        case Step.REJECTING, OrderRejected() | OrderCancelled():
            return None, []

        # The customer wants it undone: once all answers are there, or where none is to come.
        case Step.RESERVING | Step.CHARGING, CancellationRequested(reason=reason):
            return replace(process, problem=Cancelled(reason)), []
        case Step.PREPARING_SHIPMENT, CancellationRequested(reason=reason):
            return _undo(process, Cancelled(reason))

        case _, Refused(_, stream, reason) if stream in process.waiting_for:
            raise CannotGoOn(f"{process.step.value}: {reason}")
    return process, []


def _reserve(order: OrderPlaced) -> Reaction:
    products = frozenset(line.product_id for line in order.lines)
    return PlaceOrderProcess(order, Step.RESERVING, products), [
        ReserveStock(line.product_id, order.execution_id, line.quantity) for line in order.lines
    ]


def _when_all_answered(process: PlaceOrderProcess, answered: UUID) -> Reaction:
    """Every item is tried; then shortages count before the price, the price before the payment."""
    process = replace(process, waiting_for=process.waiting_for - {answered})
    order = process.order
    calculated = sum(item.quantity * item.unit_price for item in process.reserved)
    if process.waiting_for:
        return process, []
    if process.problem:
        return _undo(process, process.problem)
    if process.shortages:
        return _undo(process, ProductsUnavailable(process.shortages))
    if calculated != order.total:
        return _wait_for_order(process, Step.REFUSING_PRICE), [
            RefusePrice(order.order_id, order.execution_id, calculated)
        ]
    return replace(process, step=Step.CHARGING, waiting_for=frozenset({order.account_id})), [
        Charge(order.account_id, order.execution_id, order.order_id, order.total)
    ]


def _settle(process: PlaceOrderProcess) -> Reaction:
    order = process.order
    products = [item.product_id for item in process.reserved]
    return replace(
        process, step=Step.SETTLING, waiting_for=frozenset({*products, order.account_id})
    ), [
        *(ShipReservation(product_id, order.execution_id) for product_id in products),
        SettleCharge(order.account_id, order.execution_id),
    ]


def _when_settled(process: PlaceOrderProcess, answered: UUID) -> Reaction:
    process = replace(process, waiting_for=process.waiting_for - {answered})
    if process.waiting_for:
        return process, []
    order = process.order
    return _wait_for_order(process, Step.COMPLETING), [
        CompleteOrder(order.order_id, order.execution_id, _receipt(process))
    ]


def _receipt(process: PlaceOrderProcess) -> tuple[ReceiptLine, ...]:
    """What is delivered and paid, in the order of the customer's items."""
    prices = {item.product_id: item.unit_price for item in process.reserved}
    return tuple(
        ReceiptLine(line.product_id, line.quantity, prices[line.product_id])
        for line in process.order.lines
    )


def _undo(process: PlaceOrderProcess, problem: Problem) -> Reaction:
    order = process.order
    undo: list[Command] = [
        ReleaseReservation(item.product_id, order.execution_id) for item in process.reserved
    ]
    waiting_for = {item.product_id for item in process.reserved}
    if process.charged:
        undo.append(Refund(order.account_id, order.execution_id))
        waiting_for.add(order.account_id)
    process = replace(
        process, step=Step.UNDOING, waiting_for=frozenset(waiting_for), problem=problem
    )
    return (process, undo) if undo else _reject(process, problem)


def _when_undone(process: PlaceOrderProcess, answered: UUID) -> Reaction:
    process = replace(process, waiting_for=process.waiting_for - {answered})
    assert process.problem is not None  # noqa: S101
    return (process, []) if process.waiting_for else _reject(process, process.problem)


def _reject(process: PlaceOrderProcess, problem: Problem) -> Reaction:
    order = process.order
    return _wait_for_order(process, Step.REJECTING), [
        RejectOrder(order.order_id, order.execution_id, problem)
    ]


def _wait_for_order(process: PlaceOrderProcess, step: Step) -> PlaceOrderProcess:
    return replace(process, step=step, waiting_for=frozenset({process.order.order_id}))


PROCESS = Process(
    name="place-order",
    begins=OrderPlaced,
    own=frozenset(
        {
            StockReserved,
            StockShort,
            PriceRefused,
            AccountCharged,
            ChargeDeclined,
            ShipmentPrepared,
            ReservationShipped,
            ChargeSettled,
            OrderCompleted,
            ReservationReleased,
            ChargeRefunded,
            OrderRejected,
            OrderCancelled,
        }
    ),
    hears=frozenset({CancellationRequested}),
    id_field="execution_id",
    state=PlaceOrderProcess,
    react=react,
    due_at=lambda _: None,
    step=lambda process: process.step.value,
    actor=lambda placed: placed.customer_id,
    label=lambda placed: placed.execution_name,
)
