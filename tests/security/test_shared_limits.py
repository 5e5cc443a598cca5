"""What is counted in the database holds over all processes and their restarts."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infrastructure.identity.rate_limits import SIGN_UPS, WRONG_PASSWORDS
from tests.api.shop import Api, Client, Shop, whole_shop
from tests.api.test_people import PASSWORD, SIGN_IN, SIGN_UP
from tests.conftest import copy_of
from tests.security.people import an_address, post_of, signed_up


@pytest.fixture(scope="module")
def shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    with (
        copy_of(migrated_template, postgres_server) as url,
        whole_shop(url) as shop,
    ):
        yield shop


@dataclass
class Somebody:
    """Who comes from a network address to the API processes in turn, as a balancer sends them."""

    apis: list[Api]
    comes_from: str
    times: int = 0

    async def send(self, document: str, **variables: object) -> dict[str, Any]:
        self.times += 1
        client = Client(self.apis[self.times % len(self.apis)].address)
        # The shop believes this of a proxy on its own machine.
        headers = {"X-Forwarded-For": self.comes_from}
        body = {"query": document, "variables": variables}
        answer: dict[str, Any] = (await client.post(body, headers=headers)).json()
        return answer

    async def signs_in(self, email: str, password: str) -> str:
        """The code of the problem or the error, or the kind of the answer."""
        answer = await self.send(SIGN_IN, input={"email": email, "password": password})
        if "errors" in answer:
            return code_of(answer)
        payload = answer["data"]["signIn"]
        return str(payload.get("code", payload["__typename"]))

    async def signs_up(self) -> dict[str, Any]:
        form = {"email": an_address(), "password": PASSWORD, "name": "Ada"}
        return await self.send(SIGN_UP, input=form)


def code_of(answer: dict[str, Any]) -> str:
    """Of the only error; where that is a limit, it says when to try again."""
    [error] = answer["errors"]
    code: str = error["extensions"]["code"]
    if code == "RATE_LIMITED":
        assert 1 <= error["extensions"]["retryAfter"] <= 3600
    return code


@pytest.fixture(scope="module")
def apis(shop: Shop) -> list[Api]:
    return [shop.api, shop.another_api()]


async def test_ten_wrong_passwords_are_ten_wherever_they_are_sent(
    shop: Shop, apis: list[Api]
) -> None:
    email = an_address()
    async with post_of(shop) as post:
        await signed_up(post, email)
    eve = Somebody(apis, "192.0.2.1")
    tries = [await eve.signs_in(email, "wrong password") for _ in range(WRONG_PASSWORDS.most + 2)]
    assert tries == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 2
    # Not even with the right one, and in another case; not at a process that has just started.
    assert await eve.signs_in(email.upper(), PASSWORD) == "RATE_LIMITED"
    with Api(shop.settings).running() as restarted:
        assert await Somebody([restarted], "192.0.2.1").signs_in(email, PASSWORD) == "RATE_LIMITED"
    # Who comes from elsewhere, and who tries elsewhere, is not held up.
    assert await Somebody(apis, "192.0.2.2").signs_in(email, PASSWORD) == "SignInPayload"
    assert await eve.signs_in(an_address(), "wrong password") == "INVALID_CREDENTIALS"


async def test_many_wrong_passwords_at_once_are_ten_too(apis: list[Api]) -> None:
    email, eve = an_address(), Somebody(apis, "192.0.2.3")
    tries = await asyncio.gather(*(eve.signs_in(email, "wrong password") for _ in range(25)))
    assert sorted(tries) == ["INVALID_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 15


async def test_neighbours_in_an_ipv6_network_are_one_client(apis: list[Api]) -> None:
    email = an_address()
    for last in range(WRONG_PASSWORDS.most):
        eve = Somebody(apis, f"2001:db8:1:2::{last}")
        assert await eve.signs_in(email, "wrong password") == "INVALID_CREDENTIALS"
    neighbour, stranger = (Somebody(apis, f"2001:db8:1:{net}::99") for net in (2, 3))
    assert await neighbour.signs_in(email, "wrong password") == "RATE_LIMITED"
    assert await stranger.signs_in(email, "wrong password") == "INVALID_CREDENTIALS"


async def test_a_client_signs_up_sixty_times_an_hour(shop: Shop, apis: list[Api]) -> None:
    eve = Somebody(apis, "192.0.2.4")
    answers = await asyncio.gather(*(eve.signs_up() for _ in range(SIGN_UPS.most)))
    assert {answer["data"]["signUp"]["__typename"] for answer in answers} == {"SignUpPayload"}
    assert code_of(await eve.signs_up()) == "RATE_LIMITED"
    with Api(shop.settings).running() as restarted:
        assert code_of(await Somebody([restarted], "192.0.2.4").signs_up()) == "RATE_LIMITED"
    assert "errors" not in await Somebody(apis, "192.0.2.5").signs_up()
