"""The sums that must come out even over the whole shop. Amounts are minor units."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.account import Account
from domain.events import (
    AccountCharged,
    AccountOpened,
    ChargeRefunded,
    Deposited,
    Event,
    OrderPlaced,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    ReturnRefunded,
    StockAdjusted,
    StockReserved,
    StockReturned,
    Withdrawn,
)
from domain.message import message
from domain.stock import Stock


@dataclass(slots=True)
class Held:
    """What an execution holds that has not ended: reserved and shipped quantities by product, and
    what the account was charged."""

    reserved: dict[UUID, int] = field(default_factory=dict)
    shipped: dict[UUID, int] = field(default_factory=dict)
    charged: int = 0

    def take(self, event: Event) -> None:
        """Take in an event of the execution."""
        match event:
            case StockReserved(product_id, _, quantity):
                self.reserved[product_id] = quantity
            case ReservationReleased(product_id):
                self.reserved.pop(product_id, None)
            case ReservationShipped(product_id, _, quantity):
                self.reserved.pop(product_id, None)
                self.shipped[product_id] = quantity
            case AccountCharged(_, _, _, amount):
                self.charged += amount
            case ChargeRefunded(_, _, _, amount):
                self.charged -= amount
            case _:
                pass


@message
class Balance:
    """What the shop has: money in customers' accounts, spent on completed orders, and held by
    executions that run; things on hand, of them reserved, and shipped."""

    money_in: int
    money_out: int
    in_accounts: int
    spent: int
    held: int
    received: int
    on_hand: int
    reserved: int
    shipped: int


@dataclass(slots=True)
class Books:
    """Sums of what events say, and of the states that they lead to."""

    money_in: int = 0
    money_out: int = 0
    in_accounts: int = 0
    spent: int = 0
    received: int = 0
    on_hand: int = 0
    reserved: int = 0
    delivered: int = 0

    def enter(self, event: Event, before: Any, after: Any) -> None:
        """An event, and the states of its stream."""
        match event:
            case AccountOpened(_, _, amount) | Deposited(_, _, amount):
                self.money_in += amount
            case Withdrawn(_, _, amount):
                self.money_out += amount
            case ProductListed(quantity=quantity):
                self.received += quantity
            case StockAdjusted(by=by):
                self.received += by
            case ReturnRefunded(amount=amount):
                self.spent -= amount
            case StockReturned(quantity=quantity):
                self.delivered -= quantity
            case _:
                pass
        if isinstance(after, Account):
            self.in_accounts += after.balance - before.balance
        elif isinstance(after, Stock):
            self.on_hand += after.on_hand - before.on_hand
            self.reserved += after.reserved - before.reserved

    def complete(self, order: OrderPlaced) -> None:
        """The order was paid for and shipped."""
        self.spent += order.total
        self.delivered += sum(line.quantity for line in order.lines)

    def balance(self, running: list[Held]) -> Balance:
        """All of it, with what the executions hold that have not ended."""
        return Balance(
            self.money_in,
            self.money_out,
            self.in_accounts,
            self.spent,
            sum(held.charged for held in running),
            self.received,
            self.on_hand,
            self.reserved,
            self.delivered + sum(sum(held.shipped.values()) for held in running),
        )


def discrepancies(balance: Balance, running: list[Held]) -> Iterator[str]:
    """What does not come out even, in sentences."""
    came_in = balance.money_in - balance.money_out
    is_there = balance.in_accounts + balance.spent + balance.held
    if came_in != is_there:
        yield (
            f"Money that came in ({came_in}) is not what is held and spent ({is_there}):"
            f" {came_in - is_there} minor units are missing"
        )
    things = balance.on_hand + balance.shipped
    if balance.received != things:
        yield (
            f"Things received ({balance.received}) are not what is on hand and was shipped"
            f" ({things}): {balance.received - things} are missing"
        )
    held = sum(sum(one.reserved.values()) for one in running)
    if balance.reserved != held:
        yield (
            f"{balance.reserved} things are reserved, but executions that run hold {held}:"
            f" {balance.reserved - held} are reserved for nobody"
        )


def overdrawn(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """What an event made less than nothing: the kind of check, and a sentence."""
    if isinstance(after, Account) and after.balance < 0 <= (before or Account()).balance:
        yield "money", f"As recorded, the account holds {after.balance} minor units"
    if isinstance(after, Stock) and _left(after) < 0 <= _left(before or Stock()):
        yield "stock", f"As recorded, {-_left(after)} more are promised than are there"


def _left(stock: Stock) -> int:
    return stock.on_hand - stock.reserved
