"""The graphql-transport-ws protocol: what closes a connection, and with which code."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from infrastructure.identity.tokens import ACCESS_TOKEN_LIFETIME, AccessTokens
from infrastructure.ids import new_id
from tests.api.shop import KEY, PATIENCE, PROTOCOL, Client, Shop, hear, say

INIT = {"type": "connection_init"}
FOLLOW = {"query": "subscription { productChanged { id } }"}


async def closed(socket: ClientConnection) -> int | None:
    """The code that the server closes with."""
    async with asyncio.timeout(PATIENCE):
        await socket.wait_closed()
    return socket.close_code


async def code_for(shop: Shop, *messages: dict[str, Any]) -> int | None:
    """The code that these messages are answered with at last."""
    address = f"ws://{shop.api.address}/graphql"
    async with connect(address, subprotocols=[PROTOCOL]) as socket:
        for message in messages:
            await say(socket, **message)
        return await closed(socket)


def subscribe(id: object = "1", payload: object = FOLLOW) -> dict[str, Any]:
    return {"type": "subscribe", "id": id, "payload": payload}


@pytest.mark.parametrize("offered", [[], ["graphql-ws"], ["soap"]])
async def test_only_one_protocol_is_spoken(shop: Shop, offered: list[str]) -> None:
    subprotocols = [Subprotocol(name) for name in offered] or None
    async with connect(f"ws://{shop.api.address}/graphql", subprotocols=subprotocols) as socket:
        assert await closed(socket) == 4406


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([subscribe()], 4401),
        ([INIT, INIT], 4429),
        ([{**INIT, "payload": "x"}], 4400),
        ([{"type": "start"}], 4400),
        ([INIT, {"type": "start"}], 4400),
        ([INIT, subscribe(), subscribe()], 4409),
        ([INIT, subscribe(id=1)], 4400),
        ([INIT, subscribe(id="x" * 101)], 4400),
        ([INIT, subscribe(id="")], 4400),
        ([INIT, subscribe(payload={"query": 1})], 4400),
        ([INIT, subscribe(payload={"query": "{ a }", "variables": []})], 4400),
        ([INIT, {"type": "subscribe", "id": "1"}], 4400),
    ],
)
async def test_who_breaks_the_protocol_is_shown_out(
    shop: Shop, messages: list[dict[str, Any]], code: int
) -> None:
    assert await code_for(shop, *messages) == code


@pytest.mark.parametrize("message", ["{", "[]", "null", b"{}", '"connection_init"'])
async def test_messages_are_json_objects_in_text(shop: Shop, message: str | bytes) -> None:
    async with connect(f"ws://{shop.api.address}/graphql", subprotocols=[PROTOCOL]) as socket:
        await socket.send(message)
        assert await closed(socket) == 4400


async def test_a_message_has_a_greatest_size(shop: Shop) -> None:
    async with shop.visitor().socket() as socket:
        await socket.send("x" * (1 << 20) + "x")
        assert await closed(socket) == 1009


async def test_pings_are_answered_before_and_after_the_beginning(shop: Shop) -> None:
    async with connect(f"ws://{shop.api.address}/graphql", subprotocols=[PROTOCOL]) as socket:
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}
        await say(socket, type="pong")
        await say(socket, **INIT)
        assert await hear(socket) == {"type": "connection_ack"}
        await say(socket, type="pong")
        await say(socket, type="ping", payload={})
        assert await hear(socket) == {"type": "pong"}


async def test_a_document_that_is_wrong_ends_its_operation_alone(shop: Shop) -> None:
    async with shop.visitor().socket() as socket:
        for query in (
            "{",
            "{ nothing }",
            "subscription { productChanged { id } nothing }",
            "{" * 99,
        ):
            await say(socket, **subscribe(payload={"query": query}))
            message = await hear(socket)
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] in {
                "BAD_USER_INPUT",
                "QUERY_TOO_COMPLEX",
            }
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}


@pytest.mark.parametrize("authorization", ["Bearer x.y.z", "Bearer", "Basic YTpi", 7])
async def test_a_token_that_is_none_of_ours_is_refused(shop: Shop, authorization: object) -> None:
    init = {**INIT, "payload": {"authorization": authorization}}
    assert await code_for(shop, init) == 4403


async def test_a_token_of_a_session_that_has_ended_is_refused(shop: Shop) -> None:
    ada = await shop.customer()
    shop.api.services.watch.note([ada.session_id])
    assert await code_for(shop, {**INIT, "payload": {"authorization": ada.token}}) == 4403


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_the_token_may_come_as_graphiql_sends_it(shop: Shop, name: str) -> None:
    ada = await shop.customer()
    async with ada.socket({name: f"bearer {ada.token}"}) as socket:
        await say(socket, **subscribe(payload={"query": "{ viewer { id } }"}))
        assert (await hear(socket))["payload"]["data"] == {"viewer": {"id": str(ada.user_id)}}


async def test_a_connection_ends_when_its_token_expires(shop: Shop) -> None:
    earlier = datetime.now(UTC) - ACCESS_TOKEN_LIFETIME + timedelta(seconds=2)
    token, _ = AccessTokens([KEY], clock=lambda: earlier).issue(new_id(), "USER", new_id())
    async with Client(shop.api.address, token).socket() as socket:
        assert await closed(socket) == 4403


async def test_a_connection_ends_with_its_session_wherever_that_is_ended(shop: Shop) -> None:
    ada, elsewhere = await shop.customer(), shop.another_api()
    async with ada.socket() as socket:
        await elsewhere.call(elsewhere.services.identity.users.lock(ada.user_id))
        assert await closed(socket) == 4403
