"""GraphQL over HTTP and websocket, with little work for clients that share the server's cores."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from domain.message import message

PROTOCOL = Subprotocol("graphql-transport-ws")


@message
class Address:
    """Where a server listens, on this machine."""

    port: int
    host: str = "127.0.0.1"


class HttpConnection:
    """One connection, kept open, for one request at a time; for asyncio."""

    def __init__(self, address: Address, token: str = "", headers: str = "") -> None:
        """`headers` are further ones, each with its end of line."""
        self._address = address
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._head = (
            f"POST /graphql HTTP/1.1\r\nHost: {address.host}:{address.port}\r\n"
            f"Content-Type: application/json\r\n{headers}{authorization}Content-Length: "
        ).encode()

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(
            self._address.host, self._address.port
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, body: bytes) -> bytes:
        """The body of the answer. Raises RuntimeError where its status is not 200."""
        self._writer.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await self._reader.readexactly(length)
        if b" 200 " not in head[:13]:
            raise RuntimeError(f"{head.decode()}{answer.decode()}")
        return answer

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of the answer. Raises RuntimeError where there are errors."""
        answer = json.loads(await self.post(request(query, variables)))
        if "errors" in answer:
            raise RuntimeError(answer["errors"])
        return answer["data"]


def request(query: str, variables: Mapping[str, Any] | None = None) -> bytes:
    """The body of a request."""
    return json.dumps({"query": query, "variables": variables or {}}).encode()


class Socket:
    """A websocket of one user, for any number of subscriptions; for asyncio."""

    def __init__(self, address: Address, token: str) -> None:
        self._url = f"ws://{address.host}:{address.port}/graphql"
        self._token = token
        self._subscribed: dict[str, asyncio.Queue[Any]] = {}

    async def __aenter__(self) -> Self:
        self._connection: ClientConnection = await connect(
            self._url, subprotocols=[PROTOCOL], compression=None, ping_interval=None
        )
        await self._send({"type": "connection_init", "payload": {"authorization": self._token}})
        await self._connection.recv()
        self._task = asyncio.create_task(self._receive())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await self._connection.close()

    async def subscribe(
        self, name: str, query: str, variables: Mapping[str, Any]
    ) -> asyncio.Queue[Any]:
        """Ask for the subscription; what comes of it is put into the queue: data, then None."""
        queue = self._subscribed[name] = asyncio.Queue[Any]()
        payload = {"query": query, "variables": variables}
        await self._send({"id": name, "type": "subscribe", "payload": payload})
        return queue

    async def _send(self, content: object) -> None:
        await self._connection.send(json.dumps(content))

    async def _receive(self) -> None:
        async for text in self._connection:
            content = json.loads(text)
            match content["type"]:
                case "next":
                    self._subscribed[content["id"]].put_nowait(content["payload"]["data"])
                case "complete":
                    self._subscribed.pop(content["id"]).put_nowait(None)
                case "error":
                    raise RuntimeError(content)
                case "ping":
                    await self._send({"type": "pong"})
                case unexpected:
                    raise RuntimeError(unexpected)
