"""What the place-order saga does: given events, when another comes, then commands."""

from dataclasses import dataclass
from itertools import permutations
from uuid import UUID

import pytest

from application.place_order import PROCESS, PlaceOrderProcess, react
from application.process import CannotGoOn, Refused, TimedOut
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
    ProductDiscontinued,
    ReservationReleased,
    ReservationShipped,
    ShipmentPrepared,
    StockReserved,
    StockShort,
)
from domain.values import (
    Cancelled,
    InsufficientFunds,
    OrderLine,
    ProcessingFailed,
    ProductsUnavailable,
    ReceiptLine,
    Shortage,
    WrongPrice,
)

ORDER = UUID(int=1)
RUN = UUID(int=2)
CUSTOMER = UUID(int=3)
ACCOUNT = UUID(int=4)
BOARD = UUID(int=5)
WHEEL = UUID(int=6)

PLACED = OrderPlaced(
    ORDER, RUN, "first try", CUSTOMER, ACCOUNT, (OrderLine(BOARD, 2), OrderLine(WHEEL, 4)), 120
)
BOARDS_RESERVED = StockReserved(BOARD, RUN, 2, 50)
WHEELS_RESERVED = StockReserved(WHEEL, RUN, 4, 5)
RESERVED = (BOARDS_RESERVED, WHEELS_RESERVED)
BOARDS_SHORT = StockShort(BOARD, RUN, "Board", 2, 1)
WHEELS_SHORT = StockShort(WHEEL, RUN, "Wheel", 4, 0)
WHEELS_DEARER = StockReserved(WHEEL, RUN, 4, 6)
PRICE_REFUSED = PriceRefused(ORDER, RUN, 120, 124)
CHARGED = AccountCharged(ACCOUNT, RUN, ORDER, 120)
DECLINED = ChargeDeclined(ACCOUNT, RUN, 120, 100)
PREPARED = ShipmentPrepared(ORDER, RUN)
BOARDS_SHIPPED = ReservationShipped(BOARD, RUN, 2)
WHEELS_SHIPPED = ReservationShipped(WHEEL, RUN, 4)
SETTLED = ChargeSettled(ACCOUNT, RUN)
RECEIPT = (ReceiptLine(BOARD, 2, 50), ReceiptLine(WHEEL, 4, 5))
COMPLETED = OrderCompleted(ORDER, RUN, RECEIPT)
WISH = CancellationRequested(ORDER, RUN, None)
CANCELLED = OrderCancelled(ORDER, RUN)
BOARDS_RELEASED = ReservationReleased(BOARD, RUN, 2)
WHEELS_RELEASED = ReservationReleased(WHEEL, RUN, 4)
RELEASED = (BOARDS_RELEASED, WHEELS_RELEASED)
REFUNDED = ChargeRefunded(ACCOUNT, RUN, ORDER, 120)
REJECTED = OrderRejected(ORDER, RUN, ProcessingFailed("It broke."))

RELEASE_BOTH = (ReleaseReservation(BOARD, RUN), ReleaseReservation(WHEEL, RUN))


@dataclass(frozen=True)
class Saga:
    """An execution to which events have happened; `when` gives it the next."""

    process: PlaceOrderProcess | None
    sent: list[Command]

    def when(self, event: Event | Refused | TimedOut) -> "Saga":
        return Saga(*react(self.process, event))

    def sends(self, *commands: Command) -> None:
        assert self.process is not None
        assert self.sent == list(commands)

    def rejects(self, problem: object) -> None:
        assert self.sent == [RejectOrder(ORDER, RUN, problem)]  # type: ignore[arg-type]

    def is_finished(self) -> None:
        assert self == Saga(None, [])


def given(*events: Event | Refused) -> Saga:
    saga = Saga(None, [])
    for event in events:
        saga = saga.when(event)
    return saga


def in_any_order(*events: Event | Refused) -> list[tuple[Event | Refused, ...]]:
    return list(permutations(events))


LATE = TimedOut(RUN)


def refused(stream: UUID) -> Refused:
    return Refused(RUN, stream, "It broke.")


# Happy path


@pytest.mark.parametrize("event", [PLACED, BOARDS_RESERVED, WISH], ids=["begins", "own", "heard"])
def test_what_begins_an_execution_is_its_own_or_is_heard_names_it(event: Event) -> None:
    assert PROCESS.id_of(event) == RUN


def test_what_is_foreign_names_no_execution() -> None:
    assert PROCESS.id_of(ProductDiscontinued(BOARD)) is None


def test_when_an_order_is_placed_every_item_is_reserved() -> None:
    given().when(PLACED).sends(ReserveStock(BOARD, RUN, 2), ReserveStock(WHEEL, RUN, 4))


def test_while_an_item_is_not_answered_nothing_goes_on() -> None:
    given(PLACED).when(BOARDS_RESERVED).sends()


@pytest.mark.parametrize(("first", "second"), in_any_order(*RESERVED))
def test_when_every_item_is_reserved_the_account_is_charged(first: Event, second: Event) -> None:
    given(PLACED, first).when(second).sends(Charge(ACCOUNT, RUN, ORDER, 120))


def test_when_the_account_is_charged_the_shipment_is_prepared() -> None:
    given(PLACED, *RESERVED).when(CHARGED).sends(PrepareShipment(ORDER, RUN))


def test_when_the_shipment_is_prepared_reservations_are_shipped_and_the_charge_settled() -> None:
    given(PLACED, *RESERVED, CHARGED).when(PREPARED).sends(
        ShipReservation(BOARD, RUN), ShipReservation(WHEEL, RUN), SettleCharge(ACCOUNT, RUN)
    )


@pytest.mark.parametrize(
    ("first", "second", "third"), in_any_order(BOARDS_SHIPPED, WHEELS_SHIPPED, SETTLED)
)
def test_when_all_is_shipped_and_settled_the_order_is_completed(
    first: Event, second: Event, third: Event
) -> None:
    settling = given(PLACED, *RESERVED, CHARGED, PREPARED)
    settling.when(first).sends()
    settling.when(first).when(second).sends()
    settling.when(first).when(second).when(third).sends(CompleteOrder(ORDER, RUN, RECEIPT))


COMPLETING = (PLACED, *RESERVED, CHARGED, PREPARED, BOARDS_SHIPPED, WHEELS_SHIPPED, SETTLED)


def test_when_the_order_is_completed_the_execution_is_finished() -> None:
    given(*COMPLETING).when(COMPLETED).is_finished()


# Something is short


@pytest.mark.parametrize("first", [BOARDS_SHORT, BOARDS_RESERVED])
def test_a_shortage_is_no_reason_not_to_try_the_other_items(first: Event) -> None:
    given(PLACED).when(first).sends()


@pytest.mark.parametrize(("first", "second"), in_any_order(BOARDS_SHORT, WHEELS_RESERVED))
def test_when_an_item_is_short_the_others_are_released(first: Event, second: Event) -> None:
    given(PLACED, first).when(second).sends(ReleaseReservation(WHEEL, RUN))


def test_when_the_others_are_released_the_order_is_rejected_with_the_shortage() -> None:
    given(PLACED, BOARDS_SHORT, WHEELS_RESERVED).when(WHEELS_RELEASED).rejects(
        ProductsUnavailable((Shortage(BOARD, "Board", 2, 1),))
    )


def test_when_everything_is_short_the_order_is_rejected_with_all_shortages_together() -> None:
    given(PLACED, BOARDS_SHORT).when(WHEELS_SHORT).rejects(
        ProductsUnavailable((Shortage(BOARD, "Board", 2, 1), Shortage(WHEEL, "Wheel", 4, 0)))
    )


def test_shortages_count_before_the_price() -> None:
    given(PLACED, BOARDS_SHORT, WHEELS_DEARER).when(WHEELS_RELEASED).rejects(
        ProductsUnavailable((Shortage(BOARD, "Board", 2, 1),))
    )


# The price is another


@pytest.mark.parametrize(("unit_price", "calculated"), [(6, 124), (4, 116)])
def test_when_the_prices_give_another_total_the_price_is_refused(
    unit_price: int, calculated: int
) -> None:
    given(PLACED, BOARDS_RESERVED).when(StockReserved(WHEEL, RUN, 4, unit_price)).sends(
        RefusePrice(ORDER, RUN, calculated)
    )


def test_when_the_price_is_refused_everything_is_released() -> None:
    given(PLACED, BOARDS_RESERVED, WHEELS_DEARER).when(PRICE_REFUSED).sends(*RELEASE_BOTH)


def test_when_all_is_released_the_order_is_rejected_with_both_prices() -> None:
    undoing = given(PLACED, BOARDS_RESERVED, WHEELS_DEARER, PRICE_REFUSED)
    undoing.when(BOARDS_RELEASED).sends()
    undoing.when(BOARDS_RELEASED).when(WHEELS_RELEASED).rejects(WrongPrice(120, 124))
    undoing.when(WHEELS_RELEASED).when(BOARDS_RELEASED).rejects(WrongPrice(120, 124))


# The payment is declined


def test_when_the_charge_is_declined_everything_is_released() -> None:
    given(PLACED, *RESERVED).when(DECLINED).sends(*RELEASE_BOTH)


def test_when_all_is_released_the_order_is_rejected_for_want_of_money() -> None:
    given(PLACED, *RESERVED, DECLINED, BOARDS_RELEASED).when(WHEELS_RELEASED).rejects(
        InsufficientFunds(100, 120)
    )


def test_when_the_order_is_rejected_the_execution_is_finished() -> None:
    given(PLACED, BOARDS_SHORT, WHEELS_SHORT).when(REJECTED).is_finished()


# A command is refused


def test_when_a_reservation_is_refused_the_other_items_are_tried_all_the_same() -> None:
    given(PLACED).when(refused(BOARD)).sends()


@pytest.mark.parametrize(("first", "second"), in_any_order(refused(BOARD), WHEELS_RESERVED))
def test_when_a_reservation_is_refused_the_others_are_released(
    first: Event | Refused, second: Event | Refused
) -> None:
    undoing = given(PLACED, first).when(second)
    undoing.sends(ReleaseReservation(WHEEL, RUN))
    undoing.when(WHEELS_RELEASED).rejects(ProcessingFailed("It broke."))


@pytest.mark.parametrize(("first", "second"), in_any_order(refused(BOARD), WHEELS_SHORT))
def test_a_refused_reservation_counts_before_shortages(
    first: Event | Refused, second: Event | Refused
) -> None:
    given(PLACED, first).when(second).rejects(ProcessingFailed("It broke."))


def test_when_refusing_the_price_is_refused_everything_is_released() -> None:
    undoing = given(PLACED, BOARDS_RESERVED, WHEELS_DEARER).when(refused(ORDER))
    undoing.sends(*RELEASE_BOTH)
    undoing.when(BOARDS_RELEASED).when(WHEELS_RELEASED).rejects(ProcessingFailed("It broke."))


def test_when_the_charge_is_refused_everything_is_released() -> None:
    undoing = given(PLACED, *RESERVED).when(refused(ACCOUNT))
    undoing.sends(*RELEASE_BOTH)
    undoing.when(BOARDS_RELEASED).when(WHEELS_RELEASED).rejects(ProcessingFailed("It broke."))


def test_when_the_shipment_is_refused_everything_is_released_and_the_charge_refunded() -> None:
    given(PLACED, *RESERVED, CHARGED).when(refused(ORDER)).sends(
        *RELEASE_BOTH, Refund(ACCOUNT, RUN)
    )


@pytest.mark.parametrize(
    ("first", "second", "third"), in_any_order(BOARDS_RELEASED, WHEELS_RELEASED, REFUNDED)
)
def test_when_all_is_released_and_refunded_the_order_is_rejected(
    first: Event, second: Event, third: Event
) -> None:
    undoing = given(PLACED, *RESERVED, CHARGED, refused(ORDER))
    undoing.when(first).sends()
    undoing.when(first).when(second).sends()
    undoing.when(first).when(second).when(third).rejects(ProcessingFailed("It broke."))


@pytest.mark.parametrize(
    ("history", "stream", "text"),
    [
        (COMPLETING[:5], BOARD, "SETTLING: It broke."),
        (COMPLETING[:5], ACCOUNT, "SETTLING: It broke."),
        (COMPLETING, ORDER, "COMPLETING: It broke."),
        ((PLACED, *RESERVED, DECLINED), BOARD, "UNDOING: It broke."),
        ((PLACED, *RESERVED, CHARGED, refused(ORDER)), ACCOUNT, "UNDOING: It broke."),
        ((PLACED, BOARDS_SHORT, WHEELS_SHORT), ORDER, "REJECTING: It broke."),
    ],
)
def test_an_execution_cannot_go_on_when_it_can_neither_be_finished_nor_undone(
    history: tuple[Event | Refused, ...], stream: UUID, text: str
) -> None:
    with pytest.raises(CannotGoOn, match=f"^{text}$"):
        given(*history).when(refused(stream))


# What changes nothing

HAPPY = (*COMPLETING, COMPLETED)
SHORT = (PLACED, BOARDS_SHORT, WHEELS_RESERVED, WHEELS_RELEASED, REJECTED)
REPRICED = (
    PLACED,
    BOARDS_RESERVED,
    WHEELS_DEARER,
    PRICE_REFUSED,
    BOARDS_RELEASED,
    WHEELS_RELEASED,
    REJECTED,
)
POOR = (PLACED, *RESERVED, DECLINED, BOARDS_RELEASED, WHEELS_RELEASED, REJECTED)
UNSHIPPED = (
    PLACED,
    *RESERVED,
    CHARGED,
    refused(ORDER),
    BOARDS_RELEASED,
    WHEELS_RELEASED,
    REFUNDED,
    REJECTED,
)
every_story = pytest.mark.parametrize(
    "story",
    [HAPPY, SHORT, REPRICED, POOR, UNSHIPPED],
    ids=["happy", "short", "repriced", "poor", "unshipped"],
)


@every_story
def test_every_story_ends(story: tuple[Event | Refused, ...]) -> None:
    given(*story).is_finished()


@every_story
def test_an_event_seen_twice_changes_nothing(story: tuple[Event | Refused, ...]) -> None:
    """At any later time; but what an execution begins with must not come again after its end."""
    for end in range(1, len(story) + 1):
        saga = given(*story[:end])
        for seen in story[:end]:
            if not isinstance(seen, Refused) and (saga.process or seen is not PLACED):
                assert saga.when(seen) == Saga(saga.process, [])


EVERYTHING = {e for e in (*HAPPY, *SHORT, *REPRICED, *POOR, *UNSHIPPED) if e != refused(ORDER)}


@pytest.mark.parametrize(
    ("history", "answers"),
    [
        ((PLACED,), StockReserved | StockShort),
        (REPRICED[:3], PriceRefused),
        (HAPPY[:3], AccountCharged | ChargeDeclined),
        (HAPPY[:4], ShipmentPrepared),
        (HAPPY[:5], ReservationShipped | ChargeSettled),
        (HAPPY[:8], OrderCompleted),
        (SHORT[:3], ReservationReleased),
        (UNSHIPPED[:5], ReservationReleased | ChargeRefunded),
        (SHORT[:4], OrderRejected),
    ],
    ids=[
        "reserving",
        "refusing the price",
        "charging",
        "preparing the shipment",
        "settling",
        "completing",
        "undoing",
        "undoing after the charge",
        "rejecting",
    ],
)
def test_what_is_no_answer_changes_nothing(
    history: tuple[Event | Refused, ...], answers: type[Event]
) -> None:
    saga = given(*history)
    for event in EVERYTHING:
        if not isinstance(event, answers):
            assert saga.when(event) == Saga(saga.process, [])


@pytest.mark.parametrize("event", [*HAPPY[1:], BOARDS_SHORT, DECLINED, REJECTED, refused(ORDER)])
def test_without_an_execution_nothing_but_a_placed_order_matters(event: Event | Refused) -> None:
    given().when(event).is_finished()


@every_story
def test_a_refusal_by_a_stream_that_is_not_waited_for_changes_nothing(
    story: tuple[Event | Refused, ...],
) -> None:
    for end in range(1, len(story)):
        saga = given(*story[:end])
        assert saga.when(refused(CUSTOMER)) == Saga(saga.process, [])


# Out of time


def test_an_execution_that_is_out_of_time_is_undone_as_far_as_it_came() -> None:
    given(PLACED).when(LATE).rejects(ProcessingFailed("timed out in step RESERVING"))
    given(PLACED, BOARDS_RESERVED).when(LATE).sends(ReleaseReservation(BOARD, RUN))
    given(PLACED, BOARDS_RESERVED, WHEELS_DEARER).when(LATE).sends(*RELEASE_BOTH)
    given(PLACED, *RESERVED).when(LATE).sends(*RELEASE_BOTH)
    given(PLACED, *RESERVED, CHARGED).when(LATE).sends(*RELEASE_BOTH, Refund(ACCOUNT, RUN))


@pytest.mark.parametrize(
    "story",
    [
        (PLACED, *RESERVED, CHARGED, PREPARED),
        (PLACED, *RESERVED, CHARGED, PREPARED, BOARDS_SHIPPED, WHEELS_SHIPPED, SETTLED),
        (PLACED, *RESERVED, DECLINED),
        (PLACED, *RESERVED, DECLINED, BOARDS_RELEASED, WHEELS_RELEASED),
    ],
)
def test_what_is_shipped_or_undone_already_takes_the_time_it_takes(
    story: tuple[Event, ...],
) -> None:
    saga = given(*story)
    assert saga.when(LATE) == Saga(saga.process, [])


# The customer wants it undone


def test_while_items_are_not_answered_the_wish_waits() -> None:
    given(PLACED, BOARDS_RESERVED).when(WISH).sends()
    given(PLACED, BOARDS_RESERVED, WISH).when(WHEELS_RESERVED).sends(*RELEASE_BOTH)
    given(PLACED, BOARDS_RESERVED, WISH).when(WHEELS_SHORT).sends(ReleaseReservation(BOARD, RUN))


def test_while_the_account_is_not_answered_the_wish_waits() -> None:
    given(PLACED, *RESERVED).when(WISH).sends()
    given(PLACED, *RESERVED, WISH).when(CHARGED).sends(*RELEASE_BOTH, Refund(ACCOUNT, RUN))
    given(PLACED, *RESERVED, WISH).when(DECLINED).sends(*RELEASE_BOTH)


def test_before_the_shipment_is_prepared_all_is_undone_at_once() -> None:
    given(PLACED, *RESERVED, CHARGED).when(WISH).sends(*RELEASE_BOTH, Refund(ACCOUNT, RUN))


def test_when_all_is_undone_the_order_is_rejected_as_cancelled() -> None:
    undone = given(PLACED, *RESERVED, CHARGED, WISH, *RELEASED, REFUNDED)
    undone.rejects(Cancelled())
    undone.when(CANCELLED).is_finished()


def test_an_operator_gives_a_reason() -> None:
    wish = CancellationRequested(ORDER, RUN, "lost parcel")
    given(PLACED, *RESERVED, CHARGED, wish, *RELEASED, REFUNDED).rejects(Cancelled("lost parcel"))
    given(PLACED, *RESERVED, wish, CHARGED, *RELEASED, REFUNDED).rejects(Cancelled("lost parcel"))


@pytest.mark.parametrize(
    "history",
    [
        (PLACED, BOARDS_RESERVED, WHEELS_DEARER),
        (PLACED, BOARDS_SHORT, WHEELS_RESERVED),
        (PLACED, BOARDS_SHORT, WHEELS_RESERVED, WHEELS_RELEASED),
    ],
    ids=["price refused", "undoing", "rejecting"],
)
def test_what_is_undone_already_goes_on_as_it_would(history: tuple[Event, ...]) -> None:
    saga = given(*history)
    assert saga.when(WISH) == Saga(saga.process, [])


def test_when_a_run_that_failed_anyway_was_to_be_undone_it_is_finished_by_the_cancellation() -> (
    None
):
    given(PLACED, BOARDS_SHORT, WHEELS_SHORT, WISH).when(CANCELLED).is_finished()
