"""Customers of the baseline: threads of the process that runs its system, as runners need it."""

import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep
from typing import Self
from uuid import UUID, uuid4

from eventsourcing.projection import ApplicationSubscription
from eventsourcing.system import MultiThreadedRunner
from eventsourcing.utils import get_topic
from psycopg.conninfo import conninfo_to_dict

from benchmarks.baseline.place_order import Accounts, Item, Order, Orders, Stock, shop
from benchmarks.buyers import Bought

ADDRESS = {"country": "NL", "city": "Delft", "post_code": "2611 GX", "street": "Markt"}
PRODUCTS, CUSTOMERS = 100, 200


class Counter:
    """Takes orders, and hears of results by the library's subscription to the orders' events."""

    def __init__(self, runner: MultiThreadedRunner[UUID]) -> None:
        self._orders = runner.get(Orders)
        stock, accounts = runner.get(Stock), runner.get(Accounts)
        self._items = [
            Item(
                product_id=stock.list_product(f"Board {number}", 1_000 + number, 2**31),
                quantity=1,
                unit_price=1_000 + number,
            )
            for number in range(PRODUCTS)
        ]
        self._customers = [
            (owner, accounts.open_account(owner, 10**15))
            for owner in (uuid4() for _ in range(CUSTOMERS))
        ]
        self._waiting: dict[UUID, Future[float]] = {}
        self._subscription = ApplicationSubscription(
            self._orders,
            gt=self._orders.recorder.max_notification_id(),
            topics=[get_topic(Order.Completed), get_topic(Order.Failed)],
        )
        self._watcher = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._subscription.stop()
        self._watcher.join()

    def create(self) -> UUID:
        """An order of two products."""
        items = random.sample(self._items, 2)
        total = sum(item["unit_price"] * item["quantity"] for item in items)
        return self._orders.create_order(*random.choice(self._customers), items, ADDRESS, total)

    def place(self, order_id: UUID, placed: float) -> Bought:
        """Place it and wait for the result; `placed` is when that was meant to happen."""
        execution_id = uuid4()
        result = self._waiting[execution_id] = Future()
        self._orders.place_order(order_id, execution_id)
        return Bought(placed, result.result(timeout=60))

    def _watch(self) -> None:
        with self._subscription as subscription:
            for happened, _ in subscription:
                if isinstance(happened, Order.Completed | Order.Failed):
                    self._waiting.pop(happened.execution_id).set_result(monotonic())


@contextmanager
def running_baseline(url: str) -> Iterator[Counter]:
    """The whole system in this process, a thread for each application.

    Aggregates are cached and, as nobody else writes, not read again: that is the quickest of what
    the library offers. Its `NewMultiThreadedRunner` is quicker with one customer, but loses events
    with several.
    """
    found = conninfo_to_dict(url)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(found["dbname"]),
        "POSTGRES_HOST": str(found["host"]),
        "POSTGRES_USER": str(found["user"]),
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": "20",
        "AGGREGATE_CACHE_MAXSIZE": "1000",
        "AGGREGATE_CACHE_FASTFORWARD": "n",
    }
    runner = MultiThreadedRunner[UUID](shop, env=environment)
    with runner, Counter(runner) as counter:
        yield counter


def buy_without_pause(counter: Counter, buyers: int, end: float) -> list[Bought]:
    """`buyers` at once, each ordering again as soon as the result is there, until `end`."""
    bought: list[Bought] = []

    def buyer() -> None:
        while monotonic() < end:
            order_id = counter.create()
            bought.append(counter.place(order_id, monotonic()))

    threads = [Thread(target=buyer) for _ in range(buyers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bought


def buy_at_rate(counter: Counter, rate: float, seconds: float) -> list[Bought]:
    """`rate` orders a second, each placed at its time whether or not those before it are done."""
    orders = [counter.create() for _ in range(round(rate * seconds))]
    begin = monotonic()

    def buyer(number: int, order_id: UUID) -> Bought:
        due = begin + number / rate
        sleep(max(0.0, due - monotonic()))
        return counter.place(order_id, due)

    with ThreadPoolExecutor(len(orders)) as pool:
        return list(pool.map(buyer, range(len(orders)), orders))
