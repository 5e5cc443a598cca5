"""A token works wherever clients put it, or is refused with a reason: never left out in silence."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from api.graphql.transport.credentials import Misplaced, given_in_header, given_in_payload
from tests.api.shop import PATIENCE, PROTOCOL, Client, Shop, hear, say

VIEWER = {"query": "{ viewer { id } }"}
TOKEN = "eyJhbGciOiJI.eyJzdWIiOiJhIn.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "payload",
    [
        {"authorization": TOKEN},
        {"Authorization": f" {TOKEN} "},
        {"authToken": TOKEN},
        {"auth_token": TOKEN},
        {"access-token": TOKEN},
        {"token": TOKEN},
        {"headers": {"Authorization": TOKEN}},
        {"http": {"headers": {"authorization": TOKEN}}},
        {"authorization": None, "headers": {"authorization": TOKEN}},
        {"authorization": TOKEN, "authToken": TOKEN, "locale": "en"},
    ],
)
def test_a_token_is_found_in_each_usual_place(payload: dict[str, object]) -> None:
    assert given_in_payload(payload) == TOKEN


@pytest.mark.parametrize(
    "payload", [{}, {"authorization": ""}, {"headers": {"authorization": None}}, {"locale": "en"}]
)
def test_where_there_is_none_there_is_none(payload: dict[str, object]) -> None:
    assert given_in_payload(payload) is None


@pytest.mark.parametrize(
    "payload",
    [
        {"x-auth": f"Bearer {TOKEN}"},
        {"session": TOKEN},
        {"extra": {"session": f"bearer {TOKEN}"}},
        {"authorization": TOKEN, "authToken": f"{TOKEN}x"},
    ],
)
def test_a_token_that_cannot_be_used_is_told_of(payload: dict[str, object]) -> None:
    with pytest.raises(Misplaced):
        given_in_payload(payload)


def test_a_header_without_anything_is_no_token() -> None:
    assert given_in_header([]) is None
    assert given_in_header(["", " "]) is None
    assert given_in_header([" Bearer x "]) == "Bearer x"
    with pytest.raises(Misplaced):
        given_in_header(["Bearer x", "Bearer y"])


async def who(socket: ClientConnection) -> str | None:
    """The id of who the server takes the client for."""
    await say(socket, type="subscribe", id="1", payload=VIEWER)
    viewer = (await hear(socket))["payload"]["data"]["viewer"]
    return viewer and str(viewer["id"])


async def code_and_reason(client: Client, payload: object, **headers: str) -> tuple[int, str]:
    async with connect(
        f"ws://{client.address}/graphql", subprotocols=[PROTOCOL], additional_headers=headers
    ) as socket:
        await say(socket, type="connection_init", payload=payload)
        async with asyncio.timeout(PATIENCE):
            await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


@pytest.mark.parametrize(
    "wrap",
    [
        lambda token: {"authToken": token},
        lambda token: {"headers": {"Authorization": f"Bearer {token}"}},
        lambda token: {"Authorization": f"Bearer {token}"},
    ],
)
async def test_connection_init_may_hold_it_in_many_ways(shop: Shop, wrap: Any) -> None:
    ada = await shop.customer()
    async with ada.socket(wrap(ada.token)) as socket:
        assert await who(socket) == str(ada.user_id)


@pytest.mark.parametrize("payload", [None, {}, {"authorization": ""}])
async def test_the_handshake_may_hold_it(shop: Shop, payload: object) -> None:
    ada = await shop.customer()
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with connect(
        f"ws://{ada.address}/graphql", subprotocols=[PROTOCOL], additional_headers=headers
    ) as socket:
        await say(socket, type="connection_init", payload=payload)
        assert await hear(socket) == {"type": "connection_ack"}
        assert await who(socket) == str(ada.user_id)


async def test_what_connection_init_holds_comes_before_the_handshake(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with connect(
        f"ws://{ada.address}/graphql", subprotocols=[PROTOCOL], additional_headers=headers
    ) as socket:
        await say(socket, type="connection_init", payload={"authorization": bob.token})
        assert await hear(socket) == {"type": "connection_ack"}
        assert await who(socket) == str(bob.user_id)


async def test_a_wrong_one_in_the_handshake_is_refused(shop: Shop) -> None:
    assert await code_and_reason(shop.visitor(), None, Authorization="Bearer x.y.z") == (
        4403,
        "The access token is not valid.",
    )


async def test_one_that_stands_elsewhere_is_refused_with_a_word_on_where_it_goes(
    shop: Shop,
) -> None:
    ada = await shop.customer()
    assert await code_and_reason(ada, {"session": f"Bearer {ada.token}"}) == (
        4400,
        "Give the token as `authorization` in connection_init.",
    )


async def test_an_empty_one_is_none(shop: Shop) -> None:
    async with shop.visitor().socket({"authorization": ""}) as socket:
        assert await who(socket) is None
