"""Logs made in memory by the deciders and the saga: whole shops in a moment, without a runner."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid5

import psycopg

from application.deciders import stream_id
from application.place_order import PlaceOrderProcess, react
from application.process import Refused, TimedOut
from application.unit_of_work import EMPTY, Loaded
from domain.commands import (
    AdjustStock,
    ChangeProduct,
    Command,
    CreateOrder,
    Deposit,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    Withdraw,
)
from domain.errors import DomainError
from domain.events import Event, StockAdjusted
from domain.recorded import Origin, Recorded
from domain.values import Address, OrderItem
from infrastructure.event_store.codec import encode
from infrastructure.ids import execution_id

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "1")
ADMIN = UUID(int=2**100)
COPY = (
    "COPY stored_events (originator_id, originator_version, topic, state, notification_id,"
    " recorded_at)"
    " FROM STDIN (FORMAT binary)"
)


class History:
    """A log that grows by commands; ids and times are the same in every run."""

    def __init__(self, seed: int = 1) -> None:
        self.random = Random(seed)
        self.now = BEGIN
        self.recorded: list[Recorded] = []
        self._streams: dict[UUID, Loaded] = {}

    def new_id(self) -> UUID:
        """Ids as the shop makes them: time-ordered."""
        milliseconds = int(self.now.timestamp() * 1000)
        tail = self.random.getrandbits(76)
        return UUID(int=milliseconds << 80 | 7 << 76 | tail & ~(3 << 62) | 2 << 62)

    def send(self, command: Command, origin: Origin | None = None) -> list[Recorded]:
        """What the command makes happen. Raises DomainError."""
        stream = stream_id(command)
        loaded = self._streams.get(stream, EMPTY)
        origin = origin or Origin(ADMIN, self.new_id(), "request")
        happened = []
        for event in loaded.decide(command):
            happened.append(self._record(event, stream, loaded.version + 1, origin))
            loaded = loaded.after(event, happened[-1].version, happened[-1].position)
        self._streams[stream] = loaded
        return happened

    def _record(self, event: Event, stream: UUID, version: int, origin: Origin) -> Recorded:
        self.now += timedelta(microseconds=self.random.randint(200, 2_000))
        recorded = Recorded(event, len(self.recorded) + 1, stream, version, self.now, origin)
        self.recorded.append(recorded)
        return recorded

    def send_past(self, product: UUID, by: int) -> None:
        """Adjust the stock behind an event of the product that this history does not know of."""
        loaded = self._streams[product]
        adjusted = StockAdjusted(product, self.new_id(), by, "Delivery")
        self._record(adjusted, product, loaded.version + 2, Origin(ADMIN, self.new_id(), "request"))

    def product(self, price: int = 10_00, quantity: int = 100) -> UUID:
        product = self.new_id()
        self.send(ListProduct(product, f"Board {product.hex[-4:]}", "/board.svg", price, quantity))
        return product

    def customer(self, money: int = 1_000_00) -> tuple[UUID, UUID]:
        """The ids of the customer and the account."""
        customer, account = self.new_id(), self.new_id()
        self.send(OpenAccount(account, customer, money))
        return customer, account

    def order(
        self, customer: tuple[UUID, UUID], lines: dict[UUID, int], total: int | None = None
    ) -> UUID:
        order = self.new_id()
        states = {product: self._streams[product].state for product in lines}
        items = tuple(
            OrderItem(p, states[p].name, states[p].image_url, states[p].price, quantity)
            for p, quantity in lines.items()
        )
        price = sum(item.unit_price * item.quantity for item in items)
        self.send(
            CreateOrder(order, *customer, items, ADDRESS, price if total is None else total),
            Origin(customer[0], self.new_id(), "request"),
        )
        return order

    def place(self, customer: tuple[UUID, UUID], order: UUID, name: str) -> UUID:
        """Only placed: the saga has not looked at it yet."""
        run = execution_id(customer[0], name)
        self.send(PlaceOrder(order, run, name), Origin(customer[0], self.new_id(), "request"))
        return run

    def run(self, customer: tuple[UUID, UUID], order: UUID, name: str) -> UUID:
        """Placed, and all that follows."""
        return self._run(customer, order, name, given_up_after=None)

    def give_up(self, customer: tuple[UUID, UUID], order: UUID, name: str, after: int) -> UUID:
        """Placed, but what would follow on reaction number `after` does not; in the end the time is
        over."""
        return self._run(customer, order, name, given_up_after=after)

    def leave(self, customer: tuple[UUID, UUID], order: UUID, name: str, after: int) -> UUID:
        """Placed, and what follows on so many rounds of reactions; the next ones do not follow."""
        return self._run(customer, order, name, None, left_after=after)

    def _run(
        self,
        customer: tuple[UUID, UUID],
        order: UUID,
        name: str,
        given_up_after: int | None,
        left_after: int | None = None,
    ) -> UUID:
        run = self.place(customer, order, name)
        process: PlaceOrderProcess | None = None
        queue: list[Recorded] = [self.recorded[-1]]
        reactions = 0
        while queue and (left_after is None or reactions < left_after):
            cause = queue.pop(0)
            process, commands = react(process, cause.event)
            reactions += 1
            if reactions == given_up_after:
                process, commands = react(process, TimedOut(run))
            origin = Origin(customer[0], run, f"{cause.stream_id}/{cause.version}")
            while commands:
                command = commands.pop(0)
                try:
                    queue += self.send(command, origin)
                except DomainError as error:
                    refused = Refused(run, stream_id(command), str(error))
                    process, more = react(process, refused)
                    commands += more
        return run

    def buy(self, customer: tuple[UUID, UUID], lines: dict[UUID, int], name: str) -> UUID:
        """Created, placed and finished; answers with the order's id."""
        order = self.order(customer, lines)
        self.run(customer, order, name)
        return order


def busy_shop(
    orders: int, *, products: int = 20, customers: int = 50, seed: int = 1, money: int = 10_000_00
) -> History:
    """A shop with a past: restocking, new prices, transfers, orders of every outcome."""
    history = History(seed)
    random = history.random
    boards = [
        history.product(price=random.randint(1, 90) * 100, quantity=orders)
        for _ in range(products - 1)
    ]
    boards.append(history.product(quantity=5))
    people = [history.customer(money) for _ in range(customers - 1)]
    people.append(history.customer(money=1))
    for n in range(orders):
        customer = random.choice(people)
        if n % 10 == 3:
            history.send(Deposit(customer[1], history.new_id(), random.randint(1, 500_00)))
        if n % 50 == 7:
            history.send(Withdraw(people[0][1], history.new_id(), 1))
            history.send(AdjustStock(boards[0], history.new_id(), 5, "Delivery"))
        if n % 100 == 11:
            history.send(ChangeProduct(boards[1], price=random.randint(1, 90) * 100))
        lines = {p: random.randint(1, 2) for p in random.sample(boards, random.randint(1, 3))}
        order = history.order(customer, lines, 1 if n % 40 == 13 else None)
        if n % 30 != 17:
            history.run(customer, order, f"order {n}")
    return history


def store(url: str, recorded: Iterable[Recorded], *, notify: bool = False) -> None:
    """Write the events into the log at `url`, as if they had been appended."""
    with psycopg.connect(url) as connection:
        with connection.cursor().copy(COPY) as copy:
            copy.set_types(["uuid", "int8", "text", "bytea", "int8", "timestamptz"])
            for r in recorded:
                state = encode(r.event, r.origin)
                topic = type(r.event).__name__
                copy.write_row((r.stream_id, r.version, topic, state, r.position, r.recorded_at))
        if notify:
            connection.execute("NOTIFY stored_events")


def derived(*parts: object) -> UUID:
    """An id that is always the same for the same parts."""
    return uuid5(UUID(int=0), "/".join(map(str, parts)))
