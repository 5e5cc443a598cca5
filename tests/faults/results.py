"""Customers who wait for their results over a websocket, and connect again whenever it breaks."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

RESULT = """subscription ($name: String!) { orderResult(executionName: $name) {
    status problem { code } } }"""
PROTOCOL = Subprotocol("graphql-transport-ws")


@dataclass
class Results:
    """What one customer was told of each execution; `repeated` counts what was told twice."""

    url: str
    token: str
    chance: random.Random
    told: dict[str, str] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)
    repeated: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    _socket: ClientConnection | None = None

    async def follow(self, name: str) -> None:
        """Ask for the result of the execution of that name, which may not have begun."""
        self.awaited.add(name)
        if self._socket is not None:
            await self._subscribe(self._socket, name)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Stay connected, as well as that can be done."""
        task = asyncio.create_task(self._stay_connected())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect()
            except (OSError, WebSocketException, TimeoutError):
                self._socket = None
                await asyncio.sleep(self.chance.uniform(0.1, 0.5))

    async def _connect(self) -> None:
        async with connect(
            self.url, subprotocols=[PROTOCOL], compression=None, open_timeout=5, close_timeout=1
        ) as socket:
            await _say(socket, type="connection_init", payload={"authorization": self.token})
            async with asyncio.timeout(5):
                await socket.recv()
            self.connections += 1
            for name in sorted(self.awaited):
                await self._subscribe(socket, name)
            self._socket = socket
            async for text in socket:
                await self._hear(socket, orjson.loads(text))

    async def _subscribe(self, socket: ClientConnection, name: str) -> None:
        payload = {"query": RESULT, "variables": {"name": name}}
        try:
            await _say(socket, type="subscribe", id=name, payload=payload)
        except WebSocketException:
            self._socket = None  # the next connection asks for it again

    async def _hear(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        name = message.get("id", "")
        match message["type"]:
            case "next" if message["payload"].get("data"):
                result = message["payload"]["data"]["orderResult"]
                self._note(name, f"{result['status']} {(result['problem'] or {}).get('code', '')}")
            case "error":
                await asyncio.sleep(self.chance.uniform(0.1, 0.5))
                await self._subscribe(socket, name)
            case _:
                pass

    def _note(self, name: str, result: str) -> None:
        if name in self.told:
            self.repeated[name] += 1
        assert self.told.setdefault(name, result) == result, f"{name}: two results"
        self.awaited.discard(name)


async def _say(socket: ClientConnection, **content: object) -> None:
    await socket.send(orjson.dumps(content).decode())
