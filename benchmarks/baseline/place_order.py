"""The place-order saga as the documentation of `eventsourcing` teaches it (tutorial, part 5).

Aggregates with `@event`, a process application each for orders, stock and accounts, and a system
that pipes them into one another. The steps and results are the shop's own: reserve every item,
check the price, charge, ship, complete; or else undo. Money is minor units.
"""

from collections.abc import Sequence
from typing import Any, TypedDict, cast
from uuid import UUID

from eventsourcing.application import ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.system import ProcessApplication, System
from eventsourcing.utils import get_topic, retry


class Item(TypedDict):
    """One product of an order; `unit_price` as the customer was shown it."""

    product_id: UUID
    quantity: int
    unit_price: int


class Order(Aggregate):
    """An order and, while it is placed, how far its saga has come."""

    class Created(Aggregate.Created):
        customer_id: UUID
        account_id: UUID
        items: list[Item]
        shipping_address: dict[str, str]
        total: int

    class Placed(Aggregate.Event):
        execution_id: UUID
        items: list[Item]

    class ItemReserved(Aggregate.Event):
        product_id: UUID
        price: int

    class ItemShort(Aggregate.Event):
        product_id: UUID
        requested: int
        available: int

    class PaymentRequested(Aggregate.Event):
        execution_id: UUID
        account_id: UUID
        amount: int

    class ShipmentPrepared(Aggregate.Event):
        execution_id: UUID

    class Completed(Aggregate.Event):
        execution_id: UUID
        product_ids: list[UUID]

    class Refused(Aggregate.Event):
        execution_id: UUID
        problem: dict[str, Any]
        product_ids: list[UUID]

    class ItemReleased(Aggregate.Event):
        product_id: UUID

    class Failed(Aggregate.Event):
        execution_id: UUID

    @event(Created)
    def __init__(
        self,
        customer_id: UUID,
        account_id: UUID,
        items: list[Item],
        shipping_address: dict[str, str],
        total: int,
    ):
        self.customer_id = customer_id
        self.account_id = account_id
        self.items = items
        self.shipping_address = shipping_address
        self.total = total
        self.status = "PENDING"
        self.execution_id: UUID | None = None
        self.reserved: dict[UUID, int] = {}
        self.short: list[dict[str, Any]] = []
        self.problem: dict[str, Any] | None = None

    def place(self, execution_id: UUID) -> None:
        if self.status not in ("PENDING", "FAILED"):
            raise ValueError(f"The order is {self.status}.")
        self._place(execution_id, self.items)

    @event(Placed)
    def _place(self, execution_id: UUID, items: list[Item]) -> None:
        self.status = "PLACED"
        self.execution_id = execution_id
        self.reserved = {}
        self.short = []
        self.problem = None

    @event(ItemReserved)
    def note_reserved(self, product_id: UUID, price: int) -> None:
        self.reserved[product_id] = price

    @event(ItemShort)
    def note_short(self, product_id: UUID, requested: int, available: int) -> None:
        self.short.append(
            {"product_id": product_id, "requested": requested, "available": available}
        )

    def decide(self) -> None:
        """Go on once every item was answered: ask for the money, or refuse."""
        if len(self.reserved) + len(self.short) < len(self.items):
            return
        calculated = sum(self.reserved.values())
        if self.short:
            self.refuse({"code": "PRODUCTS_UNAVAILABLE", "products": self.short})
        elif calculated != self.total:
            self.refuse(
                {"code": "WRONG_ORDER_PRICE", "provided": self.total, "calculated": calculated}
            )
        else:
            self._request_payment(cast("UUID", self.execution_id), self.account_id, self.total)

    @event(PaymentRequested)
    def _request_payment(self, execution_id: UUID, account_id: UUID, amount: int) -> None:
        pass

    def complete(self) -> None:
        execution_id = cast("UUID", self.execution_id)
        self._prepare_shipment(execution_id)
        self._complete(execution_id, list(self.reserved))

    @event(ShipmentPrepared)
    def _prepare_shipment(self, execution_id: UUID) -> None:
        pass

    @event(Completed)
    def _complete(self, execution_id: UUID, product_ids: list[UUID]) -> None:
        self.status = "COMPLETED"

    def refuse(self, problem: dict[str, Any]) -> None:
        self._refuse(cast("UUID", self.execution_id), problem, list(self.reserved))
        self.fail_when_undone()

    @event(Refused)
    def _refuse(self, execution_id: UUID, problem: dict[str, Any], product_ids: list[UUID]) -> None:
        self.problem = problem

    @event(ItemReleased)
    def note_released(self, product_id: UUID) -> None:
        del self.reserved[product_id]

    def fail_when_undone(self) -> None:
        if not self.reserved:
            self._fail(cast("UUID", self.execution_id))

    @event(Failed)
    def _fail(self, execution_id: UUID) -> None:
        self.status = "FAILED"


class Product(Aggregate):
    """What is in stock of one product, and who has reserved it."""

    class Listed(Aggregate.Created):
        name: str
        price: int
        on_hand: int

    class Reserved(Aggregate.Event):
        order_id: UUID
        execution_id: UUID
        quantity: int
        unit_price: int

    class Short(Aggregate.Event):
        order_id: UUID
        requested: int
        available: int

    class Released(Aggregate.Event):
        order_id: UUID
        execution_id: UUID

    class Shipped(Aggregate.Event):
        execution_id: UUID

    @event(Listed)
    def __init__(self, name: str, price: int, on_hand: int):
        self.name = name
        self.price = price
        self.on_hand = on_hand
        self.reservations: dict[UUID, int] = {}

    def reserve(self, order_id: UUID, execution_id: UUID, quantity: int) -> None:
        available = self.on_hand - sum(self.reservations.values())
        if quantity > available:
            self._refuse(order_id, quantity, available)
        else:
            self._reserve(order_id, execution_id, quantity, self.price)

    @event(Reserved)
    def _reserve(self, order_id: UUID, execution_id: UUID, quantity: int, unit_price: int) -> None:
        self.reservations[execution_id] = quantity

    @event(Short)
    def _refuse(self, order_id: UUID, requested: int, available: int) -> None:
        pass

    @event(Released)
    def release(self, order_id: UUID, execution_id: UUID) -> None:
        del self.reservations[execution_id]

    @event(Shipped)
    def ship(self, execution_id: UUID) -> None:
        self.on_hand -= self.reservations.pop(execution_id)


class Account(Aggregate):
    """A customer's money."""

    class Opened(Aggregate.Created):
        owner_id: UUID
        balance: int

    class Charged(Aggregate.Event):
        order_id: UUID
        execution_id: UUID
        amount: int

    class ChargeDeclined(Aggregate.Event):
        order_id: UUID
        required: int
        balance: int

    @event(Opened)
    def __init__(self, owner_id: UUID, balance: int):
        self.owner_id = owner_id
        self.balance = balance

    def charge(self, order_id: UUID, execution_id: UUID, amount: int) -> None:
        if amount > self.balance:
            self._decline(order_id, amount, self.balance)
        else:
            self._charge(order_id, execution_id, amount)

    @event(Charged)
    def _charge(self, order_id: UUID, execution_id: UUID, amount: int) -> None:
        self.balance -= amount

    @event(ChargeDeclined)
    def _decline(self, order_id: UUID, required: int, balance: int) -> None:
        pass


class Process(ProcessApplication[UUID]):
    """What the three share: an event is processed again where a command came in between."""

    @retry(IntegrityError, max_attempts=5, wait=0.01)
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        super().process_event(domain_event, tracking)


class Orders(Process):
    """Orders, and the saga's decisions."""

    topics = tuple(
        get_topic(cls)
        for cls in (
            Product.Reserved,
            Product.Short,
            Product.Released,
            Account.Charged,
            Account.ChargeDeclined,
        )
    )

    def create_order(
        self,
        customer_id: UUID,
        account_id: UUID,
        items: list[Item],
        shipping_address: dict[str, str],
        total: int,
    ) -> UUID:
        order = Order(customer_id, account_id, items, shipping_address, total)
        self.save(order)
        return order.id

    def place_order(self, order_id: UUID, execution_id: UUID) -> None:
        """Start the saga; the result is a `Completed` or a `Failed` of this execution."""
        order = self.get_order(order_id)
        order.place(execution_id)
        self.save(order)

    def get_order(self, order_id: UUID) -> Order:
        return self.repository.get(order_id)

    @singledispatchmethod
    def policy(self, domain_event: Any, processing_event: ProcessingEvent[UUID]) -> None:
        """What is not named below concerns no order."""

    @policy.register
    def _(self, fact: Product.Reserved, processing_event: ProcessingEvent[UUID]) -> None:
        order = self.get_order(fact.order_id)
        order.note_reserved(fact.originator_id, fact.quantity * fact.unit_price)
        order.decide()
        processing_event.collect_events(order)

    @policy.register
    def _(self, fact: Product.Short, processing_event: ProcessingEvent[UUID]) -> None:
        order = self.get_order(fact.order_id)
        order.note_short(fact.originator_id, fact.requested, fact.available)
        order.decide()
        processing_event.collect_events(order)

    @policy.register
    def _(self, fact: Account.Charged, processing_event: ProcessingEvent[UUID]) -> None:
        order = self.get_order(fact.order_id)
        order.complete()
        processing_event.collect_events(order)

    @policy.register
    def _(self, fact: Account.ChargeDeclined, processing_event: ProcessingEvent[UUID]) -> None:
        order = self.get_order(fact.order_id)
        order.refuse(
            {"code": "INSUFFICIENT_FUNDS", "balance": fact.balance, "required": fact.required}
        )
        processing_event.collect_events(order)

    @policy.register
    def _(self, fact: Product.Released, processing_event: ProcessingEvent[UUID]) -> None:
        order = self.get_order(fact.order_id)
        order.note_released(fact.originator_id)
        order.fail_when_undone()
        processing_event.collect_events(order)


class Stock(Process):
    """Products; all items of an order are answered in one transaction."""

    topics = tuple(get_topic(cls) for cls in (Order.Placed, Order.Completed, Order.Refused))

    def list_product(self, name: str, price: int, on_hand: int) -> UUID:
        product = Product(name, price, on_hand)
        self.save(product)
        return product.id

    def get_product(self, product_id: UUID) -> Product:
        return self.repository.get(product_id)

    def _all(self, product_ids: Sequence[UUID]) -> list[Product]:
        return [self.get_product(product_id) for product_id in product_ids]

    @singledispatchmethod
    def policy(self, domain_event: Any, processing_event: ProcessingEvent[UUID]) -> None:
        """What is not named below concerns no product."""

    @policy.register
    def _(self, fact: Order.Placed, processing_event: ProcessingEvent[UUID]) -> None:
        products = self._all([item["product_id"] for item in fact.items])
        for product, item in zip(products, fact.items, strict=True):
            product.reserve(fact.originator_id, fact.execution_id, item["quantity"])
        processing_event.collect_events(*products)

    @policy.register
    def _(self, fact: Order.Completed, processing_event: ProcessingEvent[UUID]) -> None:
        products = self._all(fact.product_ids)
        for product in products:
            product.ship(fact.execution_id)
        processing_event.collect_events(*products)

    @policy.register
    def _(self, fact: Order.Refused, processing_event: ProcessingEvent[UUID]) -> None:
        products = self._all(fact.product_ids)
        for product in products:
            product.release(fact.originator_id, fact.execution_id)
        processing_event.collect_events(*products)


class Accounts(Process):
    """Accounts and their charges."""

    topics = (get_topic(Order.PaymentRequested),)

    def open_account(self, owner_id: UUID, balance: int) -> UUID:
        account = Account(owner_id, balance)
        self.save(account)
        return account.id

    def get_account(self, account_id: UUID) -> Account:
        return self.repository.get(account_id)

    @singledispatchmethod
    def policy(self, domain_event: Any, processing_event: ProcessingEvent[UUID]) -> None:
        """What is not named below concerns no account."""

    @policy.register
    def _(self, fact: Order.PaymentRequested, processing_event: ProcessingEvent[UUID]) -> None:
        account = self.get_account(fact.account_id)
        account.charge(fact.originator_id, fact.execution_id, fact.amount)
        processing_event.collect_events(account)


shop = System(pipes=[[Orders, Stock, Orders], [Orders, Accounts, Orders]])
