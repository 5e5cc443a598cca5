"""What comes back of an order."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.deciders import ORDER
from domain.commands import (
    CompleteReturn,
    ExpireReturn,
    OrderCommand,
    ReceiveReturn,
    RejectReturn,
    RequestReturn,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import (
    OrderCompleted,
    OrderEvent,
    ReturnCompleted,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from domain.order import OrderAction
from domain.values import OrderLine, ReceiptLine
from tests.domain.specification import given
from tests.domain.test_order import (
    ACCOUNT,
    BOARD,
    COMPLETED,
    CREATED,
    CUSTOMER,
    ID,
    PLACED,
    PREPARED,
    REJECTED,
    RUN,
    WHEEL,
)

RETURN, SECOND = UUID(int=20), UUID(int=21)
DUE = datetime(2026, 12, 24, tzinfo=UTC)
DELIVERED = (CREATED, PLACED, PREPARED, COMPLETED)  # 2 boards at 49.99, 4 wheels at 5.00

ASK = RequestReturn(ID, RETURN, (OrderLine(BOARD.product_id, 1),), "wobbles", DUE)
ASKED = ReturnRequested(
    ID, RETURN, CUSTOMER, ACCOUNT, (ReceiptLine(BOARD.product_id, 1, 4999),), 4999, "wobbles", DUE
)
RECEIVED = ReturnReceived(ID, RETURN)
REFUSED = ReturnRejected(ID, RETURN, "broken in two")
EXPIRED = ReturnExpired(ID, RETURN)
DONE = ReturnCompleted(ID, RETURN)
RECEIVE, EXPIRE, COMPLETE = (
    ReceiveReturn(ID, RETURN),
    ExpireReturn(ID, RETURN),
    CompleteReturn(ID, RETURN),
)
REFUSE = RejectReturn(ID, RETURN, "broken in two")


def boards(number: int) -> tuple[OrderLine, ...]:
    return (OrderLine(BOARD.product_id, number),)


def test_some_of_what_was_delivered_is_returned_at_the_prices_that_were_paid() -> None:
    given(ORDER, *DELIVERED).when(ASK).then(ASKED)


def test_the_prices_are_those_of_the_receipt() -> None:
    dearer = OrderCompleted(ID, RUN, (ReceiptLine(BOARD.product_id, 2, 5999),))
    given(ORDER, *DELIVERED[:-1], dearer).when(ASK).then(
        replace(ASKED, lines=(ReceiptLine(BOARD.product_id, 1, 5999),), refund=5999)
    )


def test_without_a_receipt_they_are_those_of_the_order() -> None:
    given(ORDER, *DELIVERED[:-1], OrderCompleted(ID, RUN, ())).when(ASK).then(ASKED)


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ((CREATED,), "PENDING"),
        ((CREATED, PLACED), "PLACED"),
        ((CREATED, PLACED, REJECTED), "FAILED"),
    ],
)
def test_nothing_comes_back_of_what_was_not_delivered(
    history: tuple[OrderEvent, ...], status: str
) -> None:
    given(ORDER, *history).when(ASK).refuses(
        Conflict, f"The order is {status}: nothing of it can be returned."
    )


@pytest.mark.parametrize(
    "history",
    [(), (ASKED,), (ASKED, RECEIVED), (ASKED, RECEIVED, DONE)],
    ids=["none", "asked for", "received", "completed"],
)
def test_never_more_than_was_delivered_over_all_returns(history: tuple[OrderEvent, ...]) -> None:
    left = 1 if history else 2
    order = given(ORDER, *DELIVERED, *history)
    order.when(replace(ASK, return_id=SECOND, lines=boards(left + 1))).refuses(
        Conflict, "More would come back than was delivered and is not returned yet."
    )
    [event] = ORDER.decide(
        replace(ASK, return_id=SECOND, lines=boards(left)), ORDER.fold([*DELIVERED, *history])
    )
    assert isinstance(event, ReturnRequested)
    assert event.refund == left * 4999


@pytest.mark.parametrize("ended", [REFUSED, EXPIRED], ids=["rejected", "expired"])
def test_what_did_not_come_back_can_be_returned_again(ended: OrderEvent) -> None:
    again = replace(ASK, return_id=SECOND, lines=boards(2))
    lines = (ReceiptLine(BOARD.product_id, 2, 4999),)
    given(ORDER, *DELIVERED, ASKED, ended).when(again).then(
        replace(ASKED, return_id=SECOND, lines=lines, refund=9998)
    )


def test_a_product_that_was_not_in_the_order_does_not_come_back() -> None:
    given(ORDER, *DELIVERED).when(replace(ASK, lines=(OrderLine(UUID(int=99), 1),))).refuses(
        Conflict, "More would come back than was delivered and is not returned yet."
    )


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ((), "A return has at least one item."),
        (boards(0), "Of every item at least one is returned."),
        ((*boards(1), *boards(1)), "Every product stands once in a return."),
    ],
)
def test_a_return_has_to_make_sense(lines: tuple[OrderLine, ...], text: str) -> None:
    given(ORDER, *DELIVERED).when(replace(ASK, lines=lines)).refuses(Invalid, text, field="items")


@pytest.mark.parametrize("history", [(), (RECEIVED,), (REFUSED,)])
def test_asking_again_records_nothing_though_the_date_is_another(
    history: tuple[OrderEvent, ...],
) -> None:
    later = replace(ASK, due_at=datetime(2027, 1, 1, tzinfo=UTC))
    given(ORDER, *DELIVERED, ASKED, *history).when(later).then()


@pytest.mark.parametrize(
    "other", [replace(ASK, reason="ugly"), replace(ASK, lines=boards(2))], ids=["reason", "items"]
)
def test_the_id_of_a_return_cannot_be_used_for_another(other: RequestReturn) -> None:
    given(ORDER, *DELIVERED, ASKED).when(other).refuses(Conflict, "Another return has this id.")


@pytest.mark.parametrize("command", [RECEIVE, REFUSE, EXPIRE, COMPLETE])
def test_there_has_to_be_a_return(command: OrderCommand) -> None:
    given(ORDER, *DELIVERED).when(command).refuses(NotFound, f"There is no return {RETURN}.")


@pytest.mark.parametrize(
    ("history", "command", "event"),
    [
        ((ASKED,), RECEIVE, RECEIVED),
        ((ASKED,), REFUSE, REFUSED),
        ((ASKED,), EXPIRE, EXPIRED),
        ((ASKED, RECEIVED), COMPLETE, DONE),
    ],
)
def test_a_return_goes_on(
    history: tuple[OrderEvent, ...], command: OrderCommand, event: OrderEvent
) -> None:
    given(ORDER, *DELIVERED, *history).when(command).then(event)


@pytest.mark.parametrize(
    ("history", "command"),
    [
        ((RECEIVED,), RECEIVE),
        ((RECEIVED, DONE), RECEIVE),
        ((REFUSED,), REFUSE),
        ((RECEIVED, DONE), COMPLETE),
        ((RECEIVED,), EXPIRE),
        ((RECEIVED, DONE), EXPIRE),
        ((REFUSED,), EXPIRE),
        ((EXPIRED,), EXPIRE),
    ],
)
def test_ignores_what_is_done_already_and_a_clock_that_comes_late(
    history: tuple[OrderEvent, ...], command: OrderCommand
) -> None:
    given(ORDER, *DELIVERED, ASKED, *history).when(command).then()


@pytest.mark.parametrize(
    ("history", "command", "status"),
    [
        ((REFUSED,), RECEIVE, "REJECTED"),
        ((EXPIRED,), RECEIVE, "EXPIRED"),
        ((RECEIVED,), REFUSE, "RECEIVED"),
        ((RECEIVED, DONE), REFUSE, "COMPLETED"),
        ((EXPIRED,), REFUSE, "EXPIRED"),
        ((), COMPLETE, "REQUESTED"),
        ((REFUSED,), COMPLETE, "REJECTED"),
    ],
)
def test_a_return_does_not_go_back(
    history: tuple[OrderEvent, ...], command: OrderCommand, status: str
) -> None:
    given(ORDER, *DELIVERED, ASKED, *history).when(command).refuses(
        Conflict, f"The return is {status}: this is no longer possible."
    )


def test_an_order_of_which_all_came_back_allows_no_return() -> None:
    everything = replace(
        ASKED,
        lines=(ReceiptLine(BOARD.product_id, 2, 4999), ReceiptLine(WHEEL.product_id, 4, 500)),
    )
    assert ORDER.fold([*DELIVERED, ASKED]).allowed_actions == [OrderAction.RETURN]
    assert ORDER.fold([*DELIVERED, everything]).allowed_actions == []
    assert ORDER.fold([*DELIVERED, everything, EXPIRED]).allowed_actions == [OrderAction.RETURN]


def test_history_loads_whatever_is_in_it() -> None:
    assert ORDER.fold([DONE]).allowed_actions == ORDER.initial.allowed_actions
