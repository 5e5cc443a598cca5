"""What an order does."""

from dataclasses import replace
from uuid import UUID

import pytest

from application.deciders import ORDER
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
    ShipmentPrepared,
)
from domain.values import (
    MAX_AMOUNT,
    MAX_QUANTITY,
    Address,
    InsufficientFunds,
    OrderItem,
    OrderLine,
    ReceiptLine,
)
from tests.domain.specification import given

ID = UUID(int=1)
CUSTOMER = UUID(int=2)
ACCOUNT = UUID(int=3)
RUN = UUID(int=4)
OTHER_RUN = UUID(int=5)
BOARD = OrderItem(UUID(int=6), "Board", "/board.svg", 4999, 2)
WHEEL = OrderItem(UUID(int=7), "Wheel", "/wheel.svg", 500, 4)
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "7", "3a")
PROBLEM = InsufficientFunds(100, 11998)

CREATE = CreateOrder(ID, CUSTOMER, ACCOUNT, (BOARD, WHEEL), ADDRESS, 11998)
CREATED = OrderCreated(ID, CUSTOMER, ACCOUNT, (BOARD, WHEEL), ADDRESS, 11998)
LINES = (OrderLine(BOARD.product_id, 2), OrderLine(WHEEL.product_id, 4))
PLACED = OrderPlaced(ID, RUN, "first try", CUSTOMER, ACCOUNT, LINES, 11998)
PLACED_AGAIN = replace(PLACED, execution_id=OTHER_RUN, execution_name="second try")
PRICE_REFUSED = PriceRefused(ID, RUN, 11998, 12000)
PREPARED = ShipmentPrepared(ID, RUN)
RECEIPT = (ReceiptLine(BOARD.product_id, 2, 4999), ReceiptLine(WHEEL.product_id, 4, 500))
COMPLETED = OrderCompleted(ID, RUN, RECEIPT)
REJECTED = OrderRejected(ID, RUN, PROBLEM)
CANCELLED = OrderCancelled(ID, None)

CHANGE = UUID(int=8)
HOUSE = Address("PL", "Kraków", "30-001", "Długa", "7")
CHANGE_IT = ChangeOrder(ID, CHANGE, (BOARD,), ADDRESS, 9998)
CHANGED = OrderChanged(ID, CHANGE, (BOARD,), ADDRESS, 9998)
WISH = CancellationRequested(ID, RUN, None)

OF_THE_EXECUTION = [
    RefusePrice(ID, RUN, 12000),
    PrepareShipment(ID, RUN),
    CompleteOrder(ID, RUN, RECEIPT),
    RejectOrder(ID, RUN, PROBLEM),
]


def name(command: object) -> str:
    return type(command).__name__


# Creating


def test_an_order_is_created() -> None:
    given(ORDER).when(CREATE).then(CREATED)


@pytest.mark.parametrize("history", [(), (PLACED,), (PLACED, COMPLETED), (CANCELLED,)])
def test_creating_an_order_again_records_nothing(history: tuple[OrderEvent, ...]) -> None:
    given(ORDER, CREATED, *history).when(CREATE).then()


def test_the_id_of_an_order_cannot_be_used_for_another() -> None:
    given(ORDER, CREATED).when(replace(CREATE, total=1)).refuses(
        Conflict, "Another order has this id."
    )


def test_an_order_has_items() -> None:
    given(ORDER).when(replace(CREATE, items=())).refuses(
        Invalid, "An order has at least one item.", field="items"
    )


@pytest.mark.parametrize("quantity", [1, MAX_QUANTITY])
def test_of_an_item_as_many_are_ordered_as_can_be_shown(quantity: int) -> None:
    item = replace(WHEEL, quantity=quantity)
    given(ORDER).when(replace(CREATE, items=(BOARD, item))).then(
        replace(CREATED, items=(BOARD, item))
    )


@pytest.mark.parametrize("quantity", [0, -1])
def test_of_an_item_at_least_one_is_ordered(quantity: int) -> None:
    items = BOARD, replace(WHEEL, quantity=quantity)
    given(ORDER).when(replace(CREATE, items=items)).refuses(
        Invalid, "Of every item at least one is ordered.", field="items"
    )


def test_of_an_item_no_more_are_ordered_than_can_be_shown() -> None:
    items = BOARD, replace(WHEEL, quantity=MAX_QUANTITY + 1)
    given(ORDER).when(replace(CREATE, items=items)).refuses(
        Invalid, "So many cannot be ordered.", field="items"
    )


def test_a_product_stands_once_in_an_order() -> None:
    given(ORDER).when(replace(CREATE, items=(BOARD, WHEEL, replace(BOARD, quantity=9)))).refuses(
        Invalid, "Every product stands once in an order.", field="items"
    )


@pytest.mark.parametrize("total", [0, MAX_AMOUNT])
def test_a_total_is_what_the_customer_was_shown_right_or_wrong(total: int) -> None:
    given(ORDER).when(replace(CREATE, total=total)).then(replace(CREATED, total=total))


def test_a_total_is_not_negative() -> None:
    given(ORDER).when(replace(CREATE, total=-1)).refuses(
        Invalid, "A total is not negative.", field="total"
    )


def test_a_total_is_not_more_than_can_be_stored() -> None:
    given(ORDER).when(replace(CREATE, total=MAX_AMOUNT + 1)).refuses(
        Invalid, "This total is too high.", field="total"
    )


@pytest.mark.parametrize(
    "command", [PlaceOrder(ID, RUN, "first try"), CancelOrder(ID), *OF_THE_EXECUTION], ids=name
)
def test_nothing_can_be_asked_of_an_order_that_was_never_created(command: OrderCommand) -> None:
    given(ORDER).when(command).refuses(NotFound, f"There is no order {ID}.", kind="order", id=ID)


# Placing


def test_an_order_is_placed_with_all_that_the_saga_needs_to_know() -> None:
    given(ORDER, CREATED).when(PlaceOrder(ID, RUN, "first try")).then(PLACED)


def test_a_failed_order_can_be_placed_again() -> None:
    given(ORDER, CREATED, PLACED, REJECTED).when(PlaceOrder(ID, OTHER_RUN, "second try")).then(
        PLACED_AGAIN
    )


@pytest.mark.parametrize(
    "history",
    [(), (REJECTED,), (COMPLETED,), (REJECTED, CANCELLED)],
    ids=["running", "failed", "completed", "cancelled"],
)
def test_ignores_placing_an_order_when_the_execution_already_began(
    history: tuple[OrderEvent, ...],
) -> None:
    given(ORDER, CREATED, PLACED, *history).when(PlaceOrder(ID, RUN, "first try")).then()


@pytest.mark.parametrize(
    ("history", "status"),
    [((PLACED,), "PLACED"), ((PLACED, COMPLETED), "COMPLETED"), ((CANCELLED,), "CANCELLED")],
)
def test_an_order_is_not_placed_anew_unless_it_is_pending_or_failed(
    history: tuple[OrderEvent, ...], status: str
) -> None:
    given(ORDER, CREATED, *history).when(PlaceOrder(ID, OTHER_RUN, "second try")).refuses(
        Conflict, f"The order is {status}: it cannot be placed now."
    )


# Cancelling


@pytest.mark.parametrize("history", [(), (PLACED, REJECTED)], ids=["pending", "failed"])
def test_an_order_is_cancelled_before_it_is_placed_or_after_it_failed(
    history: tuple[OrderEvent, ...],
) -> None:
    given(ORDER, CREATED, *history).when(CancelOrder(ID)).then(CANCELLED)


def test_ignores_cancelling_an_order_when_it_already_is() -> None:
    given(ORDER, CREATED, CANCELLED).when(CancelOrder(ID)).then()


def test_while_an_execution_runs_the_wish_to_cancel_is_recorded_once() -> None:
    given(ORDER, CREATED, PLACED).when(CancelOrder(ID)).then(WISH)
    given(ORDER, CREATED, PLACED, WISH).when(CancelOrder(ID)).then()


def test_an_operator_cancels_for_a_reason() -> None:
    given(ORDER, CREATED, PLACED).when(CancelOrder(ID, "lost parcel")).then(
        CancellationRequested(ID, RUN, "lost parcel")
    )


@pytest.mark.parametrize(
    ("history", "text"),
    [
        ((PREPARED,), "The shipment is prepared: the order can no longer be cancelled."),
        ((PREPARED, COMPLETED), "The order is COMPLETED: it can no longer be cancelled."),
    ],
)
def test_once_the_shipment_is_prepared_it_is_too_late_to_cancel(
    history: tuple[OrderEvent, ...], text: str
) -> None:
    given(ORDER, CREATED, PLACED, *history).when(CancelOrder(ID)).refuses(Conflict, text)


def test_no_shipment_is_prepared_of_an_order_that_is_to_be_cancelled() -> None:
    given(ORDER, CREATED, PLACED, WISH).when(PrepareShipment(ID, RUN)).then()


def test_an_execution_that_is_to_be_undone_ends_cancelled_whatever_it_failed_of() -> None:
    given(ORDER, CREATED, PLACED, WISH).when(RejectOrder(ID, RUN, PROBLEM)).then(
        OrderCancelled(ID, RUN)
    )
    given(ORDER, CREATED, PLACED, WISH, OrderCancelled(ID, RUN)).when(
        RejectOrder(ID, RUN, PROBLEM)
    ).then()


def test_the_wish_of_one_execution_is_not_that_of_the_next() -> None:
    given(ORDER, CREATED, PLACED, WISH, REJECTED, PLACED_AGAIN).when(
        PrepareShipment(ID, OTHER_RUN)
    ).then(ShipmentPrepared(ID, OTHER_RUN))


# Changing


def test_what_is_left_out_of_a_change_stays_as_it_is() -> None:
    given(ORDER, CREATED).when(ChangeOrder(ID, CHANGE, total=100)).then(
        OrderChanged(ID, CHANGE, (BOARD, WHEEL), ADDRESS, 100)
    )
    given(ORDER, CREATED).when(ChangeOrder(ID, CHANGE, items=(BOARD,))).then(
        OrderChanged(ID, CHANGE, (BOARD,), ADDRESS, 11998)
    )
    given(ORDER, CREATED, CHANGED).when(ChangeOrder(ID, OTHER_RUN, shipping_address=HOUSE)).then(
        OrderChanged(ID, OTHER_RUN, (BOARD,), HOUSE, 9998)
    )


@pytest.mark.parametrize("history", [(), (PLACED, REJECTED)], ids=["pending", "failed"])
def test_an_order_is_changed_before_it_is_placed_or_after_it_failed(
    history: tuple[OrderEvent, ...],
) -> None:
    given(ORDER, CREATED, *history).when(CHANGE_IT).then(CHANGED)


def test_the_same_change_again_records_nothing() -> None:
    given(ORDER, CREATED, CHANGED).when(CHANGE_IT).then()
    given(ORDER, CREATED, CHANGED, PLACED).when(CHANGE_IT).then()


@pytest.mark.parametrize(
    ("history", "status"),
    [((PLACED,), "PLACED"), ((PLACED, COMPLETED), "COMPLETED"), ((CANCELLED,), "CANCELLED")],
)
def test_an_order_that_runs_or_ended_is_not_changed(
    history: tuple[OrderEvent, ...], status: str
) -> None:
    given(ORDER, CREATED, *history).when(CHANGE_IT).refuses(
        Conflict, f"The order is {status}: it can no longer be changed."
    )


def test_a_change_has_to_make_sense_as_an_order_does() -> None:
    given(ORDER, CREATED).when(ChangeOrder(ID, CHANGE, items=())).refuses(
        Invalid, "An order has at least one item.", field="items"
    )
    given(ORDER, CREATED).when(ChangeOrder(ID, CHANGE, total=-1)).refuses(
        Invalid, "A total is not negative.", field="total"
    )


def test_what_was_changed_is_what_is_placed() -> None:
    lines = (OrderLine(BOARD.product_id, 2),)
    given(ORDER, CREATED, CHANGED).when(PlaceOrder(ID, RUN, "first try")).then(
        OrderPlaced(ID, RUN, "first try", CUSTOMER, ACCOUNT, lines, 9998)
    )


def test_an_order_created_again_after_a_change_is_still_the_same() -> None:
    given(ORDER, CREATED, CHANGED).when(CREATE).then()


# What a customer may do


@pytest.mark.parametrize(
    ("history", "actions"),
    [
        ((), "CHANGE PLACE CANCEL"),
        ((PLACED,), "CANCEL"),
        ((PLACED, WISH), ""),
        ((PLACED, PREPARED), ""),
        ((PLACED, PREPARED, COMPLETED), "RETURN"),
        ((PLACED, REJECTED), "CHANGE PLACE CANCEL"),
        ((CANCELLED,), ""),
    ],
    ids=["pending", "placed", "to be cancelled", "prepared", "completed", "failed", "cancelled"],
)
def test_an_order_says_what_may_be_done_with_it(
    history: tuple[OrderEvent, ...], actions: str
) -> None:
    order = ORDER.fold([CREATED, *history])
    assert [action.value for action in order.allowed_actions] == actions.split()


# What the execution asks


@pytest.mark.parametrize(
    ("command", "event"),
    list(zip(OF_THE_EXECUTION, [PRICE_REFUSED, PREPARED, COMPLETED, REJECTED], strict=True)),
    ids=name,
)
def test_a_placed_order_does_what_its_execution_asks(
    command: OrderCommand, event: OrderEvent
) -> None:
    given(ORDER, CREATED, PLACED).when(command).then(event)


@pytest.mark.parametrize(
    ("history", "command"),
    [
        ((PRICE_REFUSED, REJECTED), RefusePrice(ID, RUN, 12000)),
        ((PREPARED, COMPLETED), PrepareShipment(ID, RUN)),
        ((PREPARED, COMPLETED), CompleteOrder(ID, RUN, RECEIPT)),
        ((REJECTED, CANCELLED), PlaceOrder(ID, RUN, "first try")),
        ((REJECTED,), RejectOrder(ID, RUN, PROBLEM)),
    ],
    ids=lambda value: name(value) if not isinstance(value, tuple) else "",
)
def test_ignores_what_the_execution_asked_already(
    history: tuple[OrderEvent, ...], command: OrderCommand
) -> None:
    given(ORDER, CREATED, PLACED, *history).when(command).then()


@pytest.mark.parametrize("command", OF_THE_EXECUTION, ids=name)
@pytest.mark.parametrize(
    "history",
    [
        (),
        (PLACED_AGAIN,),
        (PLACED, PRICE_REFUSED, PREPARED, REJECTED, PLACED_AGAIN),
        (PLACED_AGAIN, replace(PRICE_REFUSED, execution_id=OTHER_RUN)),
        (PLACED_AGAIN, replace(PREPARED, execution_id=OTHER_RUN)),
        (PLACED_AGAIN, replace(COMPLETED, execution_id=OTHER_RUN)),
        (PLACED_AGAIN, replace(REJECTED, execution_id=OTHER_RUN)),
        (CANCELLED,),
    ],
    ids=[
        "not placed",
        "another runs",
        "another runs now",
        "another's price refused",
        "another's shipment",
        "completed by another",
        "failed by another",
        "cancelled",
    ],
)
def test_an_order_takes_nothing_from_an_execution_that_does_not_run(
    history: tuple[OrderEvent, ...], command: OrderCommand
) -> None:
    given(ORDER, CREATED, *history).when(command).refuses(
        Conflict, "The execution is not the one that runs for this order."
    )


@pytest.mark.parametrize(
    ("last", "command"),
    [
        (COMPLETED, RejectOrder(ID, RUN, PROBLEM)),
        (REJECTED, CompleteOrder(ID, RUN, RECEIPT)),
        (COMPLETED, PrepareShipment(ID, RUN)),
        (REJECTED, RefusePrice(ID, RUN, 12000)),
    ],
)
def test_an_execution_that_ended_asks_nothing_new(last: OrderEvent, command: OrderCommand) -> None:
    given(ORDER, CREATED, PLACED, last).when(command).refuses(
        Conflict, "The execution is not the one that runs for this order."
    )


def test_a_new_execution_begins_with_no_shipment_and_no_refused_price() -> None:
    history = CREATED, PLACED, PRICE_REFUSED, PREPARED, REJECTED, PLACED_AGAIN
    given(ORDER, *history).when(PrepareShipment(ID, OTHER_RUN)).then(
        ShipmentPrepared(ID, OTHER_RUN)
    )
    given(ORDER, *history).when(RefusePrice(ID, OTHER_RUN, 1)).then(
        PriceRefused(ID, OTHER_RUN, 11998, 1)
    )
