"""A shop in memory: commands in, its log out."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from application.deciders import DECIDER_OF_EVENT, DECIDERS, stream_id
from application.place_order import PlaceOrderProcess, Refused, react
from domain.commands import (
    AdjustStock,
    CancelOrder,
    ChangeProduct,
    Command,
    CreateOrder,
    Deposit,
    DiscontinueProduct,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    PrepareShipment,
    Withdraw,
)
from domain.errors import Conflict, DomainError
from domain.events import Event
from domain.recorded import Origin, Recorded
from domain.values import Address, OrderItem

OPENED = datetime(2026, 5, 1, 8, tzinfo=UTC)
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "7", None)
ORIGIN = Origin(None, UUID(int=0), "test")


class Shop:
    """`log` is what has happened; `states` are the aggregates, by stream; `todo` is what the sagas
    have asked for and nobody has done."""

    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.states: dict[UUID, Any] = {}
        self.todo: list[Command] = []
        self._versions: dict[UUID, int] = {}
        self._processes: dict[UUID, PlaceOrderProcess | None] = {}

    def send(self, *commands: Command) -> "Shop":
        """Do as asked, one after the other. Raises DomainError."""
        for command in commands:
            stream = stream_id(command)
            decider = DECIDERS[type(command)]
            for event in decider.decide(command, self.states.get(stream, decider.initial)):
                self.record(stream, event)
        return self

    def run(self) -> "Shop":
        """Let the sagas come to their ends."""
        while self.todo:
            self.step()
        return self

    def step(self, which: int = 0, *, fails: bool = False) -> None:
        """Do one of the things that the sagas have asked for. Only a shipment can fail."""
        command: Any = self.todo.pop(which)
        try:
            if fails and isinstance(command, PrepareShipment):
                raise Conflict("No parcel is left.")
            self.send(command)
        except DomainError as refusal:
            stream = stream_id(command)
            self._react(Refused(command.execution_id, stream, str(refusal)))

    def record(self, stream: UUID, event: Event) -> Recorded:
        """What `event` is in the log, a second after the one before."""
        decider = DECIDER_OF_EVENT[type(event)]
        self.states[stream] = decider.evolve(self.states.get(stream, decider.initial), event)
        self._versions[stream] = self._versions.get(stream, 0) + 1
        position = len(self.log) + 1
        at = OPENED + timedelta(seconds=position)
        recorded = Recorded(event, position, stream, self._versions[stream], at, ORIGIN)
        self.log.append(recorded)
        self._react(event)
        return recorded

    def _react(self, event: Event | Refused) -> None:
        run = getattr(event, "execution_id", None)
        if run is not None:
            self._processes[run], commands = react(self._processes.get(run), event)
            self.todo += commands


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

    some_id = UUID(int=1)
    wishes: dict[Callable[[], Command], int] = {
        lambda: ChangeProduct(product, random.choice(["Deck", None]), None, 5): 2,
        lambda: ChangeProduct(product, None, "/c.svg", 6): 1,
        lambda: AdjustStock(product, some_id, random.randint(-2, 9), "counted"): 6,
        lambda: DiscontinueProduct(product): 1,
        lambda: Deposit(account, some_id, random.randint(1, 60)): 6,
        lambda: Withdraw(account, some_id, random.randint(1, 20)): 2,
        create: 12,
        place: 18,
        lambda: CancelOrder(an_order()): 2,
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
    return shop
