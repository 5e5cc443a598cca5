"""Signing in, refreshing, signing out, and what ends a session."""

import asyncio

import pytest
from argon2 import PasswordHasher

from domain.errors import NotFound
from infrastructure.identity.errors import (
    EmailNotVerified,
    InvalidCredentials,
    InvalidToken,
    RateLimited,
)
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.sessions import Session, Sessions
from infrastructure.identity.tokens import derive_keys, next_refresh_token
from infrastructure.ids import new_id
from tests.identity.people import ADA, CLIENT, KEY, OTHER_PASSWORD, PASSWORD, People


async def test_the_access_token_says_who_sends_it(people: People) -> None:
    session = await people.signed_in()
    user = await people.identity.users.by_email(ADA)
    caller = people.identity.verify_access_token(session.access_token)
    assert user is not None
    assert (caller.user_id, caller.role) == (user.user_id, "USER")
    assert (caller.session_id, caller.expires_at) == (
        session.session_id,
        session.access_token_expires_at,
    )


async def test_an_access_token_lives_15_minutes(people: People) -> None:
    session = await people.signed_in()
    people.clock.move(minutes=14, seconds=59)
    people.identity.verify_access_token(session.access_token)
    people.clock.move(seconds=1)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(session.access_token)


@pytest.mark.parametrize(
    ("email", "password"),
    [(ADA, OTHER_PASSWORD), ("bob@shop.test", PASSWORD), ("no address", PASSWORD), (ADA, ""),
     ("", ""), ("\0", "\0"), ("\ud800", "\ud800"), (ADA, "x" * 100_000)],
)  # fmt: skip
async def test_wrong_credentials_are_refused_without_saying_which(
    people: People, email: str, password: str
) -> None:
    await people.verified()
    with pytest.raises(InvalidCredentials, match="address or the password"):
        await people.identity.sign_in(email, password, CLIENT)


async def test_only_who_knows_the_password_is_told_that_the_address_is_not_verified(
    people: People,
) -> None:
    await people.sign_up()
    with pytest.raises(EmailNotVerified):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)


async def test_after_ten_wrong_passwords_in_15_minutes_none_is_looked_at(people: People) -> None:
    await people.verified()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    people.clock.move(minutes=5)
    with pytest.raises(RateLimited) as refused:
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    assert refused.value.retry_after == 600
    people.clock.move(minutes=10)
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_another_client_may_still_sign_in(people: People) -> None:
    await people.verified()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    await people.identity.sign_in(ADA, PASSWORD, "192.0.2.2")


async def test_the_case_of_the_address_gives_no_more_tries(people: People) -> None:
    for number in range(10):
        email = "".join(c.upper() if number >> i & 1 else c for i, c in enumerate(ADA))
        with pytest.raises(InvalidCredentials):
            await people.identity.sign_in(email, PASSWORD, CLIENT)
    with pytest.raises(RateLimited):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_an_unknown_address_is_limited_like_a_known_one(people: People) -> None:
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await people.identity.sign_in("bob@shop.test", PASSWORD, CLIENT)
    with pytest.raises(RateLimited):
        await people.identity.sign_in("bob@shop.test", PASSWORD, CLIENT)


async def test_of_many_wrong_passwords_at_once_ten_are_answered(people: People) -> None:
    await people.verified()
    outcomes = await asyncio.gather(
        *(people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT) for _ in range(25)),
        return_exceptions=True,
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds.count(InvalidCredentials) == 10
    assert kinds.count(RateLimited) == 15


async def test_many_right_passwords_at_once_all_sign_in(people: People) -> None:
    await people.verified()
    sessions = await asyncio.gather(
        *(people.identity.sign_in(ADA, PASSWORD, CLIENT) for _ in range(25))
    )
    assert len({session.session_id for session in sessions}) == 25


async def test_a_refresh_token_brings_the_next_ones(people: People) -> None:
    session = await people.signed_in()
    people.clock.move(minutes=20)
    refreshed = await people.identity.refresh(session.refresh_token)
    assert refreshed.session_id == session.session_id
    assert refreshed.refresh_token != session.refresh_token
    assert people.identity.verify_access_token(refreshed.access_token).user_id == session.user_id


async def test_a_refresh_whose_answer_was_lost_is_answered_again(people: People) -> None:
    session = await people.signed_in()
    lost = await people.identity.refresh(session.refresh_token)
    people.clock.move(seconds=19)
    again = await people.identity.refresh(session.refresh_token)
    assert again.refresh_token == lost.refresh_token
    assert people.identity.verify_access_token(again.access_token).user_id == session.user_id
    assert await people.rows("refresh_tokens") == 2
    await people.identity.refresh(again.refresh_token)


async def test_it_is_answered_again_after_the_key_was_changed(people: People) -> None:
    session = await people.signed_in()
    lost = await people.identity.refresh(session.refresh_token)
    changed = Sessions(people.identity._tokens, ["another key", KEY], clock=people.clock)
    async with people.pool.connection() as connection:
        again = await changed.refresh(connection, session.refresh_token)
    assert again is not None
    assert again.refresh_token == lost.refresh_token


async def test_what_is_kept_of_a_session_and_the_key_do_not_tell_its_next_token(
    people: People,
) -> None:
    """Nor does a former token with one of the two."""
    first = await people.signed_in()
    second = await people.identity.refresh(first.refresh_token)
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT salt FROM refresh_tokens WHERE salt IS NOT NULL")
        [(salt,)] = await cursor.fetchall()
    [key] = derive_keys([KEY], "refresh tokens")
    assert next_refresh_token(first.refresh_token, key, salt) == second.refresh_token
    for guess in (
        next_refresh_token("", key, salt),
        next_refresh_token(first.refresh_token, b"", salt),
        next_refresh_token(first.refresh_token, key, b""),
    ):
        assert guess != second.refresh_token


async def test_a_refresh_token_whose_successor_was_used_ends_the_family(people: People) -> None:
    stolen = await people.signed_in()
    refreshed = await people.identity.refresh(stolen.refresh_token)
    last = await people.identity.refresh(refreshed.refresh_token)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(stolen.refresh_token)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(last.refresh_token)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(last.access_token)


async def test_of_a_lost_answer_and_its_use_at_once_no_second_successor_comes(
    people: People,
) -> None:
    session = await people.signed_in()
    lost = await people.identity.refresh(session.refresh_token)
    outcomes = await asyncio.gather(
        *(people.identity.refresh(session.refresh_token) for _ in range(8)),
        *(people.identity.refresh(lost.refresh_token) for _ in range(8)),
        return_exceptions=True,
    )
    tokens = {each.refresh_token for each in outcomes if isinstance(each, Session)}
    assert len(tokens - {lost.refresh_token}) <= 1


async def test_a_locked_user_is_answered_nothing_again(people: People) -> None:
    session = await people.signed_in()
    await people.identity.refresh(session.refresh_token)
    await people.identity.users.lock(session.user_id)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(session.refresh_token)


async def test_a_refresh_token_used_twice_ends_the_family(people: People) -> None:
    stolen = await people.signed_in()
    refreshed = await people.identity.refresh(stolen.refresh_token)
    people.clock.move(seconds=20)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(stolen.refresh_token)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(refreshed.refresh_token)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(refreshed.access_token)


async def test_many_refreshes_at_once_are_answered_with_the_same_token(people: People) -> None:
    session = await people.signed_in()
    answers = await asyncio.gather(
        *(people.identity.refresh(session.refresh_token) for _ in range(8))
    )
    assert len({answer.refresh_token for answer in answers}) == 1
    await people.identity.refresh(answers[0].refresh_token)


async def test_the_other_sessions_of_the_user_go_on(people: People) -> None:
    stolen = await people.signed_in()
    other = await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    await people.identity.refresh(stolen.refresh_token)
    people.clock.move(minutes=1)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(stolen.refresh_token)
    await people.identity.refresh(other.refresh_token)


async def test_a_refresh_token_lives_30_days(people: People) -> None:
    session = await people.signed_in()
    people.clock.move(days=30)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(session.refresh_token)


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800", "x" * 100_000])
async def test_an_unknown_refresh_token_is_refused(people: People, token: str) -> None:
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(token)
    await people.identity.sign_out(token)


async def test_refresh_tokens_are_stored_only_as_hashes(people: People) -> None:
    session = await people.signed_in()
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT token_hash FROM refresh_tokens")
        [(stored,)] = await cursor.fetchall()
    assert session.refresh_token.encode() not in stored
    assert len(stored) == 32


async def test_signing_out_ends_the_session(people: People) -> None:
    session = await people.signed_in()
    await people.identity.sign_out(session.refresh_token)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(session.access_token)
    with pytest.raises(InvalidCredentials):
        await people.identity.refresh(session.refresh_token)


async def test_signing_out_with_a_used_token_ends_the_session_too(people: People) -> None:
    session = await people.signed_in()
    refreshed = await people.identity.refresh(session.refresh_token)
    await people.identity.sign_out(session.refresh_token)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(refreshed.access_token)


async def test_a_locked_users_sessions_end_at_once(people: People) -> None:
    session = await people.signed_in()
    other = await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    locked = await people.identity.users.lock(session.user_id)
    assert locked.locked
    for each in (session, other):
        with pytest.raises(InvalidToken):
            people.identity.verify_access_token(each.access_token)
        with pytest.raises(InvalidCredentials):
            await people.identity.refresh(each.refresh_token)


async def test_a_locked_user_cannot_sign_in_and_is_not_told_why(people: People) -> None:
    session = await people.signed_in()
    await people.identity.users.lock(session.user_id)
    with pytest.raises(InvalidCredentials, match="address or the password"):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_a_locked_user_is_not_told_that_the_address_is_not_verified(people: People) -> None:
    await people.sign_up()
    user = await people.identity.users.by_email(ADA)
    assert user is not None
    await people.identity.users.lock(user.user_id)
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)


async def test_an_unlocked_user_signs_in_again(people: People) -> None:
    session = await people.signed_in()
    await people.identity.users.lock(session.user_id)
    assert not (await people.identity.users.unlock(session.user_id)).locked
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    with pytest.raises(InvalidToken):
        people.identity.verify_access_token(session.access_token)


async def test_who_is_locked_while_signing_in_gets_no_session(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await people.verified()
    verify = Passwords.verify

    async def locked_meanwhile(self: Passwords, stored: str | None, password: str) -> bool:
        right = await verify(self, stored, password)
        await people.identity.users.lock(user.user_id)
        return right

    monkeypatch.setattr(Passwords, "verify", locked_meanwhile)
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    assert await people.rows("sessions") == 0


async def test_somebody_who_is_not_there_cannot_be_locked(people: People) -> None:
    with pytest.raises(NotFound):
        await people.identity.users.lock(new_id())


async def test_a_password_hashed_with_weaker_parameters_is_hashed_anew(people: People) -> None:
    await people.verified()
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    people.identity._passwords = stronger
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT password_hash FROM users")
        [(password_hash,)] = await cursor.fetchall()
    assert not stronger.outdated(password_hash)
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    stronger.close()


async def test_the_text_of_a_session_does_not_hold_its_tokens(people: People) -> None:
    session = await people.signed_in()
    assert session.access_token not in repr(session)
    assert session.refresh_token not in repr(session)


async def test_limits_can_be_turned_off(people: People) -> None:
    await people.verified()
    people.identity._limits._enabled = False
    for _ in range(12):
        with pytest.raises(InvalidCredentials):
            await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    await people.identity.sign_in(ADA, PASSWORD, CLIENT)
