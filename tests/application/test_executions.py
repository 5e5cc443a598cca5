"""What always holds for executions, however they get in each other's way."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import TypeVar
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.account import Account
from domain.commands import (
    AdjustStock,
    CancelOrder,
    ChangeOrder,
    ChangeProduct,
    Command,
    CreateOrder,
    Deposit,
    DiscontinueProduct,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    ReceiveReturn,
    RejectReturn,
    RequestReturn,
    Withdraw,
)
from domain.errors import DomainError
from domain.events import (
    AccountCharged,
    AccountOpened,
    CancellationRequested,
    ChargeDeclined,
    ChargeRefunded,
    ChargeSettled,
    Deposited,
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    OrderRejected,
    PriceRefused,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    ReturnCompleted,
    ReturnExpired,
    ReturnRefunded,
    ReturnRejected,
    ReturnRequested,
    ShipmentPrepared,
    StockAdjusted,
    StockReserved,
    StockReturned,
    StockShort,
    Withdrawn,
)
from domain.order import Order, OrderStatus
from domain.stock import Stock
from domain.values import (
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
from tests.application.shop_in_memory import Shop

E = TypeVar("E")

PRODUCTS = [UUID(int=n) for n in range(1, 4)]
ACCOUNTS = [UUID(int=n) for n in range(11, 13)]
ORDERS = [UUID(int=n) for n in range(21, 27)]
DUE = datetime(2026, 12, 24, tzinfo=UTC)
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "7")

LETTERS = {
    OrderPlaced: "P",
    StockReserved: "r",
    StockShort: "s",
    PriceRefused: "p",
    AccountCharged: "c",
    ChargeDeclined: "d",
    ShipmentPrepared: "h",
    ReservationShipped: "x",
    ChargeSettled: "t",
    ReservationReleased: "l",
    ChargeRefunded: "m",
    OrderCompleted: "C",
    OrderRejected: "R",
    CancellationRequested: "w",
    OrderCancelled: "X",
}
STORIES = {
    "completed": r"Pr+ch[xt]+C",
    "products unavailable": r"P[rs]*s[rs]*l*R",
    "wrong price": r"Pr+pl+R",
    "insufficient funds": r"Pr+dl+R",
    "shipment refused": r"Pr+c[lm]+R",
    "cancelled": r"P(?=.*w)[rsw]*[pcdw]*[lmw]*X",
}


@settings(max_examples=2 * settings().max_examples)
@given(st.integers(0, 2**32))
def test_every_placed_order_ends_once_and_nothing_is_left_over(seed: int) -> None:
    shop = a_day(Random(seed))
    for order in of_type(shop.log, OrderPlaced):
        assert_it_ended_well(order, of_execution(order.execution_id, shop.log))
    assert not any(process for _, process in shop.processes.values())
    for product_id in PRODUCTS:
        stock: Stock = shop.state(product_id)
        assert (stock.reserved, len(stock.reservations)) == (0, 0)
        assert stock.on_hand >= 0
    for account_id in ACCOUNTS:
        account: Account = shop.state(account_id)
        assert len(account.charged) == 0
        assert account.balance >= 0
    for order_id in ORDERS:
        state: Order = shop.state(order_id)
        assert state.status is not OrderStatus.PLACED
    assert_money_and_stock_agree(shop)
    assert_no_more_came_back_than_was_delivered(shop)


def test_a_few_days_see_all_the_stories() -> None:
    told = set()
    for seed in range(30):
        shop = a_day(Random(seed))
        for order in of_type(shop.log, OrderPlaced):
            told.add(story(of_execution(order.execution_id, shop.log)))
    assert told == STORIES.keys()


def a_day(random: Random) -> Shop:
    """A few orders for too few products with too little money, placed while everything changes."""
    shop = Shop(random)
    for product_id in PRODUCTS:
        price, quantity = random.randint(1, 30), random.randint(0, 12)
        shop.send(ListProduct(product_id, "Board", "/board.svg", price, quantity))
    for account_id in ACCOUNTS:
        shop.send(OpenAccount(account_id, account_id, random.randint(0, 200)))
    for order_id in ORDERS:
        shop.send(an_order(order_id, shop))
    new_ids = (UUID(int=n) for n in count(1000))
    for _ in range(100):
        if random.random() < 0.25:
            with suppress(DomainError):
                shop.send(from_outside(random, next(new_ids), shop))
        elif random.random() < 0.02:
            shop.lost_shipments.update(
                order.execution_id for order in of_type(shop.log, OrderPlaced)
            )
        else:
            shop.step()
    while shop.step():
        pass
    come_back(shop, new_ids)
    return shop


def come_back(shop: Shop, new_ids: Iterator[UUID]) -> None:
    """Customers return what they have; some of it comes, some is refused, some is late."""
    random = shop.random
    for _ in range(12):
        order_id, return_id = random.choice(ORDERS), next(new_ids)
        items = random.sample(PRODUCTS, random.randint(1, 2))
        lines = tuple(OrderLine(product_id, random.randint(1, 2)) for product_id in items)
        with suppress(DomainError):
            shop.send(RequestReturn(order_id, return_id, lines, "Ugly", DUE))
            chance = random.random()  # a fourth of them is late
            if 0.75 > chance > 0.5:
                while shop.step():
                    pass
                shop.pass_time()
            if chance < 0.2:
                shop.send(RejectReturn(order_id, return_id, "Broken"))
            elif chance < 0.75:
                shop.send(ReceiveReturn(order_id, return_id))
        shop.step()
    while shop.step():
        pass
    shop.pass_time()
    while shop.step():
        pass


def an_order(order_id: UUID, shop: Shop) -> CreateOrder:
    """Of some of the products, mostly for what they cost now."""
    random = shop.random
    items = tuple(
        OrderItem(
            product_id, "Board", "/board.svg", shop.state(product_id).price, random.randint(1, 3)
        )
        for product_id in random.sample(PRODUCTS, random.randint(1, 3))
    )
    total = sum(item.unit_price * item.quantity for item in items)
    return CreateOrder(
        order_id,
        UUID(int=1),
        random.choice(ACCOUNTS),
        items,
        ADDRESS,
        total + random.choice([0, 0, 0, 0, 1]),
    )


def from_outside(random: Random, new_id: UUID, shop: Shop) -> Command:
    """What customers and administrators do while executions are under way."""
    product_id, account_id = random.choice(PRODUCTS), random.choice(ACCOUNTS)
    if random.random() < 0.6:
        return PlaceOrder(random.choice(ORDERS), new_id, str(new_id))
    possible: list[Command] = [
        ChangeProduct(product_id, price=random.randint(1, 30)),
        AdjustStock(product_id, new_id, random.randint(-3, 3), "Count"),
        Deposit(account_id, new_id, random.randint(1, 100)),
        Withdraw(account_id, new_id, random.randint(1, 100)),
        CancelOrder(random.choice(ORDERS)),
        DiscontinueProduct(product_id),
        a_change(random.choice(ORDERS), new_id, shop),
    ]
    return random.choices(possible, [5, 5, 5, 5, 2, 1, 3])[0]


def a_change(order_id: UUID, change_id: UUID, shop: Shop) -> ChangeOrder:
    """What a customer does who is told another price."""
    contents = shop.state(order_id).contents
    total = sum(shop.state(i.product_id).price * i.quantity for i in contents.items)
    return ChangeOrder(order_id, change_id, total=total)


def of_type(log: list[Event], cls: type[E]) -> list[E]:
    return [event for event in log if isinstance(event, cls)]


def of_execution(execution_id: UUID, log: list[Event]) -> list[Event]:
    return [event for event in log if getattr(event, "execution_id", None) == execution_id]


def story(steps: list[Event]) -> str:
    """The one story that these steps tell."""
    letters = "".join(LETTERS[type(step)] for step in steps)
    told = [name for name, pattern in STORIES.items() if re.fullmatch(pattern, letters)]
    assert len(told) == 1, letters
    return told[0]


def assert_it_ended_well(order: OrderPlaced, steps: list[Event]) -> None:
    """Every item was tried, what was reserved was shipped or released, and the reason is right."""
    reserved, shortages = of_type(steps, StockReserved), of_type(steps, StockShort)
    shipped, released = of_type(steps, ReservationShipped), of_type(steps, ReservationReleased)
    calculated = sum(item.quantity * item.unit_price for item in reserved)
    tried = [(item.product_id, item.quantity) for item in reserved]
    tried += [(item.product_id, item.requested) for item in shortages]
    assert sorted(tried) == sorted((line.product_id, line.quantity) for line in order.lines)
    assert sorted((item.product_id, item.quantity) for item in reserved) == sorted(
        (item.product_id, item.quantity) for item in shipped + released
    )
    assert [c.amount for c in of_type(steps, AccountCharged)] in ([], [order.total])
    told, end = story(steps), steps[-1]
    if told == "completed":
        assert (end, calculated) == (
            OrderCompleted(order.order_id, order.execution_id, receipt_of(order, reserved)),
            order.total,
        )
        return
    if told == "cancelled":
        assert end == OrderCancelled(order.order_id, order.execution_id)
        taken, given_back = of_type(steps, AccountCharged), of_type(steps, ChargeRefunded)
        assert [charge.amount for charge in taken] == [refund.amount for refund in given_back]
        return
    assert isinstance(end, OrderRejected)
    match end.problem:
        case ProductsUnavailable(products):
            assert told == "products unavailable"
            assert set(products) == {
                Shortage(s.product_id, s.name, s.requested, s.available) for s in shortages
            }
            assert len(products) == len(shortages)
        case WrongPrice():
            assert told == "wrong price"
            assert end.problem == WrongPrice(order.total, calculated)
            assert calculated != order.total
        case InsufficientFunds(balance, required):
            assert told == "insufficient funds"
            assert balance < required == order.total == calculated
        case ProcessingFailed(reason):
            assert (told, reason) == ("shipment refused", "The parcel was lost.")
        case Cancelled():
            raise AssertionError("what was to be cancelled is not rejected")


def receipt_of(order: OrderPlaced, reserved: list[StockReserved]) -> tuple[ReceiptLine, ...]:
    """What was reserved, in the order of the order."""
    prices = {item.product_id: item.unit_price for item in reserved}
    return tuple(
        ReceiptLine(line.product_id, line.quantity, prices[line.product_id]) for line in order.lines
    )


def assert_money_and_stock_agree(shop: Shop) -> None:
    """What came in is still there, or was sold in an order that is completed."""
    completed = {event.execution_id for event in of_type(shop.log, OrderCompleted)}
    sold = [order for order in of_type(shop.log, OrderPlaced) if order.execution_id in completed]
    for product_id in PRODUCTS:
        received = sum(
            e.quantity for e in of_type(shop.log, ProductListed) if e.product_id == product_id
        )
        received += sum(
            e.by for e in of_type(shop.log, StockAdjusted) if e.product_id == product_id
        )
        gone = sum(
            line.quantity for order in sold for line in order.lines if line.product_id == product_id
        )
        back = sum(
            e.quantity for e in of_type(shop.log, StockReturned) if e.product_id == product_id
        )
        assert shop.state(product_id).on_hand == received - gone + back
    for account_id in ACCOUNTS:
        money = sum(
            e.opening_deposit
            for e in of_type(shop.log, AccountOpened)
            if e.account_id == account_id
        )
        money += sum(e.amount for e in of_type(shop.log, Deposited) if e.account_id == account_id)
        money -= sum(e.amount for e in of_type(shop.log, Withdrawn) if e.account_id == account_id)
        money -= sum(order.total for order in sold if order.account_id == account_id)
        money += sum(
            e.amount for e in of_type(shop.log, ReturnRefunded) if e.account_id == account_id
        )
        assert shop.state(account_id).balance == money


def assert_no_more_came_back_than_was_delivered(shop: Shop) -> None:
    """Nor was more money given back than was paid, and every return has ended."""
    for done in of_type(shop.log, OrderCompleted):
        delivered = Counter({line.product_id: line.quantity for line in done.receipt})
        mine = [e for e in of_type(shop.log, ReturnRequested) if e.order_id == done.order_id]
        completed = {e.return_id for e in of_type(shop.log, ReturnCompleted)}
        for request in mine:
            ends = [
                event
                for event in shop.log
                if isinstance(event, ReturnCompleted | ReturnRejected | ReturnExpired)
                and event.return_id == request.return_id
            ]
            assert len(ends) == 1
            if request.return_id in completed:
                delivered.subtract({line.product_id: line.quantity for line in request.lines})
        assert min(delivered.values()) >= 0
        refunds = [e for e in of_type(shop.log, ReturnRefunded) if e.order_id == done.order_id]
        assert {e.return_id for e in refunds} == completed & {e.return_id for e in mine}
        paid = sum(line.quantity * line.unit_price for line in done.receipt)
        assert sum(e.amount for e in refunds) <= paid
