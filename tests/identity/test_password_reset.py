"""Choosing another password with a mailed code."""

import asyncio

import pytest

from infrastructure.identity.errors import (
    EmailNotVerified,
    InvalidCode,
    InvalidCredentials,
    InvalidToken,
    RateLimited,
    ValidationFailed,
)
from tests.identity.people import ADA, CLIENT, OTHER_PASSWORD, PASSWORD, People, wrong


async def reset_code(people: People) -> str:
    await people.identity.request_password_reset(ADA, CLIENT)
    return await people.new_code()


async def test_who_got_the_code_chooses_another_password(people: People) -> None:
    await people.verified()
    await people.reset(await reset_code(people), OTHER_PASSWORD)
    await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_another_password_ends_all_sessions(people: People) -> None:
    session = await people.signed_in()
    await people.reset(await reset_code(people), OTHER_PASSWORD)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(session.access_token)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(session.refresh_token)


async def test_a_sign_in_that_began_with_the_old_password_opens_no_session(people: People) -> None:
    user = await people.verified()
    async with people.pool.connection() as connection, connection.transaction():
        await people.reset(await reset_code(people), OTHER_PASSWORD)
        with pytest.raises(InvalidCredentials):
            await people.identity._sessions.open(connection, user.user_id, 1)


async def test_the_code_is_good_once(people: People) -> None:
    await people.verified()
    code = await reset_code(people)
    await people.reset(code, OTHER_PASSWORD)
    with pytest.raises(InvalidCode):
        await people.reset(code, PASSWORD)


async def test_of_two_who_use_the_code_at_once_one_succeeds(people: People) -> None:
    await people.verified()
    code = await reset_code(people)
    outcomes = await asyncio.gather(
        *(people.reset(code, OTHER_PASSWORD) for _ in range(2)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if outcome] == [InvalidCode]


async def test_the_code_dies_after_five_wrong_tries(people: People) -> None:
    await people.verified()
    code = await reset_code(people)
    for _ in range(5):
        with pytest.raises(InvalidCode):
            await people.reset(wrong(code), OTHER_PASSWORD)
    with pytest.raises(InvalidCode):
        await people.reset(code, OTHER_PASSWORD)


async def test_the_code_lives_15_minutes(people: People) -> None:
    await people.verified()
    code = await reset_code(people)
    people.clock.move(minutes=15)
    with pytest.raises(InvalidCode):
        await people.reset(code, OTHER_PASSWORD)


async def test_a_code_for_the_address_is_none_for_the_password(people: People) -> None:
    await people.sign_up()
    code = await people.new_code()
    with pytest.raises(InvalidCode):
        await people.reset(code, OTHER_PASSWORD)


@pytest.mark.parametrize("password", ["short", "password123", "ada@shop.test"])
async def test_the_new_password_is_checked_before_the_code(people: People, password: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await people.reset("123456", password)
    assert [path for path, _ in refused.value.fields] == ["newPassword"]


async def test_the_owners_name_is_no_password_and_the_code_stays_good(people: People) -> None:
    await people.sign_up(name="Zyqxvrb Wolkstra")
    await people.verify(await people.new_code())
    code = await reset_code(people)
    with pytest.raises(ValidationFailed):
        await people.reset(code, "zyqxvrbwolkstra")
    await people.reset(code, OTHER_PASSWORD)


async def test_without_the_code_nobody_learns_whether_it_is_the_owners_name(people: People) -> None:
    await people.sign_up(name="Zyqxvrb Wolkstra")
    with pytest.raises(InvalidCode):
        await people.reset("123456", "zyqxvrbwolkstra")


async def test_an_unknown_address_has_no_code(people: People) -> None:
    for email in ("nobody@shop.test", "no address"):
        with pytest.raises(InvalidCode):
            await people.reset("123456", OTHER_PASSWORD, email)


async def test_wrong_passwords_are_forgotten(people: People) -> None:
    await people.verified()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    with pytest.raises(RateLimited):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    await people.reset(await reset_code(people), OTHER_PASSWORD)
    await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)


async def test_it_does_not_verify_the_address(people: People) -> None:
    await people.sign_up()
    await people.new_mails()
    await people.reset(await reset_code(people), OTHER_PASSWORD)
    with pytest.raises(EmailNotVerified):
        await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)


async def test_a_locked_user_gets_no_mail(people: People) -> None:
    user = await people.verified()
    await people.identity.users.lock(user.user_id)
    await people.identity.request_password_reset(ADA, CLIENT)
    assert await people.new_mails() == []
