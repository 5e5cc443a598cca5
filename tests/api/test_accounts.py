"""Money in and out: exact, once, and never more than there is."""

import asyncio
from uuid import uuid4

import pytest

from tests.api.mutations import DEPOSIT, WITHDRAW, buy
from tests.api.shop import Shop

HISTORY = """{ viewer { account { balance { amount } transactions { totalCount nodes {
    id type reason amount { amount } balance { amount } order { id } } } } } }"""


async def test_a_deposit_is_in_its_answer(shop: Shop) -> None:
    ada = await shop.customer(money=10_00)
    payload = await ada.ask(DEPOSIT, input={"amount": "12.5"})
    assert payload["account"]["balance"] == {"amount": "22.50", "currency": "USD"}
    transaction = payload["transaction"]
    assert transaction.pop("id")
    assert transaction == {
        "type": "CREDIT",
        "reason": "DEPOSIT",
        "amount": {"amount": "12.50", "currency": "USD"},
        "balance": {"amount": "22.50", "currency": "USD"},
    }


async def test_the_history_has_every_change_with_the_balance_after_it(shop: Shop) -> None:
    ada = await shop.customer(money=100_00)
    await ada.ask(DEPOSIT, input={"amount": "5"})
    await ada.ask(WITHDRAW, input={"amount": "25.01"})
    order = (await buy(ada, "one", "20.00", {await shop.product(): 2}))["order"]["id"]
    account = (await ada.ask(HISTORY))["account"]
    assert account["balance"] == {"amount": "59.99"}
    history = [
        (t["type"], t["reason"], t["amount"]["amount"], t["balance"]["amount"], t["order"])
        for t in account["transactions"]["nodes"]
    ]
    assert history == [
        ("DEBIT", "ORDER_PAYMENT", "20.00", "59.99", {"id": order}),
        ("DEBIT", "WITHDRAWAL", "25.01", "79.99", None),
        ("CREDIT", "DEPOSIT", "5.00", "105.00", None),
        ("CREDIT", "OPENING_DEPOSIT", "100.00", "100.00", None),
    ]


@pytest.mark.parametrize("mutation", [DEPOSIT, WITHDRAW])
async def test_a_repeated_transfer_answers_with_the_first_one(shop: Shop, mutation: str) -> None:
    ada = await shop.customer(money=100_00)
    sent = {"amount": "7.00", "id": str(uuid4())}
    first = await ada.ask(mutation, input=sent)
    assert first["transaction"]["id"] == sent["id"]
    assert await ada.ask(mutation, input=sent) == first
    await ada.ask(DEPOSIT, input={"amount": "1000"})
    again = await ada.ask(mutation, input=sent)
    assert again["transaction"] == first["transaction"]
    assert (await ada.ask(HISTORY))["account"]["transactions"]["totalCount"] == 3


async def test_a_repeated_withdrawal_needs_no_money(shop: Shop) -> None:
    ada = await shop.customer(money=10_00)
    sent = {"amount": "7.00", "id": str(uuid4())}
    first = await ada.ask(WITHDRAW, input=sent)
    await ada.ask(WITHDRAW, input={"amount": "3"})
    assert (await ada.ask(WITHDRAW, input=sent))["transaction"] == first["transaction"]


async def test_the_same_transfer_sent_many_times_at_once_happens_once(shop: Shop) -> None:
    ada = await shop.customer(money=0)
    sent = {"amount": "7.00", "id": str(uuid4())}
    payloads = await asyncio.gather(*(ada.ask(DEPOSIT, input=sent) for _ in range(10)))
    assert all(payload == payloads[0] for payload in payloads)
    assert (await ada.ask(HISTORY))["account"]["balance"] == {"amount": "7.00"}


async def test_the_id_of_a_transfer_is_good_for_one(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    own = str(uuid4())
    await ada.ask(DEPOSIT, input={"amount": "1", "id": own})
    assert (await ada.ask(DEPOSIT, input={"amount": "2", "id": own}))["code"] == "CONFLICT"
    assert (await ada.ask(WITHDRAW, input={"amount": "1", "id": own}))["code"] == "CONFLICT"
    payload = await bob.ask(DEPOSIT, input={"amount": "2", "id": own})
    assert payload["transaction"]["amount"]["amount"] == "2.00"


async def test_nobody_withdraws_more_than_there_is(shop: Shop) -> None:
    ada = await shop.customer(money=10_00)
    problem = await ada.ask(WITHDRAW, input={"amount": "10.01"})
    assert problem == {
        "__typename": "InsufficientFundsProblem",
        "code": "INSUFFICIENT_FUNDS",
        "message": "The account holds 10.00 USD, 10.01 USD are needed.",
        "balance": {"amount": "10.00"},
        "required": {"amount": "10.01"},
    }
    assert (await ada.ask(WITHDRAW, input={"amount": "10"}))["account"]["balance"][
        "amount"
    ] == "0.00"


async def test_withdrawals_at_once_never_take_more_than_there_is(shop: Shop) -> None:
    ada = await shop.customer(money=50_00)
    payloads = await asyncio.gather(*(ada.ask(WITHDRAW, input={"amount": 10}) for _ in range(12)))
    assert sum("account" in payload for payload in payloads) == 5
    assert (await ada.ask(HISTORY))["account"]["balance"] == {"amount": "0.00"}


@pytest.mark.parametrize("mutation", [DEPOSIT, WITHDRAW])
@pytest.mark.parametrize(
    "amount", ["0", "-1", "0.001", "NaN", "Infinity", "10000000000.01", "1E+40"]
)
async def test_an_amount_that_is_none_is_refused(shop: Shop, mutation: str, amount: str) -> None:
    ada = await shop.customer()
    problem = await ada.ask(mutation, input={"amount": amount})
    assert [field["path"] for field in problem["fields"]] == ["amount"]


async def test_what_is_no_number_is_bad_input(shop: Shop) -> None:
    ada = await shop.customer()
    wrong: list[object] = ["ten", "", None, [], {}, True]
    for amount in wrong:
        assert await ada.code(DEPOSIT, input={"amount": amount}) == "BAD_USER_INPUT"


async def test_an_account_cannot_hold_everything(shop: Shop) -> None:
    ada = await shop.customer(money=10**17)
    problem = await ada.ask(DEPOSIT, input={"amount": "1"})
    assert problem["fields"] == [{"path": "amount", "message": "An account cannot hold so much."}]


async def test_money_is_for_who_is_signed_in(shop: Shop) -> None:
    nobody = shop.visitor()
    assert await nobody.code(DEPOSIT, input={"amount": "1"}) == "UNAUTHENTICATED"
    assert await nobody.code(WITHDRAW, input={"amount": "1"}) == "UNAUTHENTICATED"
