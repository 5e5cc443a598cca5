"""What ends a session ends it everywhere at once: its calls, its websockets, its refresh tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.api.shop import PATIENCE, Client, Shop
from tests.api.test_people import PASSWORD, REFRESH, REQUEST_RESET, RESET, SIGN_IN, SIGN_OUT
from tests.security.people import Post, an_address, post_of, signed_up

VIEWER = "{ viewer { email } }"


@dataclass
class Session:
    """Somebody's, which has been refreshed twice: the successor of a used token is used too."""

    post: Post
    visitor: Client
    email: str
    used: str
    unused: str
    token: str


async def used_twice(session: Session) -> None:
    problem = await session.visitor.ask(REFRESH, token=session.used)
    assert problem["code"] == "INVALID_CREDENTIALS"


async def signed_out(session: Session) -> None:
    assert await session.visitor.ask(SIGN_OUT, token=session.unused) == {"ok": True}


async def signed_out_with_an_old_token(session: Session) -> None:
    assert await session.visitor.ask(SIGN_OUT, token=session.used) == {"ok": True}


async def password_reset(session: Session) -> None:
    await session.visitor.ask(REQUEST_RESET, email=session.email)
    code = await session.post.code(session.email)
    reset = {"email": session.email, "code": code, "newPassword": "copper lagoon waltz"}
    assert await session.visitor.ask(RESET, input=reset) == {
        "__typename": "ResetPasswordPayload",
        "email": session.email,
    }


@pytest.mark.parametrize(
    "ends", [used_twice, signed_out, signed_out_with_an_old_token, password_reset]
)
async def test_a_session_ends_everywhere_at_once(
    shop: Shop, ends: Callable[[Session], Awaitable[None]]
) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await signed_up(post, email)
        sent = {"email": email, "password": PASSWORD}
        first, others = [(await visitor.ask(SIGN_IN, input=sent))["session"] for _ in range(2)]
        between = (await visitor.ask(REFRESH, token=first["refreshToken"]))["session"]
        second = (await visitor.ask(REFRESH, token=between["refreshToken"]))["session"]
        session = Session(
            post,
            visitor,
            email,
            first["refreshToken"],
            second["refreshToken"],
            second["accessToken"],
        )
        elsewhere = shop.another_api().address
        here, there = (Client(address, session.token) for address in (visitor.address, elsewhere))
        async with here.socket() as near, there.socket() as far:
            await ends(session)
            async with asyncio.timeout(PATIENCE):
                await near.wait_closed()
                await far.wait_closed()
    assert (near.close_code, far.close_code) == (4403, 4403)
    for client in (here, there, Client(visitor.address, first["accessToken"])):
        assert await client.code(VIEWER) == "UNAUTHENTICATED"
    refused = await visitor.ask(REFRESH, token=session.unused)
    assert refused["code"] == "INVALID_CREDENTIALS"
    # The user's other session goes on, unless the password is another.
    answer = await Client(visitor.address, others["accessToken"]).send(VIEWER)
    assert ("errors" in answer) == (ends is password_reset)


async def test_many_refreshes_at_once_bring_the_same_token_and_the_session_goes_on(
    shop: Shop,
) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await signed_up(post, email)
    sent = {"email": email, "password": PASSWORD}
    session = (await visitor.ask(SIGN_IN, input=sent))["session"]
    elsewhere = Client(shop.another_api().address)
    answers = await asyncio.gather(
        *(
            client.ask(REFRESH, token=session["refreshToken"])
            for client in (visitor, elsewhere)
            for _ in range(4)
        )
    )
    [token] = {answer["session"]["refreshToken"] for answer in answers}
    for answer in answers:
        ada = Client(visitor.address, answer["session"]["accessToken"])
        assert await ada.ask(VIEWER) == {"email": email}
    assert "session" in await visitor.ask(REFRESH, token=token)
    assert (await visitor.ask(REFRESH, token=session["refreshToken"]))["code"]
