"""Python clients, as their documentation says: gql over HTTP and websockets, and websockets."""

import asyncio
import os
import sys

import orjson
import pytest
from gql import Client as Gql
from gql import GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import connect

from tests.api.mutations import CREATE_ORDER, PLACE_ORDER, RESULT, create, order_input, place
from tests.api.shop import PATIENCE, PROTOCOL, Client, Shop
from tests.docs.markdown import ROOT, blocks

VIEWER = "{ viewer { id } }"


def over_http(client: Client) -> Gql:
    headers = {"Authorization": f"Bearer {client.token}"} if client.token else {}
    transport = HTTPXAsyncTransport(f"http://{client.address}/graphql", headers=headers)
    return Gql(transport=transport, execute_timeout=PATIENCE)


def over_websocket(client: Client, *, in_handshake: bool = False) -> Gql:
    token = {"Authorization": f"Bearer {client.token}"}
    transport = WebsocketsTransport(
        f"ws://{client.address}/graphql",
        headers=token if in_handshake else None,
        init_payload=None if in_handshake else token,
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        ping_interval=10,
        pong_timeout=5,
    )
    return Gql(transport=transport, execute_timeout=PATIENCE)


async def places(session: AsyncClientSession, board: str, name: str) -> None:
    created = await session.execute(
        GraphQLRequest(CREATE_ORDER, variable_values={"input": order_input("10.00", {board: 1})})
    )
    order = created["createOrder"]["order"]["id"]
    placing = {"orderId": order, "executionName": name}
    await session.execute(GraphQLRequest(PLACE_ORDER, variable_values={"input": placing}))


async def test_gql_follows_an_order_that_it_has_placed(shop: Shop) -> None:
    ada, board = await shop.customer(), await shop.product()
    async with over_http(ada) as http, over_websocket(ada) as socket:
        results = socket.subscribe(GraphQLRequest(RESULT, variable_values={"name": "by gql"}))
        await places(http, board, "by gql")
        async with asyncio.timeout(PATIENCE):
            [result] = [result async for result in results]
        assert result["orderResult"]["status"] == "COMPLETED"


@pytest.mark.parametrize("in_handshake", [True, False])
async def test_gql_may_give_its_token_in_either_way(shop: Shop, in_handshake: bool) -> None:
    ada = await shop.customer()
    async with over_websocket(ada, in_handshake=in_handshake) as session:
        answer = await session.execute(GraphQLRequest(VIEWER))
        assert answer["viewer"]["id"] == str(ada.user_id)


async def test_gql_reads_errors_by_their_codes(shop: Shop) -> None:
    async with over_http(shop.visitor()) as session:
        with pytest.raises(TransportQueryError) as failed:
            await session.execute(GraphQLRequest("{ products(first: 101) { totalCount } }"))
    [error] = failed.value.errors or []
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_gql_writes_its_own_queries_from_the_schema(shop: Shop) -> None:
    transport = HTTPXAsyncTransport(f"http://{shop.api.address}/graphql")
    async with Gql(transport=transport, fetch_schema_from_transport=True) as session:
        assert session.client.schema is not None
        answer = await session.execute(GraphQLRequest("{ products { totalCount } }"))
        assert answer["products"]["totalCount"] >= 0


async def test_websockets_reconnects_by_itself(shop: Shop) -> None:
    """`connect` as an iterator tries again whenever the connection ends."""
    ada = await shop.customer()
    seen = 0
    async for socket in connect(f"ws://{ada.address}/graphql", subprotocols=[PROTOCOL]):
        init = {"type": "connection_init", "payload": {"authorization": ada.token}}
        await socket.send(orjson.dumps(init).decode())
        async with asyncio.timeout(PATIENCE):
            assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
        seen += 1
        if seen == 2:
            break
        await socket.close(1001)


async def test_the_example_in_the_documentation_works(shop: Shop) -> None:
    [example] = blocks(ROOT / "docs" / "clients.md", "python")
    ada, board = await shop.customer(), await shop.product()
    await place(ada, await create(ada, "10.00", {board: 1}), "my first boards")
    done = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        example.replace("127.0.0.1:8000", shop.api.address),
        env={**os.environ, "TOKEN": str(ada.token)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await done.communicate()
    assert said == b"Ada\nCOMPLETED\n"
