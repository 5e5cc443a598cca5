"""Two sign up with one address: the password is that of the sign-up whose code is typed in."""

import pytest

from infrastructure.identity.errors import InvalidCode, InvalidCredentials, RateLimited
from infrastructure.identity.one_time_codes import MailCodes
from infrastructure.identity.rate_limits import SIGN_UPS_WITH_ADDRESS
from tests.identity.people import (
    ADA,
    CLIENT,
    KEY,
    OTHER_PASSWORD,
    PASSWORD,
    STRANGER,
    People,
    code_in,
    text_of,
)


async def only_the_password_opens(people: People, right: str, wrong: str) -> None:
    await people.identity.sign_in(ADA, right, CLIENT)
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, wrong, CLIENT)


async def use_up_the_mails(people: People, client: str = STRANGER) -> str:
    """Sign up, ask for codes until none comes any more; the last code."""
    await people.sign_up(password=OTHER_PASSWORD, client=client)
    mails = await people.new_mails()
    for _ in range(5):
        await people.identity.request_verification_code(ADA, client)
        mails += await people.new_mails()
    return code_in(mails[-1])


async def test_who_used_up_the_mails_gets_no_account_by_the_owners_typing(people: People) -> None:
    strangers = await use_up_the_mails(people)
    await people.sign_up()
    with pytest.raises(InvalidCode):
        await people.verify(strangers)
    await people.verify(await people.new_code())
    await only_the_password_opens(people, PASSWORD, OTHER_PASSWORD)


async def test_a_sign_up_that_cannot_be_mailed_makes_the_code_that_is_out_worthless(
    people: People,
) -> None:
    code = await use_up_the_mails(people, CLIENT)
    await people.sign_up()
    assert await people.new_mails() == []
    with pytest.raises(InvalidCode):
        await people.verify(code)
    people.clock.move(minutes=10)
    await people.identity.request_verification_code(ADA, CLIENT)
    await people.verify(await people.new_code())
    await only_the_password_opens(people, PASSWORD, OTHER_PASSWORD)


async def test_a_code_that_was_made_while_somebody_else_signed_up_is_for_nobody(
    people: People,
) -> None:
    await people.sign_up(password=OTHER_PASSWORD, client=STRANGER)
    stranger = await people.identity.users.by_email(ADA)
    assert stranger is not None
    await people.sign_up()
    async with people.pool.connection() as connection:
        # The courier has looked up the first of them, and comes to this only now.
        codes = MailCodes([KEY], clock=people.clock)
        late = await codes.issue(connection, ADA, "VERIFY", stranger.user_id)
    with pytest.raises(InvalidCode):
        await people.verify(late)
    assert await people.events() == []
    await people.verify(await people.new_code())
    await only_the_password_opens(people, PASSWORD, OTHER_PASSWORD)


async def test_a_code_for_a_new_password_is_for_the_sign_up_that_it_was_made_for(
    people: People,
) -> None:
    await people.sign_up()
    await people.new_mails()
    await people.identity.request_password_reset(ADA, CLIENT)
    code = await people.new_code()
    await people.sign_up(client=STRANGER)
    with pytest.raises(InvalidCode):
        await people.reset(code)


async def test_the_mail_says_when_the_sign_up_was_that_its_code_is_for(people: People) -> None:
    await people.sign_up(password=OTHER_PASSWORD, client=STRANGER)
    await people.new_mails()
    people.clock.move(hours=2)
    await people.sign_up()
    people.clock.move(minutes=5)
    [mail] = await people.new_mails()
    assert "01 March 2025 at 14:00 UTC" in " ".join(text_of(mail).split())


async def test_nobody_signs_up_with_one_address_for_ever(people: People) -> None:
    """Each time makes the code worthless that its owner was sent."""
    for _ in range(SIGN_UPS_WITH_ADDRESS.most):
        await people.sign_up(client=STRANGER)
    await people.new_mails()
    await people.sign_up()
    code = await people.new_code()
    with pytest.raises(RateLimited):
        await people.sign_up(password=OTHER_PASSWORD, client=STRANGER)
    await people.verify(code)
    await only_the_password_opens(people, PASSWORD, OTHER_PASSWORD)
