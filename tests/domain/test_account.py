"""What a customer's account does. Amounts are minor units."""

from dataclasses import replace
from uuid import UUID

import pytest

from application.deciders import ACCOUNT
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
from domain.values import MAX_AMOUNT
from tests.domain.specification import given

ADA = UUID(int=1)
OWNER = UUID(int=2)
RUN = UUID(int=3)
OTHER_RUN = UUID(int=4)
ORDER = UUID(int=5)
TRANSFER = UUID(int=6)
OTHER_TRANSFER = UUID(int=7)

OPENED = AccountOpened(ADA, OWNER, 100)
CHARGED_30 = AccountCharged(ADA, RUN, ORDER, 30)


# Opening


@pytest.mark.parametrize("deposit", [0, 100, MAX_AMOUNT])
def test_an_account_is_opened_with_a_deposit(deposit: int) -> None:
    given(ACCOUNT).when(OpenAccount(ADA, OWNER, deposit)).then(AccountOpened(ADA, OWNER, deposit))


def test_opening_an_account_again_records_nothing() -> None:
    given(ACCOUNT, OPENED, Deposited(ADA, TRANSFER, 1)).when(OpenAccount(ADA, OWNER, 100)).then()


@pytest.mark.parametrize("command", [OpenAccount(ADA, OWNER, 99), OpenAccount(ADA, RUN, 100)])
def test_the_id_of_an_account_cannot_be_used_for_another(command: OpenAccount) -> None:
    given(ACCOUNT, OPENED).when(command).refuses(Conflict, "Another account has this id.")


def test_an_account_is_not_opened_with_a_debt() -> None:
    given(ACCOUNT).when(OpenAccount(ADA, OWNER, -1)).refuses(
        Invalid, "An opening deposit is not negative.", field="openingDeposit"
    )


def test_an_account_is_not_opened_with_more_than_it_can_hold() -> None:
    given(ACCOUNT).when(OpenAccount(ADA, OWNER, MAX_AMOUNT + 1)).refuses(
        Invalid, "An account cannot hold so much.", field="openingDeposit"
    )


@pytest.mark.parametrize(
    "command",
    [
        Deposit(ADA, TRANSFER, 1),
        Withdraw(ADA, TRANSFER, 1),
        Charge(ADA, RUN, ORDER, 1),
        Refund(ADA, RUN),
        SettleCharge(ADA, RUN),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_can_be_asked_of_an_account_that_was_never_opened(command: AccountCommand) -> None:
    given(ACCOUNT).when(command).refuses(
        NotFound, f"There is no account {ADA}.", kind="account", id=ADA
    )


# Depositing


@pytest.mark.parametrize("amount", [1, MAX_AMOUNT - 100])
def test_money_is_deposited_up_to_what_an_account_can_hold(amount: int) -> None:
    given(ACCOUNT, OPENED).when(Deposit(ADA, TRANSFER, amount)).then(
        Deposited(ADA, TRANSFER, amount)
    )


def test_an_account_cannot_hold_more_than_can_be_stored() -> None:
    given(ACCOUNT, OPENED).when(Deposit(ADA, TRANSFER, MAX_AMOUNT - 99)).refuses(
        Invalid, "An account cannot hold so much.", field="amount"
    )


@pytest.mark.parametrize("amount", [0, -1])
def test_a_deposit_is_more_than_nothing(amount: int) -> None:
    given(ACCOUNT, OPENED).when(Deposit(ADA, TRANSFER, amount)).refuses(
        Invalid, "An amount is greater than 0.", field="amount"
    )


def test_ignores_a_deposit_that_was_already_made() -> None:
    given(ACCOUNT, OPENED, Deposited(ADA, TRANSFER, 5)).when(Deposit(ADA, TRANSFER, 5)).then()


def test_the_same_amount_may_be_deposited_twice() -> None:
    given(ACCOUNT, OPENED, Deposited(ADA, TRANSFER, 5)).when(Deposit(ADA, OTHER_TRANSFER, 5)).then(
        Deposited(ADA, OTHER_TRANSFER, 5)
    )


# Withdrawing


@pytest.mark.parametrize("amount", [1, 100])
def test_money_is_withdrawn_down_to_nothing(amount: int) -> None:
    given(ACCOUNT, OPENED).when(Withdraw(ADA, TRANSFER, amount)).then(
        Withdrawn(ADA, TRANSFER, amount)
    )


def test_more_than_the_balance_cannot_be_withdrawn() -> None:
    given(ACCOUNT, OPENED).when(Withdraw(ADA, TRANSFER, 101)).refuses(
        BalanceTooLow, "The account holds less than that.", balance=100, required=101
    )


@pytest.mark.parametrize("amount", [0, -1])
def test_a_withdrawal_is_more_than_nothing(amount: int) -> None:
    given(ACCOUNT, OPENED).when(Withdraw(ADA, TRANSFER, amount)).refuses(
        Invalid, "An amount is greater than 0.", field="amount"
    )


def test_ignores_a_withdrawal_that_was_already_made() -> None:
    given(ACCOUNT, OPENED, Withdrawn(ADA, TRANSFER, 60)).when(Withdraw(ADA, TRANSFER, 60)).then()


def test_the_same_amount_may_be_withdrawn_twice() -> None:
    given(ACCOUNT, OPENED, Withdrawn(ADA, TRANSFER, 50)).when(
        Withdraw(ADA, OTHER_TRANSFER, 50)
    ).then(Withdrawn(ADA, OTHER_TRANSFER, 50))


def test_deposits_and_withdrawals_change_the_balance() -> None:
    history = Deposited(ADA, TRANSFER, 20), Withdrawn(ADA, OTHER_TRANSFER, 50)
    given(ACCOUNT, OPENED, *history).when(Withdraw(ADA, RUN, 71)).refuses(
        BalanceTooLow, balance=70, required=71
    )


# Charging


@pytest.mark.parametrize("amount", [1, 100])
def test_a_charge_up_to_the_balance_is_taken(amount: int) -> None:
    given(ACCOUNT, OPENED).when(Charge(ADA, RUN, ORDER, amount)).then(
        AccountCharged(ADA, RUN, ORDER, amount)
    )


def test_a_charge_beyond_the_balance_is_declined() -> None:
    given(ACCOUNT, OPENED).when(Charge(ADA, RUN, ORDER, 101)).then(
        ChargeDeclined(ADA, RUN, 101, 100)
    )


def test_what_was_charged_is_no_longer_in_the_account() -> None:
    given(ACCOUNT, OPENED, CHARGED_30).when(Charge(ADA, OTHER_RUN, ORDER, 71)).then(
        ChargeDeclined(ADA, OTHER_RUN, 71, 70)
    )


def test_ignores_a_charge_that_was_already_taken() -> None:
    given(ACCOUNT, OPENED, CHARGED_30).when(Charge(ADA, RUN, ORDER, 30)).then()


def test_ignores_a_charge_that_was_already_declined() -> None:
    declined = ChargeDeclined(ADA, RUN, 101, 100)
    given(ACCOUNT, OPENED, declined, Deposited(ADA, TRANSFER, 50)).when(
        Charge(ADA, RUN, ORDER, 101)
    ).then()


def test_a_declined_charge_does_not_keep_another_execution_from_charging() -> None:
    given(ACCOUNT, OPENED, ChargeDeclined(ADA, RUN, 101, 100)).when(
        Charge(ADA, OTHER_RUN, ORDER, 100)
    ).then(AccountCharged(ADA, OTHER_RUN, ORDER, 100))


@pytest.mark.parametrize("amount", [0, -1])
def test_a_charge_is_more_than_nothing(amount: int) -> None:
    given(ACCOUNT, OPENED).when(Charge(ADA, RUN, ORDER, amount)).refuses(
        Invalid, "An amount is greater than 0.", field="amount"
    )


# Refunding and settling


def test_a_refund_gives_back_what_the_execution_was_charged() -> None:
    given(ACCOUNT, OPENED, CHARGED_30).when(Refund(ADA, RUN)).then(
        ChargeRefunded(ADA, RUN, ORDER, 30)
    )


def test_what_was_refunded_can_be_spent_again() -> None:
    given(ACCOUNT, OPENED, CHARGED_30, ChargeRefunded(ADA, RUN, ORDER, 30)).when(
        Charge(ADA, OTHER_RUN, ORDER, 100)
    ).then(AccountCharged(ADA, OTHER_RUN, ORDER, 100))


def test_a_refund_is_not_refused_by_an_account_that_is_full() -> None:
    refilled = Deposited(ADA, TRANSFER, MAX_AMOUNT - 70)
    given(ACCOUNT, OPENED, CHARGED_30, refilled).when(Refund(ADA, RUN)).then(
        ChargeRefunded(ADA, RUN, ORDER, 30)
    )


def test_a_charge_is_settled() -> None:
    given(ACCOUNT, OPENED, CHARGED_30).when(SettleCharge(ADA, RUN)).then(ChargeSettled(ADA, RUN))


def test_settling_a_charge_leaves_the_balance_as_it_is() -> None:
    given(ACCOUNT, OPENED, CHARGED_30, ChargeSettled(ADA, RUN)).when(
        Withdraw(ADA, TRANSFER, 71)
    ).refuses(BalanceTooLow, balance=70)


@pytest.mark.parametrize("command", [Refund(ADA, RUN), SettleCharge(ADA, RUN)])
@pytest.mark.parametrize(
    "history",
    [
        (),
        (AccountCharged(ADA, OTHER_RUN, ORDER, 30),),
        (ChargeDeclined(ADA, RUN, 101, 100),),
        (CHARGED_30, ChargeRefunded(ADA, RUN, ORDER, 30)),
        (CHARGED_30, ChargeSettled(ADA, RUN)),
    ],
    ids=["never charged", "another charged", "declined", "already refunded", "already settled"],
)
def test_ignores_refunding_or_settling_what_is_not_charged(
    command: AccountCommand, history: tuple[AccountEvent, ...]
) -> None:
    given(ACCOUNT, OPENED, *history).when(command).then()


def test_a_charge_keeps_the_order_that_it_pays() -> None:
    charge = replace(CHARGED_30, order_id=OTHER_RUN)
    given(ACCOUNT, OPENED, charge).when(Refund(ADA, RUN)).then(
        ChargeRefunded(ADA, RUN, OTHER_RUN, 30)
    )


# Returns


def test_what_was_paid_for_what_came_back_is_refunded() -> None:
    given(ACCOUNT, OPENED).when(RefundReturn(ADA, RUN, OTHER_RUN, 30)).then(
        ReturnRefunded(ADA, RUN, OTHER_RUN, 30)
    )
    given(ACCOUNT, OPENED, ReturnRefunded(ADA, RUN, OTHER_RUN, 30)).when(
        Withdraw(ADA, TRANSFER, 130)
    ).then(Withdrawn(ADA, TRANSFER, 130))


def test_a_refund_is_an_amount() -> None:
    given(ACCOUNT, OPENED).when(RefundReturn(ADA, RUN, OTHER_RUN, 0)).refuses(
        Invalid, "An amount is greater than 0.", field="amount"
    )
