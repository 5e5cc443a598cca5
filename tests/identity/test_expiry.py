"""What is deleted, and what is not."""

import asyncio

import pytest

from infrastructure.identity.errors import InvalidCredentials
from infrastructure.identity.retention import delete_expired, keep_deleting
from tests.identity.people import ADA, AT_LAST, CLIENT, OTHER_PASSWORD, PASSWORD, People, until


async def test_what_is_in_use_stays(people: People) -> None:
    session = await people.signed_in()
    await people.identity.request_password_reset(ADA, CLIENT)
    await people.new_mails()
    people.clock.move(minutes=9)
    deleted = await delete_expired(people.pool, people.clock())
    assert set(deleted.values()) == {0}
    await people.identity.refresh(session.refresh_token)


async def test_limits_and_codes_go_when_their_time_is_over(people: People) -> None:
    await people.verified()
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    await people.identity.request_password_reset(ADA, CLIENT)
    await people.new_mails()
    people.clock.move(days=1)
    deleted = await delete_expired(people.pool, people.clock())
    assert deleted["mail_codes"] == 1
    assert await people.rows("rate_limits") == 0


async def test_sessions_go_with_their_last_refresh_token(people: People) -> None:
    session = await people.signed_in()
    people.clock.move(days=20)
    session = await people.identity.refresh(session.refresh_token)
    people.clock.move(days=20)
    assert (await delete_expired(people.pool, people.clock()))["sessions"] == 0
    session = await people.identity.refresh(session.refresh_token)
    people.clock.move(days=30)
    assert (await delete_expired(people.pool, people.clock()))["sessions"] == 1
    assert await people.rows("refresh_tokens") == 0


async def test_an_ended_session_outlives_its_access_tokens(people: People) -> None:
    session = await people.signed_in()
    await people.identity.sign_out(session.refresh_token)
    people.clock.move(minutes=20)
    assert (await delete_expired(people.pool, people.clock()))["sessions"] == 0
    people.clock.move(days=1)
    assert (await delete_expired(people.pool, people.clock()))["sessions"] == 1


async def test_who_never_verified_is_forgotten_after_30_days(people: People) -> None:
    await people.verified()
    await people.sign_up("bob@shop.test")
    people.clock.move(days=30)
    assert (await delete_expired(people.pool, people.clock()))["users"] == 1
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_it_goes_on_until_it_is_stopped(people: People) -> None:
    await people.sign_up()
    people.clock.move(days=31)
    stop = asyncio.Event()
    running = asyncio.create_task(keep_deleting(people.pool, stop, people.clock))
    await until(lambda: nobody_is_left(people))
    stop.set()
    async with asyncio.timeout(AT_LAST):
        await running


async def nobody_is_left(people: People) -> bool:
    return await people.rows("users") == 0
