"""What always holds, whatever is asked of an aggregate and in whatever order."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.decider import AnyDecider
from application.deciders import ACCOUNT, DECIDERS, ORDER, STOCK
from domain.commands import Command
from domain.errors import DomainError
from domain.events import (
    AccountCharged,
    AccountEvent,
    AccountOpened,
    ChargeDeclined,
    ChargeRefunded,
    ChargeSettled,
    Deposited,
    OrderCancelled,
    OrderChanged,
    OrderCompleted,
    OrderEvent,
    OrderPlaced,
    OrderRejected,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    ReturnEvent,
    ReturnRefunded,
    StockAdjusted,
    StockEvent,
    StockReserved,
    StockReturned,
    Withdrawn,
)
from domain.order import OrderStatus
from domain.returns import ReturnStatus
from domain.values import MAX_QUANTITY
from infrastructure.event_store.codec import event_from_json, event_to_json
from tests.domain.histories import (
    ACCOUNT_ID,
    ORDER_ID,
    PRODUCTS,
    commands,
    events,
    histories,
    messages,
    moments,
)

every_decider = pytest.mark.parametrize(
    "decider", [STOCK, ACCOUNT, ORDER], ids=lambda decider: decider.name
)
every_command = pytest.mark.parametrize("command_type", DECIDERS, ids=lambda cls: cls.__name__)

NEW_RUN = UUID(int=99)


# Every aggregate


@every_command
@settings(max_examples=25)
@given(data=st.data())
def test_the_same_command_twice_in_a_row_records_nothing_the_second_time(
    command_type: type[Command], data: st.DataObject
) -> None:
    decider = DECIDERS[command_type]
    state = decider.fold(data.draw(histories(decider)))
    command = data.draw(messages(command_type))
    with suppress(DomainError):
        happened = decider.decide(command, state)
        assert decider.decide(command, decider.fold(happened, state)) == []


@every_decider
@given(data=st.data())
def test_any_events_load_and_any_command_is_then_answered_or_refused(
    decider: AnyDecider, data: st.DataObject
) -> None:
    state = decider.fold(data.draw(events(decider)))
    for command in data.draw(commands(decider)):
        with suppress(DomainError):
            decider.decide(command, state)


@every_decider
@given(data=st.data())
def test_what_was_recorded_leads_to_the_same_state_when_it_is_read_again(
    decider: AnyDecider, data: st.DataObject
) -> None:
    history = data.draw(histories(decider))
    read = [event_from_json(type(event).__name__, event_to_json(event)) for event in history]
    assert decider.fold(read) == decider.fold(history)


# Stock


@given(histories(STOCK))
def test_stock_never_falls_below_what_is_reserved_nor_below_nothing(
    history: list[StockEvent],
) -> None:
    for _, stock in moments(STOCK, history):
        assert 0 <= stock.reserved <= stock.on_hand <= MAX_QUANTITY
        assert 0 <= stock.available <= stock.on_hand


@given(histories(STOCK))
def test_reserved_is_what_the_open_reservations_hold(history: list[StockEvent]) -> None:
    for so_far, stock in moments(STOCK, history):
        assert dict(stock.reservations.items()) == open_reservations(so_far)
        assert stock.reserved == sum(open_reservations(so_far).values())


def open_reservations(history: list[StockEvent]) -> dict[UUID, int]:
    still_open: dict[UUID, int] = {}
    for event in history:
        if isinstance(event, StockReserved):
            still_open[event.execution_id] = event.quantity
        if isinstance(event, ReservationReleased | ReservationShipped):
            assert still_open.pop(event.execution_id) == event.quantity
    return still_open


@given(histories(STOCK))
def test_stock_that_was_received_is_on_hand_or_shipped(history: list[StockEvent]) -> None:
    received, shipped = 0, 0
    for event in history:
        if isinstance(event, ProductListed):
            received += event.quantity
        if isinstance(event, StockAdjusted):
            received += event.by
        if isinstance(event, StockReturned):
            received += event.quantity
        if isinstance(event, ReservationShipped):
            shipped += event.quantity
    assert received == STOCK.fold(history).on_hand + shipped


@given(history=histories(STOCK), quantity=st.integers(1, 20))
def test_a_closed_reservation_leaves_nothing_in_the_state(
    history: list[StockEvent], quantity: int
) -> None:
    stock = STOCK.fold(history)
    reserved = StockReserved(PRODUCTS[0], NEW_RUN, quantity, 1)
    released = ReservationReleased(PRODUCTS[0], NEW_RUN, quantity)
    shipped = ReservationShipped(PRODUCTS[0], NEW_RUN, quantity)
    assert STOCK.fold([reserved, released], stock) == stock
    assert STOCK.fold([reserved, shipped], stock) == replace(
        stock, on_hand=stock.on_hand - quantity
    )


# Account


@given(histories(ACCOUNT))
def test_a_balance_is_never_below_nothing(history: list[AccountEvent]) -> None:
    for _, account in moments(ACCOUNT, history):
        assert account.balance >= 0


@given(histories(ACCOUNT))
def test_money_that_came_in_is_in_the_account_or_went_out(history: list[AccountEvent]) -> None:
    money_in, money_out = 0, 0
    for event in history:
        if isinstance(event, AccountOpened):
            money_in += event.opening_deposit
        if isinstance(event, Deposited | ChargeRefunded | ReturnRefunded):
            money_in += event.amount
        if isinstance(event, Withdrawn | AccountCharged):
            money_out += event.amount
    assert money_in == ACCOUNT.fold(history).balance + money_out


@given(histories(ACCOUNT))
def test_an_account_knows_just_the_charges_that_are_not_settled(
    history: list[AccountEvent],
) -> None:
    for so_far, account in moments(ACCOUNT, history):
        assert dict(account.charged.items()) == open_charges(so_far)


def open_charges(history: list[AccountEvent]) -> dict[UUID, AccountCharged]:
    still_open: dict[UUID, AccountCharged] = {}
    for event in history:
        if isinstance(event, AccountCharged):
            still_open[event.execution_id] = event
        if isinstance(event, ChargeRefunded):
            charged = still_open.pop(event.execution_id)
            assert (charged.order_id, charged.amount) == (event.order_id, event.amount)
        if isinstance(event, ChargeSettled):
            still_open.pop(event.execution_id)
    return still_open


@given(history=histories(ACCOUNT), amount=st.integers(1, 200))
def test_a_closed_charge_leaves_nothing_in_the_state(
    history: list[AccountEvent], amount: int
) -> None:
    account = ACCOUNT.fold(history)
    charged = AccountCharged(ACCOUNT_ID, NEW_RUN, ORDER_ID, amount)
    refunded = ChargeRefunded(ACCOUNT_ID, NEW_RUN, ORDER_ID, amount)
    settled = ChargeSettled(ACCOUNT_ID, NEW_RUN)
    assert ACCOUNT.fold([charged, refunded], account) == account
    assert ACCOUNT.fold([charged, settled], account) == replace(
        account, balance=account.balance - amount
    )


@given(histories(ACCOUNT))
def test_a_charge_is_declined_just_where_it_is_beyond_the_balance(
    history: list[AccountEvent],
) -> None:
    for so_far, account in moments(ACCOUNT, history):
        if isinstance(declined := so_far[-1], ChargeDeclined):
            assert declined.balance == account.balance < declined.required


# Order


@given(histories(ORDER))
def test_one_execution_runs_at_a_time_and_ends_once(history: list[OrderEvent]) -> None:
    running: UUID | None = None
    for event in history:
        if isinstance(event, OrderPlaced):
            assert running is None
            running = event.execution_id
        if isinstance(event, OrderCompleted | OrderRejected) or (
            isinstance(event, OrderCancelled) and event.execution_id is not None
        ):
            assert running == event.execution_id
            running = None


@given(histories(ORDER))
def test_nothing_but_returns_happens_to_an_order_that_was_completed_or_cancelled(
    history: list[OrderEvent],
) -> None:
    for so_far, event in zip(moments(ORDER, history), history[1:], strict=False):
        if so_far[1].status in (OrderStatus.COMPLETED, OrderStatus.CANCELLED):
            assert isinstance(event, ReturnEvent)
            assert so_far[1].status is OrderStatus.COMPLETED


@given(histories(ORDER))
def test_no_more_comes_back_than_was_delivered(history: list[OrderEvent]) -> None:
    for _, order in moments(ORDER, history):
        back = Counter[UUID]()
        for each in order.returns.by_id.values():
            if each.status not in (ReturnStatus.REJECTED, ReturnStatus.EXPIRED):
                back.update({line.product_id: line.quantity for line in each.request.lines})
        # Also of a receipt that makes no sense nothing comes back.
        assert back <= +Counter({e.product_id: e.quantity for e in order.returns.delivered})


@given(histories(ORDER))
def test_of_all_its_executions_an_order_knows_the_last(history: list[OrderEvent]) -> None:
    for so_far, order in moments(ORDER, history):
        placed = [n for n, event in enumerate(so_far) if isinstance(event, OrderPlaced)]
        first, *others = so_far[: placed[-1]] if placed else so_far
        since = so_far[placed[-1] :] if placed else []
        changes = [event for event in others if placed and isinstance(event, OrderChanged)]
        before = [first, *changes] if placed else so_far
        assert order == ORDER.fold([*before, *since])
