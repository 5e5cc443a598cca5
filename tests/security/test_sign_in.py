"""Passwords over HTTP: how they are kept, what they cost, and what nobody learns from them."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median, quantiles

import pytest
from argon2 import PasswordHasher

from tests.api.shop import Client, Shop, whole_shop
from tests.api.test_people import (
    PASSWORD,
    REQUEST_CODE,
    REQUEST_RESET,
    RESET,
    SIGN_IN,
    SIGN_UP,
    VERIFY,
)
from tests.conftest import copy_of
from tests.identity.people import CHEAP, text_of
from tests.security.people import an_address, post_of, signed_in, signed_up

ROUNDS = 60
# A few milliseconds, to be seen beside what HTTP takes, and to be repeated often.
QUICK = PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1)


@pytest.fixture(scope="module")
def patient_shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    """A shop in which one may try as often as one likes."""
    with (
        copy_of(migrated_template, postgres_server) as url,
        whole_shop(url, hasher=QUICK, limits=False) as shop,
    ):
        yield shop


@pytest.fixture(scope="module")
def strong_shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    """A shop that hashes passwords as they are hashed outside of tests."""
    with (
        copy_of(migrated_template, postgres_server) as url,
        whole_shop(url, hasher=PasswordHasher()) as shop,
    ):
        yield shop


async def stored_hash(shop: Shop, email: str) -> str:
    async with shop.api.services.pool.connection() as connection:
        query = "SELECT password_hash FROM users WHERE email = %s"
        row = await (await connection.execute(query, [email])).fetchone()
    assert row is not None
    return str(row[0])


async def store_hash(shop: Shop, email: str, password_hash: str) -> None:
    async with shop.api.services.pool.connection() as connection:
        query = "UPDATE users SET password_hash = %s WHERE email = %s"
        await connection.execute(query, [password_hash, email])


async def test_passwords_are_kept_as_argon2id_hashes_and_hashed_anew_when_these_get_stronger(
    strong_shop: Shop,
) -> None:
    email = an_address()
    async with post_of(strong_shop) as post:
        visitor = await signed_up(post, email)
    strong = "$argon2id$v=19$m=65536,t=3,p=4$"
    assert (await stored_hash(strong_shop, email)).startswith(strong)
    weak = CHEAP.hash(PASSWORD)
    await store_hash(strong_shop, email, weak)
    problem = await visitor.ask(SIGN_IN, input={"email": email, "password": "wrong password"})
    assert problem["code"] == "INVALID_CREDENTIALS"
    assert await stored_hash(strong_shop, email) == weak
    await signed_in(visitor, email)
    assert (await stored_hash(strong_shop, email)).startswith(strong)
    await signed_in(visitor, email)


@pytest.mark.parametrize(
    "password",
    ["kx8#Lq0v!", "password123", "Password1!Password1!", "ada.lovelace1", "Countess-Lovelace"],
    ids=["short", "common", "common by the rules", "the address", "the name"],
)
async def test_a_password_that_is_easily_guessed_is_refused(shop: Shop, password: str) -> None:
    form = {"email": "ada.lovelace@shop.test", "password": password, "name": "Countess Lovelace"}
    problem = await shop.visitor().ask(SIGN_UP, input=form)
    assert [field["path"] for field in problem["fields"]] == ["password"]


async def test_others_are_served_while_passwords_are_hashed(strong_shop: Shop) -> None:
    visitor = strong_shop.visitor()
    tries = [
        asyncio.create_task(
            visitor.ask(SIGN_IN, input={"email": an_address(), "password": PASSWORD})
        )
        for _ in range(16)
    ]
    await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    assert await visitor.ask("{ __typename }") == "Query"
    waiting = sum(not task.done() for task in tries)
    await asyncio.gather(*tries)
    assert waiting


async def test_a_known_and_an_unknown_address_are_answered_alike(shop: Shop) -> None:
    known, unknown = an_address(), an_address()
    async with post_of(shop) as post:
        visitor = await signed_up(post, known)
        password = "copper lagoon waltz"
        for document, sent in (
            (SIGN_IN, {"password": password}),
            (VERIFY, {"code": "000000"}),
            (RESET, {"code": "000000", "newPassword": password}),
            (SIGN_UP, {"password": password, "name": "Eve"}),
            (REQUEST_CODE, {}),
            (REQUEST_RESET, {}),
        ):
            answers = []
            for email in (known, unknown):
                variables: dict[str, object] = {"email": email, **sent}
                if sent:
                    variables = {"input": variables}
                answer = await visitor.post({"query": document, "variables": variables})
                assert "errors" not in answer.json()
                answers.append(answer.text.replace(email, "…"))
            assert answers[0] == answers[1]
        mails = await post.deliver()
    # But the owner of the known one is told, and keeps the password.
    said = "".join(text_of(mail) for mail in mails if mail["To"] == known)
    assert "already" in said
    await signed_in(visitor, known)


async def test_a_known_address_takes_as_long_as_an_unknown_one(patient_shop: Shop) -> None:
    """The medians differ by less than the spread."""
    email = an_address()
    async with post_of(patient_shop) as post:
        visitor = await signed_up(post, email)
    known, unknown = [], []
    for _ in range(ROUNDS):  # in turns: when the machine gets slower, both do
        known.append(await taken(visitor, email))
        unknown.append(await taken(visitor, an_address()))
    assert abs(median(known) - median(unknown)) < max(spread(known), spread(unknown))


async def taken(client: Client, email: str) -> float:
    """The seconds that a wrong password takes."""
    began = time.perf_counter()
    problem = await client.ask(SIGN_IN, input={"email": email, "password": "wrong password"})
    assert problem["code"] == "INVALID_CREDENTIALS"
    return time.perf_counter() - began


def spread(times: list[float]) -> float:
    first, _, third = quantiles(times)
    return third - first
