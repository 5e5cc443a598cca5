"""What the return-order saga does: given events, when another comes, then commands."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.process import CannotGoOn, Refused, TimedOut
from application.return_order import PROCESS, ReturnOrderProcess, react
from domain.commands import Command, CompleteReturn, ExpireReturn, RefundReturn, TakeBack
from domain.events import (
    Event,
    ReturnCompleted,
    ReturnExpired,
    ReturnReceived,
    ReturnRefunded,
    ReturnRejected,
    ReturnRequested,
    StockReturned,
)
from domain.values import ReceiptLine

ORDER, RETURN, CUSTOMER, ACCOUNT, BOARD, WHEEL = (UUID(int=n) for n in range(1, 7))
DUE = datetime(2026, 12, 24, tzinfo=UTC)
LINES = (ReceiptLine(BOARD, 1, 50), ReceiptLine(WHEEL, 4, 5))

REQUESTED = ReturnRequested(ORDER, RETURN, CUSTOMER, ACCOUNT, LINES, 70, "wobbles", DUE)
RECEIVED = ReturnReceived(ORDER, RETURN)
BOARDS_BACK, WHEELS_BACK = StockReturned(BOARD, RETURN, 1), StockReturned(WHEEL, RETURN, 4)
REFUNDED = ReturnRefunded(ACCOUNT, RETURN, ORDER, 70)
COMPLETED = ReturnCompleted(ORDER, RETURN)
REJECTED = ReturnRejected(ORDER, RETURN, "broken in two")
EXPIRED = ReturnExpired(ORDER, RETURN)
LATE = TimedOut(RETURN)


@dataclass(frozen=True)
class Saga:
    """A return to which events have happened; `when` gives it the next."""

    process: ReturnOrderProcess | None
    sent: list[Command]

    def when(self, event: Event | Refused | TimedOut) -> "Saga":
        return Saga(*react(self.process, event))

    def sends(self, *commands: Command) -> None:
        assert self.process is not None
        assert self.sent == list(commands)

    def is_finished(self) -> None:
        assert self == Saga(None, [])


def given(*events: Event | Refused | TimedOut) -> Saga:
    saga = Saga(None, [])
    for event in events:
        saga = saga.when(event)
    return saga


# Happy path


def test_when_a_return_is_requested_it_waits_for_the_goods_until_their_date() -> None:
    saga = given().when(REQUESTED)
    saga.sends()
    assert saga.process is not None
    assert PROCESS.due_at(saga.process) == DUE


def test_when_the_goods_are_there_every_item_is_put_back() -> None:
    given(REQUESTED).when(RECEIVED).sends(TakeBack(BOARD, RETURN, 1), TakeBack(WHEEL, RETURN, 4))


@pytest.mark.parametrize(
    ("first", "second"), [(BOARDS_BACK, WHEELS_BACK), (WHEELS_BACK, BOARDS_BACK)]
)
def test_when_all_is_back_what_was_paid_is_refunded(first: Event, second: Event) -> None:
    restocking = given(REQUESTED, RECEIVED)
    restocking.when(first).sends()
    restocking.when(first).when(second).sends(RefundReturn(ACCOUNT, RETURN, ORDER, 70))


def test_when_the_money_is_back_the_return_is_completed() -> None:
    given(REQUESTED, RECEIVED, BOARDS_BACK, WHEELS_BACK).when(REFUNDED).sends(
        CompleteReturn(ORDER, RETURN)
    )


COMPLETING = (REQUESTED, RECEIVED, BOARDS_BACK, WHEELS_BACK, REFUNDED)


def test_when_the_return_is_completed_it_is_finished() -> None:
    given(*COMPLETING).when(COMPLETED).is_finished()


# The goods are refused, or do not come


@pytest.mark.parametrize("end", [REJECTED, EXPIRED])
def test_a_return_that_is_rejected_or_expired_is_finished(end: Event) -> None:
    given(REQUESTED).when(end).is_finished()


def test_when_the_date_has_come_the_return_expires() -> None:
    given(REQUESTED).when(LATE).sends(ExpireReturn(ORDER, RETURN))
    given(REQUESTED, LATE).when(EXPIRED).is_finished()


def test_goods_that_come_while_the_return_is_to_expire_are_taken() -> None:
    given(REQUESTED, LATE).when(RECEIVED).sends(
        TakeBack(BOARD, RETURN, 1), TakeBack(WHEEL, RETURN, 4)
    )


@pytest.mark.parametrize("n", range(2, len(COMPLETING) + 1))
def test_once_the_goods_are_there_no_date_matters(n: int) -> None:
    saga = given(*COMPLETING[:n])
    assert saga.process is not None
    assert PROCESS.due_at(saga.process) is None
    assert saga.when(LATE) == Saga(saga.process, [])


# The dull cases


def test_ignores_all_but_the_beginning_when_there_is_none() -> None:
    given().when(RECEIVED).is_finished()


@pytest.mark.parametrize("n", range(1, len(COMPLETING) + 1))
def test_ignores_what_was_answered_already(n: int) -> None:
    saga = given(*COMPLETING[:n])
    for before in COMPLETING[:n]:
        assert saga.when(before) == Saga(saga.process, [])


@pytest.mark.parametrize(
    ("history", "stream"),
    [
        ((REQUESTED, RECEIVED), BOARD),
        (COMPLETING[:4], ACCOUNT),
        (COMPLETING, ORDER),
    ],
)
def test_what_must_succeed_and_is_refused_needs_somebody(
    history: tuple[Event, ...], stream: UUID
) -> None:
    with pytest.raises(CannotGoOn, match="It broke"):
        given(*history).when(Refused(RETURN, stream, "It broke."))


def test_ignores_a_refusal_of_what_is_not_waited_for() -> None:
    saga = given(REQUESTED, RECEIVED, BOARDS_BACK)
    assert saga.when(Refused(RETURN, BOARD, "It broke.")) == Saga(saga.process, [])
