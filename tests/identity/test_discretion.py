"""Nobody learns who has an account, and nothing that is secret gets about."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from statistics import median, quantiles

import pytest
from argon2 import PasswordHasher

from infrastructure.identity.errors import InvalidCode, InvalidCredentials, Refusal
from infrastructure.identity.one_time_codes import MailCodes
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.sign_up import SignUp
from tests.identity.people import ADA, CLIENT, KEY, OTHER_PASSWORD, PASSWORD, People

ROUNDS = 60
Try = Callable[[People, str], Awaitable[object]]


async def sign_in(people: People, email: str) -> None:
    with pytest.raises(InvalidCredentials):
        await people.identity.sign_in(email, OTHER_PASSWORD, CLIENT)


async def sign_up(people: People, email: str) -> None:
    await people.identity.sign_up(SignUp(email, OTHER_PASSWORD, "Somebody"), CLIENT)


async def request_verification_code(people: People, email: str) -> None:
    await people.identity.request_verification_code(email, CLIENT)


async def request_password_reset(people: People, email: str) -> None:
    await people.identity.request_password_reset(email, CLIENT)


async def verify_email(people: People, email: str) -> None:
    with pytest.raises(InvalidCode):
        await people.verify("12345x", email)


async def reset_password(people: People, email: str) -> None:
    with pytest.raises(InvalidCode):
        await people.reset("12345x", OTHER_PASSWORD, email)


EVERY_WAY_IN: list[Try] = [
    sign_in,
    sign_up,
    request_verification_code,
    request_password_reset,
    verify_email,
    reset_password,
]


async def taken(people: People, attempt: Try, email: str) -> float:
    async with people.pool.connection() as connection:
        await connection.execute("DELETE FROM rate_limits")
        await connection.execute("UPDATE mail_codes SET tries_left = 5")
    started = time.perf_counter()
    await attempt(people, email)
    return time.perf_counter() - started


async def difference_and_noise(people: People, attempt: Try) -> tuple[float, float]:
    """By how much the median of a known address is another, and the spread of either. Seconds.

    Known and unknown take turns, so that a machine that gets slower slows both.
    """
    known, unknown = [], []
    for number in range(ROUNDS):
        known.append(await taken(people, attempt, ADA))
        unknown.append(await taken(people, attempt, f"nobody{number}@shop.test"))
    return abs(median(known) - median(unknown)), max(spread(known), spread(unknown))


def spread(times: list[float]) -> float:
    """Between the quartiles: a few outliers do not matter."""
    first, _, third = quantiles(times)
    return third - first


@pytest.mark.parametrize("attempt", EVERY_WAY_IN, ids=lambda attempt: attempt.__name__)
async def test_a_known_address_takes_as_long_as_an_unknown_one(
    people: People, attempt: Try
) -> None:
    """With a hash that costs next to nothing, so that it hides no difference; and with codes that
    are out, at which somebody guesses."""
    user = await people.verified()
    codes = MailCodes([KEY], clock=people.clock)
    async with people.pool.connection() as connection:
        await codes.issue(connection, ADA, "VERIFY", user.user_id)
        await codes.issue(connection, ADA, "RESET", user.user_id)
    difference, noise = await difference_and_noise(people, attempt)
    assert difference < noise


async def test_an_unknown_address_costs_a_hash_as_a_known_one_does(people: People) -> None:
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1))
    people.identity._passwords = passwords
    await people.verified()
    difference, noise = await difference_and_noise(people, sign_in)
    passwords.close()
    assert difference < noise


@pytest.mark.parametrize("attempt", EVERY_WAY_IN, ids=lambda attempt: attempt.__name__)
async def test_a_known_address_writes_the_same_rows_as_an_unknown_one(
    people: People, attempt: Try
) -> None:
    """But for the row of the new user that a sign-up makes."""
    await people.verified()
    counts = []
    for email in (ADA, "nobody@shop.test"):
        async with people.pool.connection() as connection:
            await connection.execute("DELETE FROM rate_limits")
            await connection.execute("DELETE FROM outbox_mails")
        await attempt(people, email)
        counts.append([await people.rows(t) for t in ("rate_limits", "outbox_mails")])
    assert counts[0] == counts[1]


async def test_nothing_secret_is_logged(
    people: People, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await people.sign_up()
    code = await people.new_code()
    await people.verify(code)
    session = await people.identity.sign_in(ADA, PASSWORD, CLIENT)
    refreshed = await people.identity.refresh(session.refresh_token)
    await people.identity.request_password_reset(ADA, CLIENT)
    reset_code = await people.new_code()
    people.server.refusals["DATA"] = f"451 cannot mail {ADA}"
    await people.identity.request_verification_code(ADA, CLIENT)
    await people.new_mails()
    with suppress(Refusal):
        await people.identity.sign_in(ADA, OTHER_PASSWORD, CLIENT)
    with suppress(Refusal):
        await people.identity.refresh(session.refresh_token)
    logged = "".join(capfd.readouterr()) + caplog.text
    assert "mail sent" in logged
    assert "mail not sent" in logged
    secrets = [ADA, PASSWORD, OTHER_PASSWORD, code, reset_code]
    tokens = [
        getattr(each, name)
        for each in (session, refreshed)
        for name in ("access_token", "refresh_token")
    ]
    assert [secret for secret in secrets + tokens if secret in logged] == []


async def test_no_personal_thing_is_in_the_event_log(people: People) -> None:
    await people.sign_up(deposit=5_00)
    await people.verify(await people.new_code())
    async with people.pool.connection() as connection:
        cursor = await connection.execute("SELECT convert_from(state, 'UTF8') FROM stored_events")
        [(state,)] = await cursor.fetchall()
    assert ADA not in state
    assert "Ada" not in state
