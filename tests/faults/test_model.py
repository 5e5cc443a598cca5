"""The whole shop below its API against what must always be true, in stories that hypothesis makes
up: customers, administrators, and runners that die at any statement."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from psycopg import Connection
from psycopg.pq import TransactionStatus

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
    Withdraw,
)
from domain.errors import DomainError
from domain.recorded import Origin
from domain.values import Address, OrderItem
from infrastructure.command_handling.dispatcher import Dispatched, Dispatcher, idempotency_key
from infrastructure.consumers.runner import Consumer
from infrastructure.event_store.appender import Writer
from infrastructure.event_store.store import IdempotencyKey
from infrastructure.ids import execution_id, new_id
from infrastructure.postgres.connections import async_pool
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.conftest import copy_of
from tests.faults.checks import faults
from tests.infrastructure.interrupted import (
    crash,
    interrupted,
    run,
    run_until_crash,
    runs_to_its_end,
)

HIDE: LiteralString = (
    "UPDATE stored_events SET topic = 'Unheard' WHERE originator_id = %s AND originator_version = 1"
)
SHOW: LiteralString = (
    "UPDATE stored_events SET topic = 'ProductListed'"
    " WHERE originator_id = %s AND originator_version = 1"
)
RETRY: LiteralString = "UPDATE parked_events SET retry_at = clock_timestamp()"
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "1")
MONEY = st.integers(1, 100_00)
# A statement at which the runner dies; most stories are over before the higher ones.
STATEMENTS = st.integers(0, 40) | st.none()


@dataclass(frozen=True)
class Order:
    """An order as its customer knows it."""

    order_id: UUID
    customer_id: UUID


class Shop(RuleBasedStateMachine):
    """Everything that people do goes through the dispatcher, as from the API."""

    products = Bundle("products")
    customers = Bundle("customers")
    orders = Bundle("orders")
    done = Bundle("done")

    def __init__(self, server: str, template: str) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.url = self._stack.enter_context(copy_of(template, server))
        self._loop = self._stack.enter_context(asyncio.Runner())
        self._open = self._loop.run(self._connect())
        self.prices: dict[UUID, int] = {}
        self.created: list[UUID] = []
        self.executions: list[UUID] = []

    async def _connect(self) -> tuple[Any, Writer, Dispatcher]:
        pool = async_pool(self.url, "model", size=1)
        await pool.open()
        writer = await Writer(self.url).__aenter__()
        return pool, writer, Dispatcher(pool, writer)

    def send(self, command: Command, key: IdempotencyKey | None = None) -> Dispatched | None:
        """What came of it; None where it was refused."""
        dispatcher = self._open[2]
        origin = Origin(None, key.key if key else new_id(), "model")
        try:
            return self._loop.run(dispatcher.dispatch(command, origin=origin, key=key))
        except DomainError:
            return None

    def done_once(self, command: Command, key: IdempotencyKey) -> Any:
        """What can be sent again and must change nothing then."""
        return (command, key) if self.send(command, key) else multiple()

    @initialize(target=customers)
    def ada(self) -> tuple[UUID, UUID]:
        return self.sign_up(100_00)

    @initialize(target=products)
    def board(self) -> UUID:
        return self.list_product(10_00, 3)

    @initialize(target=orders)
    def first_order(self) -> Any:
        wanted = {self.list_product(10_00, 3): 2}
        return self.new_order(self.sign_up(100_00), wanted, 0, at_once=True)

    @rule(target=customers, money=MONEY)
    def another_customer(self, money: int) -> tuple[UUID, UUID]:
        return self.sign_up(money)

    @rule(target=products, price=st.integers(1, 50_00), quantity=st.integers(0, 6))
    def another_product(self, price: int, quantity: int) -> UUID:
        return self.list_product(price, quantity)

    def sign_up(self, money: int) -> tuple[UUID, UUID]:
        owner, account = new_id(), new_id()
        assert self.send(OpenAccount(account, owner, money))
        return owner, account

    def list_product(self, price: int, quantity: int) -> UUID:
        product = new_id()
        assert self.send(ListProduct(product, "Board", "/b.svg", price, quantity))
        self.prices[product] = price
        return product

    @rule(product=products, price=st.integers(1, 50_00))
    def reprice(self, product: UUID, price: int) -> None:
        if self.send(ChangeProduct(product, price=price)):
            self.prices[product] = price

    @rule(product=products)
    def discontinue(self, product: UUID) -> None:
        self.send(DiscontinueProduct(product))

    @rule(target=done, product=products, by=st.integers(-4, 4).filter(bool))
    def restock(self, product: UUID, by: int) -> Any:
        adjustment = new_id()
        key = idempotency_key(product, adjustment, by)
        return self.done_once(AdjustStock(product, adjustment, by, "counted"), key)

    @rule(target=done, customer=customers, amount=MONEY)
    def deposit(self, customer: tuple[UUID, UUID], amount: int) -> Any:
        transfer = new_id()
        key = idempotency_key(customer[1], transfer, amount)
        return self.done_once(Deposit(customer[1], transfer, amount), key)

    @rule(target=done, customer=customers, amount=MONEY)
    def withdraw(self, customer: tuple[UUID, UUID], amount: int) -> Any:
        transfer = new_id()
        key = idempotency_key(customer[1], transfer, amount)
        return self.done_once(Withdraw(customer[1], transfer, amount), key)

    @rule(
        target=orders,
        customer=customers,
        lines=st.lists(st.tuples(products, st.integers(1, 3)), min_size=1, max_size=3),
        wrong=st.sampled_from([0, 0, 0, 1]),
    )
    def create(self, customer: tuple[UUID, UUID], lines: list[tuple[UUID, int]], wrong: int) -> Any:
        return self.new_order(customer, dict(lines), wrong)

    @rule(target=orders, customer=customers, product=products, quantity=st.integers(1, 3))
    def buy(self, customer: tuple[UUID, UUID], product: UUID, quantity: int) -> Any:
        return self.new_order(customer, {product: quantity}, 0, at_once=True)

    @rule(target=done, order=orders)
    def place(self, order: Order) -> Any:
        return self.begin(order)

    def new_order(
        self,
        customer: tuple[UUID, UUID],
        wanted: dict[UUID, int],
        wrong: int,
        *,
        at_once: bool = False,
    ) -> Order:
        items = tuple(
            OrderItem(product, "Board", "/b.svg", self.prices[product], quantity)
            for product, quantity in wanted.items()
        )
        total = sum(item.unit_price * item.quantity for item in items) + wrong
        order = Order(new_id(), customer[0])
        assert self.send(CreateOrder(order.order_id, *customer, items, ADDRESS, total))
        self.created.append(order.order_id)
        if at_once:
            self.begin(order)
        return order

    def begin(self, order: Order) -> Any:
        name = str(new_id())
        run = execution_id(order.customer_id, name)
        key = IdempotencyKey(run, order.order_id.bytes)
        sent = self.done_once(PlaceOrder(order.order_id, run, name), key)
        if isinstance(sent, tuple):
            self.executions.append(order.order_id)
        return sent

    @rule(order=orders)
    def cancel(self, order: Order) -> None:
        self.send(CancelOrder(order.order_id))

    @rule(sent=done)
    def send_again(self, sent: tuple[Command, IdempotencyKey]) -> None:
        again = self.send(*sent)
        assert again is not None
        assert again.duplicate

    @rule(
        stop_at=STATEMENTS,
        hops=st.sampled_from([1, 1, 1, 2, 0]),
        late=st.sampled_from([False, False, False, True]),
        frozen=st.booleans(),
    )
    def run_sagas(self, stop_at: int | None, hops: int, late: bool, frozen: bool) -> None:
        """At the statement it is killed, or freezes until another one has done everything."""
        limit = timedelta(seconds=-1 if late else 60)

        def make() -> ProcessManager:
            return ProcessManager(hops=hops, batch=3, time_limit=limit)

        def another_one_does_it_all(connection: Connection) -> None:
            if connection.info.transaction_status is not TransactionStatus.IDLE:
                connection.close()  # as a standby does, who would wait for its locks
            run(self.url, make())

        with interrupted(stop_at, another_one_does_it_all if frozen else crash):
            runs_to_its_end(self.url, make())

    @rule(
        product=products,
        crash_at=STATEMENTS,
        late=st.booleans(),
        retried=st.booleans(),
    )
    def run_sagas_while_a_product_cannot_be_read(
        self, product: UUID, crash_at: int | None, late: bool, retried: bool
    ) -> None:
        self.execute(HIDE, product)
        self.run_sagas(crash_at, 1, late, frozen=False)
        self.execute(SHOW, product)
        if retried:
            self.execute(RETRY)

    def execute(self, statement: LiteralString, *parameters: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement, parameters)

    @rule(crash_at=STATEMENTS)
    def fill_read_models(self, crash_at: int | None) -> None:
        self.run(lambda: Projector(batch=5), crash_at)

    def run(self, make: Callable[[], Consumer], crash_at: int | None) -> None:
        run_until_crash(self.url, make, crash_at)

    @invariant()
    def nothing_is_wrong_yet(self) -> None:
        found = faults(self.url, settled=False, created=self.created, placed=self.executions)
        assert not found, found

    def teardown(self) -> None:
        try:
            self.execute(RETRY)
            self.run(ProcessManager, None)
            self.run(Projector, None)
            found = faults(self.url, created=self.created, placed=self.executions)
            assert not found, found
        finally:
            self._loop.run(self._close())
            self._stack.close()

    async def _close(self) -> None:
        pool, writer, _ = self._open
        await writer.__aexit__()
        await pool.close()


def test_whatever_people_do_and_runners_suffer_money_and_stock_agree(
    postgres_server: str, migrated_template: str
) -> None:
    class OnThisServer(Shop):
        def __init__(self) -> None:
            super().__init__(postgres_server, migrated_template)

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
