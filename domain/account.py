"""A customer's account: money in, money out, one charge per execution. Amounts are minor units."""

from dataclasses import replace
from uuid import UUID

from rpds import HashTrieMap

from domain.commands import (
    AccountCommand,
    Charge,
    Deposit,
    OpenAccount,
    Refund,
    SettleCharge,
    Withdraw,
)
from domain.errors import BalanceTooLow, Conflict, Invalid, NotFound
from domain.events import (
    AccountCharged,
    AccountEvent,
    AccountOpened,
    ChargeDeclined,
    ChargeRefunded,
    ChargeSettled,
    Deposited,
    Withdrawn,
)
from domain.message import message


@message
class Account:
    """`charged` holds what executions took that are not settled yet."""

    opening: AccountOpened | None = None
    balance: int = 0
    charged: HashTrieMap[UUID, AccountCharged] = HashTrieMap()
    last_transfer: Deposited | Withdrawn | None = None


def decide(command: AccountCommand, account: Account) -> list[AccountEvent]:
    """Say what happens to the account. Raises NotFound, Conflict, Invalid or BalanceTooLow."""
    if isinstance(command, OpenAccount):
        return _open(command, account)
    if account.opening is None:
        raise NotFound("account", command.account_id)
    match command:
        case Deposit(account_id, transfer_id, amount):
            deposited = Deposited(account_id, transfer_id, amount)
            return [] if deposited == account.last_transfer else [_positive(deposited)]
        case Withdraw(account_id, transfer_id, amount):
            withdrawn = Withdrawn(account_id, transfer_id, amount)
            if withdrawn == account.last_transfer:
                return []
            if amount > account.balance:
                raise BalanceTooLow(account.balance, amount)
            return [_positive(withdrawn)]
        case Charge(account_id, execution_id) if execution_id in account.charged:
            return []
        case Charge(account_id, execution_id, _, amount) if amount > account.balance:
            return [ChargeDeclined(account_id, execution_id, amount, account.balance)]
        case Charge(account_id, execution_id, order_id, amount):
            return [AccountCharged(account_id, execution_id, order_id, amount)]
        case Refund(account_id, execution_id):
            charge = account.charged.get(execution_id)
            if charge is None:
                return []
            return [ChargeRefunded(account_id, execution_id, charge.order_id, charge.amount)]
        case SettleCharge(account_id, execution_id):
            return [ChargeSettled(account_id, execution_id)] if execution_id in account.charged else []


def _open(command: OpenAccount, account: Account) -> list[AccountEvent]:
    opened = AccountOpened(command.account_id, command.owner_id, command.opening_deposit)
    if account.opening == opened:
        return []
    if account.opening is not None:
        raise Conflict("Another account has this id.")
    if command.opening_deposit < 0:
        raise Invalid("openingDeposit", "An opening deposit is not negative.")
    return [opened]


def _positive(transfer: Deposited | Withdrawn) -> Deposited | Withdrawn:
    if transfer.amount <= 0:
        raise Invalid("amount", "An amount is greater than 0.")
    return transfer


def evolve(account: Account, event: AccountEvent) -> Account:
    """The account after `event`."""
    match event:
        case AccountOpened(_, _, opening_deposit):
            return Account(event, opening_deposit)
        case Deposited(_, _, amount):
            return replace(account, balance=account.balance + amount, last_transfer=event)
        case Withdrawn(_, _, amount):
            return replace(account, balance=account.balance - amount, last_transfer=event)
        case AccountCharged(_, execution_id, _, amount):
            return replace(
                account,
                balance=account.balance - amount,
                charged=account.charged.insert(execution_id, event),
            )
        case ChargeDeclined():
            return account
        case ChargeRefunded(_, execution_id, _, amount):
            return replace(
                account,
                balance=account.balance + amount,
                charged=account.charged.discard(execution_id),
            )
        case ChargeSettled(_, execution_id):
            return replace(account, charged=account.charged.discard(execution_id))
