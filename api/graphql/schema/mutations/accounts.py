"""What customers do with their own money."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid5

import strawberry

from api.graphql.context import Context, Info
from api.graphql.schema.fields import described
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
from api.graphql.schema.types import Account, Transaction
from api.validation import Check
from domain.commands import Deposit, Withdraw
from domain.errors import BalanceTooLow, Conflict, Invalid
from infrastructure.command_handling.dispatcher import idempotency_key
from infrastructure.ids import new_id
from projections.accounts import transaction_at, transaction_by_id


@strawberry.input(description="Money to be brought to the shop, or taken from it.")
class MoneyTransferInput:
    amount: Decimal = strawberry.field(
        description="Greater than 0, in the shop's currency, with at most its digits."
    )
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A new UUID of the client's own for the transaction, which makes it safe to"
        " send this again. Where something else has it already, the transaction gets another.",
    )


@strawberry.type(description="The money was booked.")
class AccountPayload:
    account: Account = strawberry.field(description="The account as it is now.")
    transaction: Transaction = strawberry.field(description="What was booked.")


DepositResult = Annotated[
    AccountPayload | ValidationProblem | ConflictProblem,
    strawberry.union("DepositResult", description="The deposit, or why there is none."),
]
WithdrawResult = Annotated[
    AccountPayload | ValidationProblem | InsufficientFundsProblem | ConflictProblem,
    strawberry.union("WithdrawResult", description="The withdrawal, or why there is none."),
]
Transfer = Annotated[
    MoneyTransferInput, strawberry.argument(description="How much, and under which id.")
]


@strawberry.type
class AccountMutations:
    @described("Puts money into the caller's account.")
    async def deposit(self, info: Info, input: Transfer) -> DepositResult:
        return await _transfer(info.context, input, Deposit)

    @described("Takes money out of the caller's account, as far as there is some.")
    async def withdraw(self, info: Info, input: Transfer) -> WithdrawResult:
        try:
            return await _transfer(info.context, input, Withdraw)
        except BalanceTooLow as error:
            return insufficient_funds(error.balance, error.required, info.context.currency)


async def _own_id(context: Context, account_id: UUID, brought: UUID) -> UUID:
    """The id that the client has brought, or where something else has it, such as another
    customer's transfer, one that is derived from it: always the same."""
    match await context.rows.kinds.load(brought):
        case None:
            return brought
        case "transfer":
            known = await context.rows.transfers.load(brought)
            if any(row.account_id == account_id for row in known):
                return brought
        case _:
            pass
    return uuid5(account_id, str(brought))


async def _transfer(
    context: Context,
    input: MoneyTransferInput,
    command: type[Deposit] | type[Withdraw],
) -> AccountPayload | ValidationProblem | ConflictProblem:
    """Raises BalanceTooLow."""
    user_id = context.user().user_id
    check = Check(context.currency.digits)
    amount = check.amount("amount", input.amount, positive=True)
    brought = client_id(input.id)
    if check.problems:
        return invalid(check.problems)
    account_id = await own_account(context)
    transfer_id = await _own_id(context, account_id, brought) if brought else new_id()
    transfer = command(account_id, transfer_id, amount)
    key = idempotency_key(account_id, brought, command.__name__, amount) if brought else None
    try:
        dispatched = await send(context, transfer, key=key)
    except Invalid as error:
        return invalid_of(error)
    except Conflict as error:
        return conflict(error)
    async with context.pool.connection() as connection:
        transaction = await transaction_at(connection, account_id, dispatched.position)
        if transaction is None or transaction.transaction_id != transfer_id:
            again = await transaction_by_id(connection, account_id, transfer_id)
            transaction = again or transaction
    account = found(await context.loaders.accounts.load(user_id))
    return AccountPayload(
        account=Account.of(account, context.currency),
        transaction=Transaction.of(found(transaction), context.currency),
    )
