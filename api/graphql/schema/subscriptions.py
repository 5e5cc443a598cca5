"""What clients follow: the state first, then every change of it.

Each begins to listen before it reads, so that nothing falls between the two; what changes several
times before a slow client has taken it is sent once, as it is then.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import time_ns
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types.field import StrawberryField

from api.graphql.context import Context, Info
from api.graphql.errors import BadUserInput
from api.graphql.schema.order_parts import ExecutionStep
from api.graphql.schema.products import Product
from api.graphql.schema.results import own_account
from api.graphql.schema.scalars import given, uuid_of
from api.graphql.schema.types import Account, Execution, OrderResult
from api.validation import Check
from infrastructure.ids import execution_id
from projections.accounts import TransactionRow, transactions_after
from projections.executions import ExecutionRow
from projections.products import ProductRow

MOST_IDS = 1_000
MOST_AT_ONCE = 1_000


def _followed(description: str) -> Callable[[Callable[..., Any]], StrawberryField]:
    """A decorator with a type, which `strawberry.subscription(description=…)` has not."""
    return lambda resolver: strawberry.subscription(resolver, description=description)


ExecutionName = Annotated[
    str, strawberry.argument(description="What the caller has called the execution, or will.")
]


@strawberry.type(
    description="What can be followed: the state first, then every change of it, as it happens."
)
class Subscription:
    @_followed(
        "The result of the caller's execution of that name: one message, then complete."
        " It may be asked for before the order is placed, while the saga runs, or after it ended"
        " (the answer then comes at once): a client that was cut off asks again and misses nothing."
    )
    async def order_result(
        self, info: Info, execution_name: ExecutionName
    ) -> AsyncGenerator[OrderResult]:
        async with aclosing(_states(info.context, execution_name)) as states:
            async for row in states:
                if row.finished_at is not None:
                    began = time_ns()
                    yield OrderResult.of(row, info.context.currency)
                    if info.context.tracer is not None:  # by now the client has it
                        info.context.tracer.step(row.execution_id, "push", began)

    @_followed(
        "Each step of the caller's execution: those so far, then the others as they"
        " happen, complete at the end."
    )
    async def order_progress(
        self, info: Info, execution_name: ExecutionName
    ) -> AsyncGenerator[ExecutionStep]:
        sent = 0
        async with aclosing(_states(info.context, execution_name)) as states:
            async for row in states:
                steps = Execution.of(row, info.context.currency).steps
                for step in steps[sent:]:
                    yield step
                sent = len(steps)

    @_followed(
        "For everybody. Price, stock or description changed. All products where no ids are given."
    )
    async def product_changed(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(
                description="The products to follow, at most 1,000; all where it is null or left"
                " out."
            ),
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[Product]:
        context = info.context
        sent = dict[UUID, ProductRow]()
        with context.follower.changes("product", _product_ids(given(ids))) as changes:
            async for product_id in changes:
                row = await context.rows.products.load(product_id)
                if row is None or row == sent.get(product_id):
                    continue
                yield Product.of(row, context.currency)
                if len(sent) >= MOST_IDS:
                    sent.clear()  # the worst that can happen is that something is sent twice
                sent[product_id] = row

    @_followed("The caller's account, at every change of its balance.")
    async def account_changed(self, info: Info) -> AsyncGenerator[Account]:
        context = info.context
        account_id = await own_account(context)
        row = await context.rows.accounts.load(account_id)
        sent, balance = (row.position, row.balance) if row else (0, None)
        history = context.follower.history
        with context.follower.changes("account", [account_id]) as changes:
            changes.add(account_id)  # for what has come since it was read
            async for _ in changes:
                if history != context.follower.history:  # positions count anew
                    history = context.follower.history
                    row = await context.rows.accounts.load(account_id)
                    if row is not None:
                        yield Account.of(row, context.currency)
                        sent, balance = row.position, row.balance
                # Several may have come at once: each is told, with the balance after it.
                for entry in await _entries(context, account_id, sent):
                    yield Account(id=account_id, balance=context.currency.money(entry.balance))
                    sent, balance = entry.position, entry.balance
                # A mended past may change what it comes to without a new entry.
                row = await context.rows.accounts.load(account_id)
                if row is not None and row.position <= sent and row.balance != balance:
                    yield Account.of(row, context.currency)
                    balance = row.balance


async def _entries(context: Context, account_id: UUID, after: int) -> list[TransactionRow]:
    async with context.pool.connection() as connection:
        return await transactions_after(connection, account_id, after, MOST_AT_ONCE)


async def _states(context: Context, name: str) -> AsyncGenerator[ExecutionRow]:
    """The caller's execution as it is, if it is, then after each change; the last has ended."""
    check = Check(context.currency.digits)
    check.execution_name("executionName", name)
    for path, text in check.problems:
        raise BadUserInput(f"`{path}`: {text}")
    run = execution_id(context.user().user_id, name)
    with context.follower.changes("execution", [run]) as changes:
        row = await context.rows.executions.load(run)
        if row is not None:
            yield row
        if row is None or row.finished_at is None:
            async for _ in changes:
                row = await context.rows.executions.load(run)
                if row is not None:
                    yield row
                    if row.finished_at is not None:
                        break


def _product_ids(ids: list[strawberry.ID] | None) -> frozenset[UUID] | None:
    if ids is not None and len(ids) > MOST_IDS:
        raise BadUserInput(f"`ids` must hold at most {MOST_IDS:,}.")
    return None if ids is None else frozenset(map(uuid_of, ids))
