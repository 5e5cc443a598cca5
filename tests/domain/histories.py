"""Random commands and events, about so few things that they get in each other's way."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st

from application.decider import AnyDecider, Decider
from application.deciders import DECIDERS
from domain.commands import (
    CancelOrder,
    Command,
    CreateOrder,
    DiscontinueProduct,
    ListProduct,
    OpenAccount,
)
from domain.errors import DomainError
from domain.events import Event
from domain.values import (
    MAX_AMOUNT,
    MAX_QUANTITY,
    Address,
    Cancelled,
    InsufficientFunds,
    OrderItem,
    OrderLine,
    ProcessingFailed,
    ProductsUnavailable,
    ReceiptLine,
    Shortage,
    WrongPrice,
)

S = TypeVar("S")
E = TypeVar("E")

PRODUCTS = [UUID(int=n) for n in range(1, 4)]
ACCOUNT_ID = UUID(int=8)
ORDER_ID = UUID(int=9)

few_ids = st.sampled_from([UUID(int=n) for n in range(4, 7)])
names = st.sampled_from(["Board", "Wheel"])
amounts = st.sampled_from([*range(-1, 60), MAX_AMOUNT - 50, MAX_AMOUNT, MAX_AMOUNT + 1])
quantities = st.sampled_from([*range(-1, 12), MAX_QUANTITY - 5, MAX_QUANTITY, MAX_QUANTITY + 1])
addresses = st.builds(Address, names, names, names, names, names, st.none() | names)
items = st.builds(OrderItem, st.sampled_from(PRODUCTS), names, names, amounts, quantities)
lines = st.builds(OrderLine, st.sampled_from(PRODUCTS), quantities)
receipt_lines = st.builds(ReceiptLine, st.sampled_from(PRODUCTS), quantities, amounts)
receipts = st.lists(receipt_lines, max_size=3).map(tuple)
moments_of_days = st.sampled_from([datetime(2026, 12, day, tzinfo=UTC) for day in (1, 24)])
shortages = st.builds(Shortage, st.sampled_from(PRODUCTS), names, quantities, quantities)
problems = (
    st.builds(ProductsUnavailable, st.lists(shortages, max_size=2).map(tuple))
    | st.builds(WrongPrice, amounts, amounts)
    | st.builds(InsufficientFunds, amounts, amounts)
    | st.builds(ProcessingFailed, names)
    | st.builds(Cancelled, st.none() | names)
)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    # An aggregate has one id, whatever happens to it.
    "product_id": st.just(PRODUCTS[0]),
    "account_id": st.just(ACCOUNT_ID),
    "order_id": st.just(ORDER_ID),
    "owner_id": few_ids,
    "customer_id": few_ids,
    "execution_id": few_ids,
    "transfer_id": few_ids,
    "adjustment_id": few_ids,
    "name": names,
    "image_url": names,
    "execution_name": names,
    "reason": names,
    "price": amounts,
    "unit_price": amounts,
    "amount": amounts,
    "balance": amounts,
    "required": amounts,
    "opening_deposit": amounts,
    "total": amounts,
    "provided": amounts,
    "calculated": amounts,
    "quantity": quantities,
    "requested": quantities,
    "available": quantities,
    "by": quantities | quantities.map(lambda quantity: -quantity),
    "items": st.lists(items, max_size=3).map(tuple),
    "ReturnRequested.lines": receipts,
    "receipt": receipts,
    "return_id": few_ids,
    "change_id": few_ids,
    "refund": amounts,
    "due_at": moments_of_days,
    "lines": st.lists(lines, max_size=3).map(tuple),
    "shipping_address": addresses,
    "problem": problems,
}

BEGINNINGS: dict[str, Command] = {
    "Stock": ListProduct(PRODUCTS[0], "Board", "/board.svg", 50, 10),
    "Account": OpenAccount(ACCOUNT_ID, UUID(int=4), 100),
    "Order": CreateOrder(
        ORDER_ID,
        UUID(int=4),
        ACCOUNT_ID,
        (OrderItem(PRODUCTS[0], "Board", "/board.svg", 50, 2),),
        Address("PL", "Kraków", "30-001", "Długa", "7"),
        100,
    ),
}
LAST_WORDS = {DiscontinueProduct, CancelOrder}  # rare, for little happens after them


def messages(cls: type) -> st.SearchStrategy[Any]:
    """Any command or event of the class."""
    return st.builds(
        cls,
        **{
            field.name: VALUES[
                own if (own := f"{cls.__name__}.{field.name}") in VALUES else field.name
            ]
            for field in fields(cls)
        },
    )


def commands(decider: AnyDecider) -> st.SearchStrategy[list[Command]]:
    """Any commands, mostly after one that begins the stream."""
    every = [cls for cls, answers in DECIDERS.items() if answers is decider]
    often = [cls for cls in every if cls not in LAST_WORDS]
    return st.builds(
        lambda first, others: [first, *others],
        st.just(BEGINNINGS[decider.name]) | messages(decider.creates),
        st.lists(st.sampled_from(often * 9 + every).flatmap(messages), min_size=10),
    )


def events(decider: AnyDecider) -> st.SearchStrategy[list[Event]]:
    """Any events in any order, impossible ones too."""
    every = sorted(decider.events, key=lambda cls: cls.__name__)
    return st.lists(st.sampled_from(every).flatmap(messages), max_size=30)


def histories(decider: Decider[Any, Any, E]) -> st.SearchStrategy[list[E]]:
    """Any events that commands lead to."""
    return commands(decider).map(lambda asked: answers(decider, asked))


def answers(decider: Decider[Any, Any, E], asked: list[Command]) -> list[E]:
    """What these commands make happen, one after the other; refused ones nothing."""
    state, history = decider.initial, list[E]()
    for command in asked:
        with suppress(DomainError):
            happened = decider.decide(command, state)
            state = decider.fold(happened, state)
            history += happened
    return history


def moments(decider: Decider[Any, S, E], history: list[E]) -> Iterator[tuple[list[E], S]]:
    """After each event: the history so far and the state."""
    state = decider.initial
    for n, event in enumerate(history):
        state = decider.evolve(state, event)
        yield history[: n + 1], state
