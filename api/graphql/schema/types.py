"""The contract's types, made of read models' rows. Whoever makes one has checked who may see it.

What is in the row is a plain attribute: the executor reads it without a call. What needs another
statement is a method that asks a loader. All of them refer to each other, so they stand together.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import strawberry

from api.graphql.context import Context, Info
from api.graphql.dataloaders.batching import Asked
from api.graphql.dataloaders.shared import OrdersCount, OrdersOf, TransactionsOf
from api.graphql.schema.connections import Connection, Page, connection, page_of
from api.graphql.schema.enums import (
    ExecutionStatus,
    ExecutionStepType,
    OrderStatus,
    Role,
    TransactionReason,
    TransactionType,
)
from api.graphql.schema.fields import described, selected_below, soon
from api.graphql.schema.problems import Problem, problem_of
from api.graphql.schema.scalars import given
from api.money import Currency, Money
from infrastructure.identity.users import User as UserRow
from projections.accounts import AccountRow, TransactionRow
from projections.executions import ExecutionRow
from projections.orders import OrderRow
from projections.products import ProductRow

Row = TypeVar("Row")

CREDITS = frozenset({"OPENING_DEPOSIT", "DEPOSIT", "ORDER_REFUND"})


@strawberry.type
class User:
    id: UUID
    email: str
    name: str
    role: Role
    email_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, row: UserRow) -> "User":
        return cls(
            id=row.user_id,
            email=row.email,
            name=row.name,
            role=Role[row.role],
            email_verified=row.email_verified,
            created_at=row.created_at,
        )

    @described("Null until the e-mail address is verified: verification opens the account.")
    def account(self, info: Info) -> "Account | None":
        context = info.context
        return soon(
            context.loaders.accounts.load(self.id),
            lambda row: Account.of(row, context.currency) if row else None,
        )

    @strawberry.field
    async def orders(
        self,
        info: Info,
        status: list[OrderStatus] | None = strawberry.UNSET,
        first: int | None = 20,
        after: str | None = strawberry.UNSET,
    ) -> Connection["Order"]:
        return await orders_of(info, self.id, status, first, after)


@strawberry.type
class Session:
    access_token: str = strawberry.field(
        description="JWT, sent as `Authorization: Bearer …`, and as `authorization` in a"
        " websocket's connection_init payload."
    )
    access_token_expires_at: datetime
    refresh_token: str = strawberry.field(
        description="Opaque, single use: refreshing answers with the next one; using an old one"
        " again revokes the whole session."
    )
    user: User


@strawberry.type
class Account:
    id: UUID
    balance: Money

    @classmethod
    def of(cls, row: AccountRow, currency: Currency) -> "Account":
        return cls(id=row.account_id, balance=currency.money(row.balance))

    @described("Newest first.")
    async def transactions(
        self, info: Info, first: int | None = 20, after: str | None = strawberry.UNSET
    ) -> Connection["Transaction"]:
        page = page_of(first, after)
        context = info.context
        return connection(
            await context.loaders.transaction_pages.load(TransactionsOf(self.id, page)),
            page,
            lambda row: row.position,
            lambda row: Transaction.of(row, context.currency),
            lambda: context.loaders.transaction_counts.load(self.id),
        )


@strawberry.type
class Transaction:
    id: UUID
    type: TransactionType
    reason: TransactionReason
    amount: Money = strawberry.field(description="Always positive; `type` gives the sign.")
    balance: Money = strawberry.field(description="The balance after it.")
    created_at: datetime
    order_id: strawberry.Private[UUID | None]

    @classmethod
    def of(cls, row: TransactionRow, currency: Currency) -> "Transaction":
        return cls(
            id=row.transaction_id,
            type=TransactionType.CREDIT if row.reason in CREDITS else TransactionType.DEBIT,
            reason=TransactionReason[row.reason],
            amount=currency.money(row.amount),
            balance=currency.money(row.balance),
            created_at=row.at,
            order_id=row.order_id,
        )

    @strawberry.field
    def order(self, info: Info) -> "Order | None":
        return None if self.order_id is None else order_of(info.context, self.order_id)


@strawberry.type
class Product:
    id: UUID
    name: str
    image_url: str
    price: Money
    available: int = strawberry.field(
        description="On hand and not reserved: what can be ordered now."
    )
    discontinued: bool
    created_at: datetime
    row: strawberry.Private[ProductRow]

    @classmethod
    def of(cls, row: ProductRow, currency: Currency) -> "Product":
        return cls(
            id=row.product_id,
            name=row.name,
            image_url=row.image_url,
            price=currency.money(row.price),
            available=row.available,
            discontinued=row.discontinued,
            created_at=row.created_at,
            row=row,
        )

    @described("For administrators.")
    def stock(self, info: Info) -> "Stock":
        info.context.admin()
        return Stock(
            on_hand=self.row.on_hand, reserved=self.row.reserved, available=self.row.available
        )


@strawberry.type
class Stock:
    on_hand: int
    reserved: int
    available: int


@strawberry.type
class Address:
    country: str
    city: str
    post_code: str
    street: str
    house_number: str
    local_number: str | None


@strawberry.type
class Shipment:
    id: UUID
    address: Address
    prepared_at: datetime


@strawberry.type
class OrderItem:
    product_id: strawberry.ID
    product_name: str = strawberry.field(
        description="As it was when the order was created, like the image and the price."
    )
    image_url: str
    unit_price: Money
    quantity: int

    @classmethod
    def of(cls, item: dict[str, Any], currency: Currency) -> "OrderItem":
        return cls(
            product_id=item["product_id"],
            product_name=item["name"],
            image_url=item["image_url"],
            unit_price=currency.money(item["unit_price"]),
            quantity=item["quantity"],
        )

    @strawberry.field
    def subtotal(self) -> Money:
        price = self.unit_price
        return Money(amount=price.amount * self.quantity, currency=price.currency)

    @described("The product as it is now.")
    def product(self, info: Info) -> Product | None:
        context = info.context
        return soon(
            context.loaders.products.load(UUID(self.product_id)),
            lambda row: Product.of(row, context.currency) if row else None,
        )


@strawberry.type
class Order:
    id: UUID
    status: OrderStatus
    items: list[OrderItem]
    shipping_address: Address
    total: Money
    shipment: Shipment | None
    problem: Problem | None = strawberry.field(description="Why the last execution failed.")
    created_at: datetime
    updated_at: datetime
    customer_id: strawberry.Private[UUID]
    # Set where the order is shown as it was; None where the executions are those of now.
    past_executions: strawberry.Private[Sequence[ExecutionRow] | None] = None

    @classmethod
    def of(cls, row: OrderRow, currency: Currency) -> "Order":
        address = Address(**row.shipping_address)
        return cls(
            id=row.order_id,
            status=OrderStatus[row.status],
            items=[OrderItem.of(item, currency) for item in row.items],
            shipping_address=address,
            total=currency.money(row.total),
            shipment=_shipment(row, address),
            problem=problem_of(row.problem, currency) if row.problem else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
            customer_id=row.customer_id,
        )

    @strawberry.field
    def customer(self, info: Info) -> User:
        return soon(
            info.context.loaders.users.load(self.customer_id),
            lambda row: User.of(present(row, self.customer_id)),
        )

    @described("Every time that the order was placed, newest first.")
    def executions(self, info: Info) -> list["Execution"]:
        context = info.context
        if self.past_executions is not None:
            newest_first = sorted(self.past_executions, key=lambda row: -row.started_position)
            return [Execution.of(row, context.currency) for row in newest_first]
        return soon(
            context.loaders.executions.load(self.id),
            lambda rows: [Execution.of(row, context.currency) for row in rows],
        )


def _shipment(row: OrderRow, address: Address) -> Shipment | None:
    if row.shipment_id is None or row.shipment_prepared_at is None:
        return None
    return Shipment(id=row.shipment_id, address=address, prepared_at=row.shipment_prepared_at)


@strawberry.type
class ExecutionStep:
    execution_name: str
    number: int = strawberry.field(description="1, 2, 3 … within the execution.")
    type: ExecutionStepType
    product_id: strawberry.ID | None = strawberry.field(
        description="Set where the step is about one product."
    )
    at: datetime


@strawberry.type
class Execution:
    name: str = strawberry.field(description="Chosen by the customer, unique per customer.")
    status: ExecutionStatus
    steps: list[ExecutionStep]
    problem: Problem | None
    started_at: datetime
    finished_at: datetime | None
    order_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, row: ExecutionRow, currency: Currency) -> "Execution":
        return cls(
            name=row.name,
            status=ExecutionStatus[row.status],
            steps=[
                ExecutionStep(
                    execution_name=row.name,
                    number=number,
                    type=ExecutionStepType[step["type"]],
                    product_id=step["product_id"],
                    at=datetime.fromisoformat(step["at"]),
                )
                for number, step in enumerate(row.steps, 1)
            ],
            problem=problem_of(row.problem, currency) if row.problem else None,
            started_at=row.started_at,
            finished_at=row.finished_at,
            order_id=row.order_id,
        )

    @strawberry.field
    def order(self, info: Info) -> Order:
        return order_of(info.context, self.order_id)


@strawberry.type(description="How an execution ended.")
class OrderResult:
    execution_name: str
    status: OrderStatus = strawberry.field(description="COMPLETED or FAILED.")
    problem: Problem | None
    order_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, row: ExecutionRow, currency: Currency) -> "OrderResult":
        """The result of an execution that has ended."""
        succeeded = row.status == "SUCCEEDED"
        return cls(
            execution_name=row.name,
            status=OrderStatus.COMPLETED if succeeded else OrderStatus.FAILED,
            problem=problem_of(row.problem, currency) if row.problem else None,
            order_id=row.order_id,
        )

    @strawberry.field
    def order(self, info: Info) -> Order:
        return order_of(info.context, self.order_id)


def order_of(context: Context, order_id: UUID) -> Order:
    """The order that an execution or a transaction is of; see `soon`."""
    return soon(
        context.loaders.orders.load(order_id),
        lambda row: Order.of(present(row, order_id), context.currency),
    )


async def orders_of(
    info: Info,
    customer_id: UUID,
    status: list[OrderStatus] | None,
    first: int | None,
    after: str | None,
) -> Connection[Order]:
    """A page of one customer's orders. Raises BadUserInput."""
    context, page, statuses = info.context, page_of(first, after), values_of(status)
    rows = await context.loaders.order_pages.load(OrdersOf(customer_id, statuses, page))
    counted = OrdersCount(customer_id, statuses)
    return await orders_connection(
        info, rows, page, lambda: context.loaders.order_counts.load(counted)
    )


async def orders_connection(
    info: Info, rows: Sequence[OrderRow], page: Page, count: Callable[[], Awaitable[int]]
) -> Connection[Order]:
    """A page of orders, with what is selected of them all already asked for at once."""
    loaders, names = info.context.loaders, selected_below(info)
    needed: list[Asked[Any]] = []
    if "order" in names:
        loaders.orders.prime({row.order_id: row for row in rows})
    if "executions" in names:
        needed += [loaders.executions.load(row.order_id) for row in rows]
    if "customer" in names:
        needed += [loaders.users.load(row.customer_id) for row in rows]
    if "product" in names:
        needed += [
            loaders.products.load(UUID(item["product_id"])) for row in rows for item in row.items
        ]
    for asked in needed:
        await asked
    currency = info.context.currency
    return connection(
        rows, page, lambda row: row.created_position, lambda row: Order.of(row, currency), count
    )


def present(row: Row | None, id: UUID) -> Row:
    """The row, which must be there: something else that was recorded names it."""
    if row is None:
        raise LookupError(f"There is nothing of the id {id}.")
    return row


def values_of(members: Sequence[Enum] | None) -> tuple[str, ...] | None:
    """The members as the read models hold them; None, or an argument left out, is all."""
    members = given(members)
    return None if members is None else tuple(member.value for member in members)
