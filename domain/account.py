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
    RefundReturn,
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
    ReturnRefunded,
    Withdrawn,
)
from domain.message import message
from domain.values import MAX_AMOUNT


@message
class Account:
    """`charged` holds what executions took that are not settled yet.

    The last transfer, declined charge and returned sum are kept so that the same command again
    records nothing.
    """

    opening: AccountOpened | None = None
    balance: int = 0
    # Quoted, because the maps of rpds take no type parameters at run time.
    charged: "HashTrieMap[UUID, AccountCharged]" = HashTrieMap()
    last_transfer: Deposited | Withdrawn | None = None
    last_declined: ChargeDeclined | None = None
    last_return: ReturnRefunded | None = None


def decide(command: AccountCommand, account: Account) -> list[AccountEvent]:
    """Say what happens to the account. Raises NotFound, Conflict, Invalid or BalanceTooLow."""
    if isinstance(command, OpenAccount):
        return _open(command, account)
    if account.opening is None:
        raise NotFound("account", command.account_id)
    match command:
        case Deposit():
            return _deposit(command, account)
        case Withdraw():
            return _withdraw(command, account)
        case Charge():
            return _charge(command, account)
        case Refund(account_id, execution_id):
            charge = account.charged.get(execution_id)
            if charge is None:
                return []
            return [ChargeRefunded(account_id, execution_id, charge.order_id, charge.amount)]
        case SettleCharge(account_id, execution_id):
            if execution_id not in account.charged:
                return []
            return [ChargeSettled(account_id, execution_id)]
        case RefundReturn(account_id, return_id, order_id, amount):
            refunded = ReturnRefunded(account_id, return_id, order_id, amount)
            if refunded == account.last_return:
                return []
            _check_amount(amount)
            return [refunded]


def _open(command: OpenAccount, account: Account) -> list[AccountEvent]:
    opened = AccountOpened(command.account_id, command.owner_id, command.opening_deposit)
    if account.opening == opened:
        return []
    if account.opening is not None:
        raise Conflict("Another account has this id.")
    if command.opening_deposit < 0:
        raise Invalid("openingDeposit", "An opening deposit is not negative.")
    if command.opening_deposit > MAX_AMOUNT:
        raise Invalid("openingDeposit", "An account cannot hold so much.")
    return [opened]


def _deposit(command: Deposit, account: Account) -> list[AccountEvent]:
    deposited = Deposited(command.account_id, command.transfer_id, command.amount)
    if deposited == account.last_transfer:
        return []
    _check_amount(command.amount)
    if account.balance + command.amount > MAX_AMOUNT:
        raise Invalid("amount", "An account cannot hold so much.")
    return [deposited]


def _withdraw(command: Withdraw, account: Account) -> list[AccountEvent]:
    withdrawn = Withdrawn(command.account_id, command.transfer_id, command.amount)
    if withdrawn == account.last_transfer:
        return []
    _check_amount(command.amount)
    if command.amount > account.balance:
        raise BalanceTooLow(account.balance, command.amount)
    return [withdrawn]


def _charge(command: Charge, account: Account) -> list[AccountEvent]:
    account_id, execution_id, amount = command.account_id, command.execution_id, command.amount
    if execution_id in account.charged:
        return []
    if account.last_declined is not None and account.last_declined.execution_id == execution_id:
        return []
    _check_amount(amount)
    if amount > account.balance:
        return [ChargeDeclined(account_id, execution_id, amount, account.balance)]
    return [AccountCharged(account_id, execution_id, command.order_id, amount)]


def _check_amount(amount: int) -> None:
    if amount <= 0:
        raise Invalid("amount", "An amount is greater than 0.")


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
            return replace(account, last_declined=event)
        case ChargeRefunded(_, execution_id, _, amount):
            return replace(
                account,
                balance=account.balance + amount,
                charged=account.charged.discard(execution_id),
            )
        case ChargeSettled(_, execution_id):
            return replace(account, charged=account.charged.discard(execution_id))
        case ReturnRefunded(amount=amount):
            return replace(account, balance=account.balance + amount, last_return=event)
