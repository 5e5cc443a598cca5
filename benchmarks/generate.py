"""A shop with a past: thousands of orders, made by the real deciders and saga, copied into the log.

`python -m benchmarks.generate postgresql://…/shop` fills a database that `shop migrate` has made.
"""

import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import psycopg
import typer
from argon2 import PasswordHasher
from psycopg import Connection
from rich.progress import Progress

from application.place_order import PlaceOrderProcess, react
from application.unit_of_work import EMPTY, Loaded, UnitOfWork
from domain.commands import (
    AdjustStock,
    CancelOrder,
    ChangeProduct,
    Command,
    CreateOrder,
    Deposit,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    Withdraw,
)
from domain.events import Event, OrderRejected
from domain.message import message
from domain.recorded import Origin
from domain.stock import Stock
from domain.values import Address, OrderItem
from infrastructure.event_store.store import NewEvent, encoded
from infrastructure.ids import execution_id
from infrastructure.process_managers.manager import ProcessManager

PASSWORD = "Seven-Harbour-Lamps"
NAMES = (
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Frances",
    "Tony",
    "Leslie",
    "Radia",
)
STREETS = ("Markt", "Hoofdstraat", "Molenweg", "Kerkstraat", "Dorpsstraat")
BOARDS = ("Cruiser", "Longboard", "Street deck", "Penny board", "Downhill", "Old school")
DAYS = 90
OPENING_DEPOSIT = 500_000


@message
class Customer:
    """A user who can sign in with `PASSWORD`."""

    user_id: UUID
    account_id: UUID
    email: str
    name: str


@message
class Generated:
    """What is in the shop now; the busiest customers come first, the newest orders last."""

    customers: tuple[Customer, ...]
    product_ids: tuple[UUID, ...]
    order_ids: tuple[UUID, ...]
    events: int


class _Past:
    """The shop in memory, on a clock of its own; `work.events` is what is not stored yet."""

    def __init__(self, chance: random.Random, orders: int) -> None:
        self.chance = chance
        self.at = datetime.now(UTC) - timedelta(days=DAYS)
        self._pause = DAYS * 86_400 / (orders + 1)
        self.work = UnitOfWork(defaultdict(lambda: EMPTY))
        self.times: list[datetime] = []

    def new_id(self) -> UUID:
        """A UUIDv7 (RFC 9562, section 5.7) of the clock's time."""
        milliseconds = int(self.at.timestamp() * 1_000)
        number = milliseconds << 80 | self.chance.getrandbits(80)
        return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)

    def pass_time(self) -> None:
        self.at += timedelta(seconds=self.chance.expovariate(1 / self._pause))

    def send(
        self, command: Command, actor: UUID | None, correlation: UUID | None = None
    ) -> list[Event]:
        self.at += timedelta(milliseconds=self.chance.uniform(0.1, 2))
        request = self.new_id()
        origin = Origin(actor, correlation or request, str(request))
        happened = self.work.handle(command, origin)
        self.times += [self.at] * len(happened)
        return [each.event for each in happened]

    def place(self, order: CreateOrder, name: str) -> OrderRejected | None:
        """The whole saga; its refusal, if it was refused."""
        execution = execution_id(order.customer_id, name)
        command = PlaceOrder(order.order_id, execution, name)
        todo = deque(self.send(command, order.customer_id, execution))
        process: PlaceOrderProcess | None = None
        rejected = None
        while todo:
            event = todo.popleft()
            rejected = event if isinstance(event, OrderRejected) else rejected
            process, commands = react(process, event)
            for follows in commands:
                todo.extend(self.send(follows, order.customer_id, execution))
        return rejected

    def stock(self, product_id: UUID) -> Stock:
        loaded: Loaded = self.work.streams[product_id]
        assert isinstance(loaded.state, Stock)
        return loaded.state


class _Story:
    """Who buys what: a few products and customers have most of the orders, as everywhere."""

    def __init__(self, seed: int, orders: int, customers: int, products: int) -> None:
        self._chance = random.Random(seed)
        self.past = _Past(self._chance, orders)
        self._orders = orders
        self.customers = tuple(self._customer(number) for number in range(customers))
        self.product_ids = tuple(self.past.new_id() for _ in range(products))
        self.order_ids: list[UUID] = []
        self._customer_weights = [1 / (number + 10) for number in range(customers)]
        self._product_weights = [1 / (number + 5) for number in range(products)]

    def _customer(self, number: int) -> Customer:
        name = NAMES[number % len(NAMES)]
        email = f"{name.lower()}{number}@example.com"
        return Customer(self.past.new_id(), self.past.new_id(), email, f"{name} {number}")

    def happen(self) -> Iterator[list[tuple[NewEvent, datetime]]]:
        """All of it, a little at a time, with when it happened."""
        yield from self._opening()
        for number in range(self._orders):
            self.past.pass_time()
            if number % 200 == 199:
                self._reprice(self._chance.choice(self.product_ids))
            self._order(number)
            yield self._drain()

    def _drain(self) -> list[tuple[NewEvent, datetime]]:
        happened = list(zip(encoded(self.past.work.events), self.past.times, strict=True))
        self.past.work.events, self.past.times = [], []
        return happened

    def _opening(self) -> Iterator[list[tuple[NewEvent, datetime]]]:
        for number, product in enumerate(self.product_ids):
            name = f"{BOARDS[number % len(BOARDS)]} {number + 1}"
            price = self._chance.randrange(2_000, 20_000)
            picture = f"/images/{number % 10 + 1}.svg"
            self.past.send(ListProduct(product, name, picture, price, 500), None)
        for customer in self.customers:
            self.past.send(
                OpenAccount(customer.account_id, customer.user_id, OPENING_DEPOSIT),
                customer.user_id,
            )
        yield self._drain()

    def _reprice(self, product: UUID) -> None:
        price = max(100, round(self.past.stock(product).price * self._chance.uniform(0.9, 1.12)))
        self.past.send(ChangeProduct(product, price=price), None)

    def _order(self, number: int) -> None:
        chance = self._chance
        customer = chance.choices(self.customers, self._customer_weights)[0]
        order = self._basket(customer)
        self.order_ids.append(order.order_id)
        self.past.send(order, customer.user_id)
        fate = chance.random()
        if fate < 0.04:  # thought better of it
            self.past.send(CancelOrder(order.order_id), customer.user_id)
            return
        if fate < 0.08:  # put together, and never placed
            return
        rejected = self.past.place(order, f"order {number}")
        if rejected is None:
            return
        self._put_right(order, customer)
        if chance.random() < 0.6:
            self.past.place(order, f"order {number}, again")

    def _basket(self, customer: Customer) -> CreateOrder:
        chance = self._chance
        chosen = dict.fromkeys(
            chance.choices(self.product_ids, self._product_weights, k=chance.randint(1, 4))
        )
        items = []
        for product in chosen:
            stock = self.past.stock(product)
            quantity = chance.choice((1, 1, 1, 2, 3))
            items.append(OrderItem(product, stock.name, stock.image_url, stock.price, quantity))
        total = sum(item.unit_price * item.quantity for item in items)
        if chance.random() < 0.01:  # a page that stood open for too long
            total -= chance.randrange(1, 500)
        address = Address(
            "NL",
            "Delft",
            f"26{chance.randrange(10, 99)} GX",
            chance.choice(STREETS),
            str(chance.randrange(1, 200)),
        )
        return CreateOrder(
            self.past.new_id(), customer.user_id, customer.account_id, tuple(items), address, total
        )

    def _put_right(self, order: CreateOrder, customer: Customer) -> None:
        """Fill up what is short, and give the customer a month's wages now and then."""
        for item in order.items:
            if self.past.stock(item.product_id).available < item.quantity:
                self.past.send(
                    AdjustStock(item.product_id, self.past.new_id(), 400, "delivery"), None
                )
        deposit = Deposit(customer.account_id, self.past.new_id(), order.total * 25)
        self.past.send(deposit, customer.user_id)
        if self._chance.random() < 0.05:
            withdrawal = Withdraw(customer.account_id, self.past.new_id(), 1_000)
            self.past.send(withdrawal, customer.user_id)


def generate(
    url: str, *, orders: int = 100_000, customers: int = 2_000, products: int = 200, seed: int = 1
) -> Generated:
    """Fill an empty, migrated database; the same seed makes the same story.

    The process manager has nothing left to do there; the read models still are to be filled, which
    the projector does when it runs. Raises ValueError when something is in the log already.
    """
    story = _Story(seed, orders, customers, products)
    with psycopg.connect(url) as connection, Progress(transient=True) as progress:
        if connection.execute("SELECT FROM stored_events LIMIT 1").rowcount:
            raise ValueError("The log is not empty.")
        task = progress.add_task("Generating", total=orders + 1)
        position = 0
        with connection.cursor().copy(
            "COPY stored_events (originator_id, originator_version, topic, state, notification_id,"
            " recorded_at) FROM STDIN (FORMAT binary)"
        ) as copy:
            copy.set_types(["uuid", "bigint", "text", "bytea", "bigint", "timestamptz"])
            for events in story.happen():
                for event, at in events:
                    position += 1
                    copy.write_row(
                        (event.stream_id, event.version, event.topic, event.state, position, at)
                    )
                progress.advance(task)
        connection.execute(
            "INSERT INTO notification_tracking VALUES (%s, %s)", (ProcessManager.name, position)
        )
        store_users(connection, story.customers)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE stored_events")
    return Generated(story.customers, story.product_ids, tuple(story.order_ids), position)


def store_users(connection: Connection, customers: Sequence[Customer]) -> None:
    """Let them sign in with `PASSWORD`."""
    password_hash = PasswordHasher().hash(PASSWORD)
    with connection.cursor().copy(
        "COPY users (user_id, email, email_key, name, role, password_hash, email_verified,"
        " account_id, opening_deposit, created_at) FROM STDIN"
    ) as copy:
        at = datetime.now(UTC) - timedelta(days=DAYS)
        for who in customers:
            known_as = (who.email, who.email, who.name, "USER", password_hash, True)
            copy.write_row((who.user_id, *known_as, who.account_id, OPENING_DEPOSIT, at))


def main(
    url: Annotated[str, typer.Argument(help="Of an empty database that `shop migrate` has made.")],
    orders: int = 100_000,
    seed: int = 1,
) -> None:
    """Fill a shop with customers, products and orders; the worker then fills the read models."""
    made = generate(url, orders=orders, seed=seed)
    first = made.customers[0]
    typer.echo(f"{made.events:,} events. Sign in as {first.email}, password {PASSWORD}.")


if __name__ == "__main__":
    typer.run(main)
