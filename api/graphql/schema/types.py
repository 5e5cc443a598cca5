"""The contract's types, made of read models' rows. Whoever makes one has checked who may see it.

What is in the row is a plain attribute: the executor reads it without a call. What needs another
statement is a method that asks a loader. These refer to each other, so they stand together.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.dataloaders.shared import TransactionsOf
from api.graphql.paging import ListOf, page_of
from api.graphql.schema.absent import absent_order, absent_user
from api.graphql.schema.connections import After, Before, Connection, First, Last, connection
from api.graphql.schema.enums import (
    ExecutionStatus,
    ExecutionStepType,
    OrderAction,
    OrderStatus,
    Role,
    TransactionReason,
    TransactionType,
)
from api.graphql.schema.fields import described, soon
from api.graphql.schema.node import Node
from api.graphql.schema.order_lists import OrderStatuses, orders_list, orders_of
from api.graphql.schema.order_parts import Address, ExecutionStep, OrderItem, Shipment
from api.graphql.schema.problems import Problem, problem_of
from api.ids import booking_id
from api.money import Currency, Money
from application.unit_of_work import Loaded
from domain.order import Order as OrderState
from infrastructure.identity.users import User as UserRow
from infrastructure.text import upright
from projections.accounts import AccountRow, TransactionRow
from projections.executions import ExecutionRow
from projections.orders import OrderRow

TRANSFERS = frozenset({"DEPOSIT", "WITHDRAWAL"})
CREDITS = frozenset({"OPENING_DEPOSIT", "DEPOSIT", "ORDER_REFUND", "RETURN_REFUND"})


@strawberry.type(description="Somebody with an account: a customer or an administrator.")
class User(Node):
    email: str = strawberry.field(
        description="The e-mail address, as its owner writes it; empty where the user was deleted."
    )
    name: str = strawberry.field(description="What the user wants to be called.")
    role: Role = strawberry.field(description="What the user may do.")
    email_verified: bool = strawberry.field(
        description="Whether the user has shown that the address is his or hers."
    )
    created_at: datetime = strawberry.field(description="When the user signed up.")

    @classmethod
    def of(cls, row: UserRow) -> "User":
        return cls(
            id=row.user_id,
            email=row.email,
            name=upright(row.name),
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

    @described("The user's orders, newest first.")
    async def orders(
        self,
        info: Info,
        status: OrderStatuses = strawberry.UNSET,
        *,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection["Order"]:
        page = page_of(orders_list(self.id), first, after, last, before)
        return await orders_of(info, page, self.id, status, Order.of)


@strawberry.type(description="A customer's money in the shop.")
class Account(Node):
    balance: Money = strawberry.field(description="What it holds now.")

    @classmethod
    def of(cls, row: AccountRow, currency: Currency) -> "Account":
        return cls(id=row.account_id, balance=currency.money(row.balance))

    @described("What came in and went out, newest first.")
    async def transactions(
        self,
        info: Info,
        *,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> Connection["Transaction"]:
        page = page_of(ListOf("transactions", self.id), first, after, last, before)
        loaders, currency = info.context.loaders, info.context.currency
        return await connection(
            page,
            lambda window: loaders.transaction_pages.load(TransactionsOf(self.id, window)),
            lambda row: row.position,
            lambda row: Transaction.of(row, currency),
            lambda: loaders.transaction_counts.load(self.id),
        )


@strawberry.type(description="A change of an account's balance.")
class Transaction(Node):
    type: TransactionType = strawberry.field(description="Whether money came in or went out.")
    reason: TransactionReason = strawberry.field(description="What it was for.")
    amount: Money = strawberry.field(description="Always positive; `type` gives the sign.")
    balance: Money = strawberry.field(description="The account's balance after it.")
    created_at: datetime = strawberry.field(description="When it was booked.")
    order_id: strawberry.Private[UUID | None]

    @classmethod
    def of(cls, row: TransactionRow, currency: Currency) -> "Transaction":
        return cls(
            id=row.transaction_id if row.reason in TRANSFERS else booking_id(row.position),
            type=TransactionType.CREDIT if row.reason in CREDITS else TransactionType.DEBIT,
            reason=TransactionReason[row.reason],
            amount=currency.money(row.amount),
            balance=currency.money(row.balance),
            created_at=row.at,
            order_id=row.order_id,
        )

    @described("The order that it pays, or that it gives the money back for; else null.")
    def order(self, info: Info) -> "Order | None":
        if self.order_id is None:
            return None
        context = info.context
        return soon(
            context.loaders.orders.load(self.order_id),
            lambda row: Order.of(row, context.currency) if row else None,
        )


@strawberry.type(description="What a customer wants to buy, or has bought.")
class Order(Node):
    number: int = strawberry.field(
        description="1, 2, 3 … in the order of creation: what people say on the telephone."
    )
    status: OrderStatus = strawberry.field(description="How far it is.")
    items: list[OrderItem] = strawberry.field(
        description="Its lines, in the order that the customer gave them."
    )
    shipping_address: Address = strawberry.field(description="Where it is to be shipped to.")
    total: Money = strawberry.field(description="What the customer was shown, and agreed to pay.")
    shipment: Shipment | None = strawberry.field(
        description="Its parcel; null until an execution has prepared it."
    )
    problem: Problem | None = strawberry.field(description="Why the last execution failed.")
    created_at: datetime = strawberry.field(description="When the customer created it.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    customer_id: strawberry.Private[UUID]
    # Set where the order is shown as it was; None where the executions are those of now.
    past_executions: strawberry.Private[Sequence[ExecutionRow] | None] = None

    @classmethod
    def of(cls, row: OrderRow, currency: Currency) -> "Order":
        address = Address.of(row.shipping_address)
        paid = {line["product_id"]: line["unit_price"] for line in row.receipt or ()}
        return cls(
            id=row.order_id,
            number=row.number,
            status=OrderStatus[row.status],
            items=[OrderItem.of(item, currency, paid) for item in row.items],
            shipping_address=address,
            total=currency.money(row.total),
            shipment=Shipment.of(row, address),
            problem=problem_of(row.problem, currency) if row.problem else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
            customer_id=row.customer_id,
        )

    @described("Whose it is. Of a user who was deleted, only the id is left.")
    def customer(self, info: Info) -> User:
        return soon(
            info.context.loaders.users.load(self.customer_id),
            lambda row: User.of(row or absent_user(self.customer_id)),
        )

    @described("What the caller may do with it now.")
    def allowed_actions(self, info: Info) -> list[OrderAction]:
        context = info.context
        if context.caller is None or context.caller.user_id != self.customer_id:
            return []
        return soon(context.loaders.order_states.load(self.id), _actions)

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


@strawberry.type(description="One attempt to place an order: a run of the saga that does it.")
class Execution(Node):
    name: str = strawberry.field(description="Chosen by the customer, unique per customer.")
    status: ExecutionStatus = strawberry.field(description="How far it is.")
    steps: list[ExecutionStep] = strawberry.field(
        description="What it has done and met with so far, in order."
    )
    problem: Problem | None = strawberry.field(description="Why it failed; null unless it has.")
    started_at: datetime = strawberry.field(description="When the order was placed.")
    finished_at: datetime | None = strawberry.field(
        description="When it succeeded or failed; null while it runs."
    )
    order_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, row: ExecutionRow, currency: Currency) -> "Execution":
        return cls(
            id=row.execution_id,
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
            customer_id=row.customer_id,
        )

    @described("The order that it places.")
    def order(self, info: Info) -> Order:
        return _order_of(info, self.order_id, self.customer_id, self.started_at)


@strawberry.type(description="How an execution ended.")
class OrderResult:
    execution_name: str = strawberry.field(description="The name of the execution.")
    status: OrderStatus = strawberry.field(
        description="What became of the order: COMPLETED, FAILED or CANCELLED."
    )
    problem: Problem | None = strawberry.field(description="Why it failed; null unless it has.")
    order_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]
    started_at: strawberry.Private[datetime]

    @classmethod
    def of(cls, row: ExecutionRow, currency: Currency) -> "OrderResult":
        """The result of an execution that has ended."""
        return cls(
            execution_name=row.name,
            status=_end_of(row),
            problem=problem_of(row.problem, currency) if row.problem else None,
            order_id=row.order_id,
            customer_id=row.customer_id,
            started_at=row.started_at,
        )

    @described("The order, as it is now.")
    def order(self, info: Info) -> Order:
        return _order_of(info, self.order_id, self.customer_id, self.started_at)


def _end_of(row: ExecutionRow) -> OrderStatus:
    if row.status == "SUCCEEDED":
        return OrderStatus.COMPLETED
    cancelled = row.problem is not None and row.problem["code"] == "CANCELLED"
    return OrderStatus.CANCELLED if cancelled else OrderStatus.FAILED


def _actions(order: Loaded) -> list[OrderAction]:
    state = order.state
    if not isinstance(state, OrderState):  # the event that created it was dropped
        return []
    return [
        OrderAction[action.value]
        for action in state.allowed_actions
        if action.value in OrderAction.__members__
    ]


def _order_of(info: Info, order_id: UUID, customer_id: UUID, placed_at: datetime) -> Order:
    context = info.context
    return soon(
        context.loaders.orders.load(order_id),
        lambda row: Order.of(
            row or absent_order(order_id, customer_id, placed_at), context.currency
        ),
    )
