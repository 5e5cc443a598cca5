"""A shop in memory: commands in, its log out."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from application.deciders import stream_id
from application.process import AnyProcess, Refused, TimedOut
from application.processes import PROCESSES
from application.unit_of_work import EMPTY, Loaded
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
    PrepareShipment,
    ReceiveReturn,
    RejectReturn,
    RequestReturn,
    Withdraw,
)
from domain.errors import Conflict, DomainError
from domain.events import Event, OrderCompleted, OrderPlaced
from domain.recorded import Origin, Recorded
from domain.values import Address, OrderItem, OrderLine

OPENED = datetime(2026, 5, 1, 8, tzinfo=UTC)
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "7", None)
ORIGIN = Origin(None, UUID(int=0), "test")


class Shop:
    """`log` is what has happened; `streams` are the aggregates; `todo` is what the processes have
    asked for and nobody has done."""

    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.streams: dict[UUID, Loaded] = {}
        self.todo: list[tuple[AnyProcess, UUID, Command]] = []
        self._processes: dict[UUID, Any] = {}

    def send(self, *commands: Command) -> "Shop":
        """Do as asked, one after the other. Raises DomainError."""
        for command in commands:
            stream = stream_id(command)
            for event in self.streams.get(stream, EMPTY).decide(command):
                self.record(stream, event)
        return self

    def run(self) -> "Shop":
        """Let the processes come to their ends."""
        while self.todo:
            self.step()
        return self

    def step(self, which: int = 0, *, fails: bool = False) -> None:
        """Do one of the things that the processes have asked for. Only a shipment can fail."""
        kind, process_id, command = self.todo.pop(which)
        try:
            if fails and isinstance(command, PrepareShipment):
                raise Conflict("No parcel is left.")
            self.send(command)
        except DomainError as refusal:
            refused = Refused(process_id, stream_id(command), str(refusal))
            self._react(kind, process_id, refused)

    def record(self, stream: UUID, event: Event) -> Recorded:
        """What `event` is in the log, a second after the one before."""
        before, position = self.streams.get(stream, EMPTY), len(self.log) + 1
        after = self.streams[stream] = before.after(event, before.version + 1, position)
        at = OPENED + timedelta(seconds=position)
        recorded = Recorded(event, position, stream, after.version, at, ORIGIN)
        self.log.append(recorded)
        for kind in PROCESSES:
            if (process_id := kind.id_of(event)) is not None:
                self._react(kind, process_id, event)
        return recorded

    def time_out(self, process_id: UUID) -> None:
        """Tell a return that its date has come."""
        self._react(PROCESSES[1], process_id, TimedOut(process_id))

    def _react(self, kind: AnyProcess, process_id: UUID, event: Event | Refused | TimedOut) -> None:
        before = self._processes.get(process_id)
        self._processes[process_id], commands = kind.react(before, event)
        self.todo += [(kind, process_id, command) for command in commands]


def lively_shop(random: Random, acts: int) -> Shop:
    """A shop in which `acts` things were tried, while its sagas ran in each other's way."""
    shop = Shop()
    products = [UUID(int=100 + n) for n in range(4)]
    accounts = [UUID(int=200 + n) for n in range(3)]
    orders, runs = count(300), count(10_000)

    def an_order() -> UUID:
        return UUID(int=max(300, next(orders) - random.randint(0, 3)))

    def create() -> Command:
        chosen = random.sample(products, random.randint(1, 2))
        items = tuple(OrderItem(p, "Board", "/b.svg", 5, random.randint(1, 3)) for p in chosen)
        total = sum(item.unit_price * item.quantity for item in items)
        return CreateOrder(an_order(), account, account, items, ADDRESS, total)

    def place() -> Command:
        run = next(runs)
        return PlaceOrder(an_order(), UUID(int=run), f"run {run}")

    def a_return() -> tuple[UUID, UUID]:
        return random.choice(asked) if asked else (an_order(), UUID(int=1))

    def placed_last() -> UUID:
        placed = [r.stream_id for r in shop.log if isinstance(r.event, OrderPlaced)]
        return placed[-1] if placed else an_order()

    def ask_back() -> Command:
        done = [r.event for r in shop.log if isinstance(r.event, OrderCompleted)]
        order_id = random.choice(done).order_id if done else an_order()
        bought = random.choice(done).receipt if done else ()
        return_id = UUID(int=next(runs))
        asked.append((order_id, return_id))
        lines = tuple(OrderLine(line.product_id, 1) for line in bought[:1])
        return RequestReturn(order_id, return_id, lines, "Ugly", OPENED + timedelta(days=30))

    some_id = UUID(int=1)
    asked: list[tuple[UUID, UUID]] = []
    wishes: dict[Callable[[], Command], int] = {
        lambda: ChangeProduct(product, random.choice(["Deck", None]), None, 5): 2,
        lambda: ChangeProduct(product, None, "/c.svg", 6): 1,
        lambda: AdjustStock(product, some_id, random.randint(-2, 9), "counted"): 6,
        lambda: DiscontinueProduct(product): 1,
        lambda: Deposit(account, some_id, random.randint(1, 60)): 6,
        lambda: Withdraw(account, some_id, random.randint(1, 20)): 2,
        create: 12,
        place: 18,
        lambda: CancelOrder(an_order()): 3,
        lambda: CancelOrder(placed_last()): 8,
        lambda: ChangeOrder(an_order(), UUID(int=next(runs)), total=random.randint(5, 20)): 3,
        ask_back: 10,
        lambda: ReceiveReturn(*a_return()): 10,
        lambda: RejectReturn(*a_return(), "Broken"): 2,
    }
    for product in products:
        shop.send(ListProduct(product, "Board", "/b.svg", 5, random.choice([1, 8])))
    for account in accounts:
        shop.send(OpenAccount(account, account, random.choice([0, 50])))
    for _ in range(acts):
        product, account = random.choice(products), random.choice(accounts)
        if shop.todo and random.random() < 0.8:
            shop.step(random.randrange(len(shop.todo)), fails=random.random() < 0.1)
        else:
            with suppress(DomainError):
                shop.send(random.choices(list(wishes), list(wishes.values()))[0]())
        if asked and random.random() < 0.1:
            shop.time_out(random.choice(asked)[1])
    return shop
