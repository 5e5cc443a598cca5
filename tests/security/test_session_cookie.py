"""Sessions of the shop's own pages: a cookie keeps the refresh token, and obeys them alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

import httpx
import pytest

from tests.api.shop import PATIENCE, Shop
from tests.api.test_people import PASSWORD
from tests.security.people import an_address, post_of, signed_up

OURS = {"Sec-Fetch-Site": "same-origin"}


@asynccontextmanager
async def browser_of(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    home = f"http://{shop.api.address}"
    async with httpx.AsyncClient(base_url=home, timeout=PATIENCE, headers=OURS) as http:
        yield http


async def somebody(shop: Shop) -> str:
    """The address of who may sign in."""
    async with post_of(shop) as post:
        email = an_address()
        await signed_up(post, email)
    return email


async def enter(http: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await http.post("/session", json={"email": email, "password": password})


async def viewer(http: httpx.AsyncClient, session: httpx.Response) -> str | None:
    """Who that access token belongs to."""
    token = session.json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = await http.post("/graphql", json={"query": "{ viewer { email } }"}, headers=headers)
    found = answer.json()["data"]["viewer"]
    return found["email"] if found else None


async def test_no_script_sees_the_refresh_token(shop: Shop) -> None:
    email = await somebody(shop)
    async with browser_of(shop) as http:
        session = await enter(http, email)
        assert session.json().keys() == {"accessToken", "accessTokenExpiresAt"}
        cookie = SimpleCookie(session.headers["set-cookie"])["shop_session"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (
            True,
            "strict",
            "/session",
        )
        assert await viewer(http, session) == email


async def test_a_session_goes_on_after_a_reload_until_it_is_ended(shop: Shop) -> None:
    email = await somebody(shop)
    async with browser_of(shop) as http:
        await enter(http, email)
        refreshed = await http.post("/session/refresh", json={})
        assert await viewer(http, refreshed) == email
        assert (await http.post("/session/end", json={})).status_code == 204
        assert (await http.post("/session/refresh", json={})).status_code == 204
        token = {"Authorization": f"Bearer {refreshed.json()['accessToken']}"}
        ended = await http.post("/graphql", json={"query": "{ viewer { id } }"}, headers=token)
        assert ended.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_refresh_token_that_is_no_longer_good_is_forgotten(shop: Shop) -> None:
    async with browser_of(shop) as http:
        http.cookies.set("shop_session", "made up", path="/session")
        refused = await http.post("/session/refresh", json={})
        assert refused.status_code == 401
        assert "Max-Age=0" in refused.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of the same host
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "", "Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Content-Type": "text/plain"},  # what a form can send
    ],
)
@pytest.mark.parametrize("path", ["/session", "/session/refresh", "/session/end"])
async def test_other_pages_cannot_use_it(shop: Shop, path: str, headers: dict[str, str]) -> None:
    async with browser_of(shop) as http:
        refused = await http.post(
            path, content=b"{}", headers={"Content-Type": "application/json", **headers}
        )
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("body", [b"", b"[]", b'{"email": 1, "password": "x"}', b"[" * 9_000])
async def test_what_is_no_address_and_password_is_refused(shop: Shop, body: bytes) -> None:
    async with browser_of(shop) as http:
        headers = {"Content-Type": "application/json"}
        refused = await http.post("/session", content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "BAD_USER_INPUT")


async def test_tries_are_limited_as_everywhere(shop: Shop) -> None:
    email = await somebody(shop)
    async with browser_of(shop) as http:
        answers = [await enter(http, email, "wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) == answers[-1].json()["retryAfter"]


async def test_nobody_is_named_at_the_door_unless_it_is_a_demo(shop: Shop) -> None:
    async with browser_of(shop) as http:
        door = (await http.get("/session/door")).json()
    assert door == {"people": [], "administrators": "NOBODY"}
