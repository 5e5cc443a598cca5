"""How many mails an address gets: counted by what they are for, and by who asks for them."""

from collections.abc import Awaitable, Callable

import pytest

from infrastructure.identity.errors import InvalidCode, RateLimited
from infrastructure.identity.rate_limits import (
    MAILS,
    MAILS_A_DAY,
    MAILS_ASKED_FOR,
    MAILS_OF_ALL,
    WRONG_CODES,
)
from tests.identity.people import ADA, CLIENT, OTHER_PASSWORD, STRANGER, People, wrong

Ask = Callable[[str, str], Awaitable[None]]


async def asked_all_day(people: People, *asks: Ask, client: str = STRANGER) -> int:
    """How many mails leave while a client asks for them every ten minutes, for 24 hours."""
    mails = 0
    for _ in range(24 * 6):
        for ask in asks:
            await ask(ADA, client)
            mails += len(await people.new_mails())
        people.clock.move(minutes=10)
    return mails


async def test_three_mails_leave_in_ten_minutes(people: People) -> None:
    await people.sign_up()
    mails = await people.new_mails()
    for _ in range(5):
        await people.identity.request_verification_code(ADA, CLIENT)
        mails += await people.new_mails()
    assert len(mails) == MAILS.most == 3
    people.clock.move(minutes=10)
    await people.identity.request_verification_code(ADA, CLIENT)
    assert len(await people.new_mails()) == 1


async def test_a_stranger_who_asks_all_day_has_few_mails_sent(people: People) -> None:
    await people.verified()
    identity = people.identity
    mails = await asked_all_day(
        people, identity.request_verification_code, identity.request_password_reset
    )
    assert mails == 2 * MAILS_A_DAY.most


async def test_signing_up_with_an_address_that_has_an_account_counts_as_asking(
    people: People,
) -> None:
    await people.verified()

    async def sign_up(email: str, client: str) -> None:
        await people.sign_up(email, client=client)

    mails = await asked_all_day(people, sign_up, people.identity.request_verification_code)
    assert mails == MAILS_A_DAY.most


async def test_a_stranger_who_asks_all_day_leaves_the_owner_a_password_reset(
    people: People,
) -> None:
    await people.verified()
    identity = people.identity
    await asked_all_day(people, identity.request_verification_code, identity.request_password_reset)
    await identity.request_password_reset(ADA, CLIENT)
    await people.reset(await people.new_code())
    await identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)


async def test_codes_for_an_address_take_nothing_from_those_for_a_password(people: People) -> None:
    await people.verified()
    for _ in range(5):
        await people.identity.request_verification_code(ADA, CLIENT)
    await people.new_mails()
    await people.identity.request_password_reset(ADA, CLIENT)
    assert len(await people.new_mails()) == 1


async def test_many_strangers_together_have_no_more_mails_sent_than_all_may(
    people: People,
) -> None:
    await people.verified()
    mails = 0
    for stranger in range(20):
        for _ in range(3):
            await people.identity.request_password_reset(ADA, f"198.51.100.{stranger}")
            mails += len(await people.new_mails())
    assert mails == MAILS_OF_ALL.most


async def test_what_a_client_is_refused_takes_nothing_from_the_others(people: People) -> None:
    await people.verified()
    for _ in range(MAILS_OF_ALL.most):
        await people.identity.request_password_reset(ADA, STRANGER)
    await people.new_mails()
    await people.identity.request_password_reset(ADA, CLIENT)
    assert len(await people.new_mails()) == 1


async def test_a_client_asks_for_so_many_mails_an_hour_whoever_they_are_for(people: People) -> None:
    for number in range(MAILS_ASKED_FOR.most):
        await people.identity.request_password_reset(f"user{number}@shop.test", STRANGER)
    with pytest.raises(RateLimited) as refused:
        await people.identity.request_verification_code("one-more@shop.test", STRANGER)
    assert refused.value.retry_after == 3600
    await people.identity.request_verification_code("one-more@shop.test", CLIENT)


async def test_a_strangers_wrong_codes_do_not_keep_the_owner_out(people: People) -> None:
    await people.verified()
    for _ in range(WRONG_CODES.most):
        with pytest.raises(InvalidCode):
            await people.reset("123456", client=STRANGER)
    with pytest.raises(RateLimited):
        await people.reset("123456", client=STRANGER)
    await people.identity.request_password_reset(ADA, CLIENT)
    await people.reset(await people.new_code())


async def test_wrong_codes_for_an_address_do_not_keep_from_a_password_reset(
    people: People,
) -> None:
    await people.verified()
    for _ in range(WRONG_CODES.most):
        with pytest.raises(InvalidCode):
            await people.verify("123456")
    await people.identity.request_password_reset(ADA, CLIENT)
    code = await people.new_code()
    with pytest.raises(InvalidCode):
        await people.reset(wrong(code))
    await people.reset(code)
