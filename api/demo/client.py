"""Somebody who uses a running shop from outside: GraphQL by HTTP, and by graphql-transport-ws."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


class Unexpected(Exception):
    """The shop does something else than it should; the text is one line."""


@dataclass(slots=True)
class Client:
    """One person; signed in where there is a `token`."""

    http: httpx.AsyncClient
    name: str
    token: str | None = None

    async def ask(self, document: str, **variables: object) -> Any:
        """The value of the document's only field. Raises Unexpected or httpx.HTTPError."""
        response = await self.http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
        )
        try:
            return _value(response.json())
        except ValueError:
            raise Unexpected(f"HTTP {response.status_code} without JSON") from None

    @asynccontextmanager
    async def follow(self, document: str, **variables: object) -> AsyncIterator[AsyncIterator[Any]]:
        """What a subscription sends until it is complete; it has begun when this is entered.

        Raises Unexpected, OSError or websockets.WebSocketException.
        """
        url = self.http.base_url.copy_with(
            scheme={"http": "ws", "https": "wss"}[self.http.base_url.scheme]
        )
        async with connect(str(url.join("/graphql")), subprotocols=[PROTOCOL]) as socket:
            payload = {"authorization": f"Bearer {self.token}"} if self.token else {}
            await _say(socket, {"type": "connection_init", "payload": payload})
            if (message := await _hear(socket)) != {"type": "connection_ack"}:
                raise Unexpected(f"The websocket answers {message}")
            subscription = {"query": document, "variables": variables}
            await _say(socket, {"type": "subscribe", "id": "1", "payload": subscription})
            # Messages are taken in turn: when the ping is answered, the subscription has begun.
            await _say(socket, {"type": "ping"})
            early = []
            while (message := await _hear(socket))["type"] != "pong":
                early.append(message)
            yield _values(socket, early)


async def _values(socket: ClientConnection, early: list[dict[str, Any]]) -> AsyncIterator[Any]:
    while True:
        message = early.pop(0) if early else await _hear(socket)
        match message:
            case {"type": "next", "payload": payload}:
                yield _value(payload)
            case {"type": "complete"}:
                return
            case {"type": "error", "payload": [error, *_]}:
                raise Unexpected(error["message"])
            case _:
                raise Unexpected(f"The websocket sends {message}")


def _value(answer: dict[str, Any]) -> Any:
    if errors := answer.get("errors"):
        raise Unexpected(errors[0]["message"])
    [value] = answer["data"].values()
    return value


async def _say(socket: ClientConnection, message: dict[str, object]) -> None:
    await socket.send(orjson.dumps(message).decode())


async def _hear(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(await socket.recv())
    return message
