"""What customers do with their own money."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Context, Info
from api.graphql.schema.problems import (
    ConflictProblem,
    InsufficientFundsProblem,
    ValidationProblem,
    insufficient_funds,
)
from api.graphql.schema.results import (
    client_id,
    conflict,
    found,
    invalid,
    invalid_of,
    own_account,
    send,
)
from api.graphql.schema.scalars import given
from api.graphql.schema.types import Account, Transaction
from api.validation import Check
from domain.commands import Deposit, Withdraw
from domain.errors import BalanceTooLow, Conflict, Invalid
from infrastructure.command_handling.dispatcher import idempotency_key
from infrastructure.ids import new_id
from projections.accounts import transaction_at, transaction_by_id


@strawberry.input
class MoneyTransferInput:
    amount: Decimal = strawberry.field(description="Greater than 0.")
    id: strawberry.ID | None = strawberry.UNSET


@strawberry.type
class AccountPayload:
    account: Account
    transaction: Transaction


DepositResult = Annotated[
    AccountPayload | ValidationProblem | ConflictProblem, strawberry.union("DepositResult")
]
WithdrawResult = Annotated[
    AccountPayload | ValidationProblem | InsufficientFundsProblem | ConflictProblem,
    strawberry.union("WithdrawResult"),
]


@strawberry.type
class AccountMutations:
    @strawberry.field
    async def deposit(self, info: Info, input: MoneyTransferInput) -> DepositResult:
        return await _transfer(info.context, input, Deposit)

    @strawberry.field
    async def withdraw(self, info: Info, input: MoneyTransferInput) -> WithdrawResult:
        try:
            return await _transfer(info.context, input, Withdraw)
        except BalanceTooLow as error:
            return insufficient_funds(error.balance, error.required, info.context.currency)


async def _transfer(
    context: Context,
    input: MoneyTransferInput,
    command: Callable[[UUID, UUID, int], Deposit | Withdraw],
) -> AccountPayload | ValidationProblem | ConflictProblem:
    """Raises BalanceTooLow."""
    user_id = context.user().user_id
    check = Check(context.currency.digits)
    amount = check.amount("amount", input.amount, positive=True)
    transfer_id = client_id(input.id) or new_id()
    if check.problems:
        return invalid(check.problems)
    account_id = await own_account(context)
    transfer = command(account_id, transfer_id, amount)
    key = idempotency_key(account_id, transfer_id, type(transfer).__name__, amount)
    try:
        dispatched = await send(context, transfer, key=key if given(input.id) else None)
    except Invalid as error:
        return invalid_of(error)
    except Conflict as error:
        return conflict(error)
    async with context.pool.connection() as connection:
        transaction = await transaction_at(connection, account_id, dispatched.position)
        if transaction is None or transaction.transaction_id != transfer_id:
            transaction = await transaction_by_id(connection, account_id, transfer_id)
    account = found(await context.loaders.accounts.load(user_id))
    return AccountPayload(
        account=Account.of(account, context.currency),
        transaction=Transaction.of(found(transaction), context.currency),
    )
