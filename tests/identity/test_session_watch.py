"""How the other processes learn that a session has ended."""

import asyncio

import pytest

from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.sessions import end_sessions_of
from infrastructure.identity.users import Users
from tests.identity.people import AT_LAST, People, until


async def test_another_process_hears_of_it(people: People) -> None:
    session = await people.signed_in()
    async with SessionWatch(people.url, clock=people.clock, reread=60) as elsewhere:
        await people.identity.sign_out(session.refresh_token)
        async with asyncio.timeout(AT_LAST):
            await elsewhere.wait_until_ended(session.session_id)
        assert elsewhere.has_ended(session.session_id)


async def test_who_waits_is_woken_when_the_command_line_locks_the_user(people: People) -> None:
    session = await people.signed_in()
    waiting = asyncio.create_task(people.watch.wait_until_ended(session.session_id))
    await asyncio.sleep(0)
    await Users(people.pool, clock=people.clock).lock(session.user_id)
    async with asyncio.timeout(AT_LAST):
        await waiting
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(session.access_token)


async def test_who_waits_for_what_has_ended_does_not_wait(people: People) -> None:
    session = await people.signed_in()
    await people.identity.sign_out(session.refresh_token)
    async with asyncio.timeout(AT_LAST):
        await people.watch.wait_until_ended(session.session_id)


async def test_who_stops_waiting_leaves_nothing_behind(people: People) -> None:
    session = await people.signed_in()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await people.watch.wait_until_ended(session.session_id)
    assert not people.watch._waiting


async def test_a_process_that_starts_later_knows_of_it(people: People) -> None:
    session = await people.signed_in()
    await people.identity.sign_out(session.refresh_token)
    async with SessionWatch(people.url, clock=people.clock) as elsewhere:
        assert elsewhere.has_ended(session.session_id)


async def test_a_lost_message_is_made_up_for_by_the_table(people: People) -> None:
    session = await people.signed_in()
    async with SessionWatch(people.url, clock=people.clock, reread=0.05) as elsewhere:
        async with people.pool.connection() as connection:
            await connection.execute(
                "UPDATE sessions SET ended_at = %s", (people.clock(),)
            )  # without a word
        async with asyncio.timeout(AT_LAST):
            await elsewhere.wait_until_ended(session.session_id)


async def test_a_watch_whose_connection_breaks_hears_of_it_later(people: People) -> None:
    session = await people.signed_in()
    async with (
        SessionWatch(people.url, clock=people.clock, reread=60) as elsewhere,
        people.pool.connection() as connection,
    ):
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'shop session watch' AND datname = current_database()"
        )
        await end_sessions_of(connection, session.user_id, people.clock())
        async with asyncio.timeout(AT_LAST):
            await elsewhere.wait_until_ended(session.session_id)


async def test_what_ended_long_ago_is_forgotten(people: People) -> None:
    session = await people.signed_in()
    async with SessionWatch(people.url, clock=people.clock, reread=0.02) as elsewhere:
        await people.identity.sign_out(session.refresh_token)
        async with asyncio.timeout(AT_LAST):
            await elsewhere.wait_until_ended(session.session_id)
        people.clock.move(minutes=21)

        async def forgotten() -> bool:
            return not elsewhere.has_ended(session.session_id)

        await until(forgotten)
