"""A whole shop under test: its runners and API in threads, clients that talk to it as any do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from threading import Thread
from time import sleep
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import orjson
import uvicorn
import uvloop
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from api.app import create_app
from api.graphql.services import Services
from api.http.server import server_config
from domain.commands import ListProduct, OpenAccount
from domain.recorded import Origin
from infrastructure.identity.tokens import AccessTokens, Role
from infrastructure.ids import new_id
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.runtime.descriptors import Room, raise_limit
from infrastructure.settings import Settings
from tests.identity.people import CHEAP
from tests.infrastructure.conftest import observed_projector, running

KEY = "k" * 32
NOBODY = UUID(int=0)
PATIENCE = 10.0
PROTOCOL = Subprotocol("graphql-transport-ws")
T = TypeVar("T")


class Api:
    """One API process, as a thread."""

    def __init__(self, settings: Settings, hasher: PasswordHasher = CHEAP, **server: Any) -> None:
        self.room = Room(raise_limit())
        self._app: Any = create_app(settings, room=self.room, hasher=hasher)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        config = server_config(self._app, keep_alive=settings.keep_alive, room=self.room, **server)
        self._server = uvicorn.Server(config)
        self._loop = uvloop.new_event_loop()
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve([self._listener]))

    @contextmanager
    def running(self) -> Iterator["Api"]:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            sleep(0.005)
        try:
            yield self
        finally:
            self.stop()
            self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        """What SIGTERM does."""
        self._server.should_exit = True

    @property
    def services(self) -> Services:
        app = self._app
        while not isinstance(app, FastAPI):
            app = app._app if hasattr(app, "_app") else app.app
        services: Services = app.state.services
        return services

    def sockets(self) -> list[socket.socket]:
        """Of the connections that are open."""
        open_now = self._server.server_state.connections
        return [each.transport.get_extra_info("socket") for each in list(open_now)]

    async def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it where the API runs."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))


@dataclass
class Client:
    """Somebody who uses the API; signed in where there is a `token`."""

    address: str
    token: str | None = None
    user_id: UUID = NOBODY
    account_id: UUID = NOBODY
    session_id: UUID = NOBODY

    async def send(self, document: str, **variables: object) -> dict[str, Any]:
        """The whole answer."""
        return (await self.post({"query": document, "variables": variables})).json()  # type: ignore[no-any-return]

    async def post(self, body: object, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with httpx.AsyncClient(timeout=PATIENCE, verify=False) as http:
            return await http.post(
                f"http://{self.address}/graphql",
                content=orjson.dumps(body, default=str),
                headers={
                    "Content-Type": "application/json",
                    **headers,
                    **options.pop("headers", {}),
                },
                **options,
            )

    async def data(self, document: str, **variables: object) -> dict[str, Any]:
        """The data, where there are no errors."""
        answer = await self.send(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def ask(self, document: str, **variables: object) -> Any:
        """The value of the only root field, where there are no errors."""
        [value] = (await self.data(document, **variables)).values()
        return value

    async def code(self, document: str, **variables: object) -> str:
        """The code of the only error."""
        [error] = (await self.send(document, **variables))["errors"]
        code: str = error["extensions"]["code"]
        return code

    async def get(self, headers: dict[str, str], path: str = "/graphql") -> httpx.Response:
        async with httpx.AsyncClient(timeout=PATIENCE, verify=False) as http:
            return await http.get(f"http://{self.address}{path}", headers=headers)

    def connection(self) -> connect:
        """A websocket on which nothing has been said yet."""
        address = f"ws://{self.address}/graphql"
        return connect(address, subprotocols=[PROTOCOL], compression=None)

    @asynccontextmanager
    async def socket(self, payload: object = None) -> AsyncIterator[ClientConnection]:
        """A websocket that has been acknowledged."""
        if payload is None and self.token:
            payload = {"authorization": f"Bearer {self.token}"}
        async with self.connection() as socket:
            await say(socket, type="connection_init", payload=payload)
            assert await hear(socket) == {"type": "connection_ack"}
            yield socket

    @asynccontextmanager
    async def follow(self, document: str, **variables: object) -> AsyncIterator["Following"]:
        """A subscription on a websocket of its own; it is heard when this is entered."""
        async with self.socket() as socket:
            payload = {"query": document, "variables": variables}
            await say(socket, type="subscribe", id="1", payload=payload)
            # Answered in order: when the pong is here, the subscription has begun.
            await say(socket, type="ping")
            following = Following(socket)
            await following.until_pong()
            yield following


class Following:
    """What comes of one subscription."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._early: list[dict[str, Any]] = []

    async def until_pong(self) -> None:
        while (message := await hear(self._socket)) != {"type": "pong"}:
            self._early.append(message)

    async def message(self) -> dict[str, Any]:
        return self._early.pop(0) if self._early else await hear(self._socket)

    async def next(self) -> Any:
        """The value of the root field of the next message."""
        message = await self.message()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        [value] = message["payload"]["data"].values()
        return value

    async def rest(self) -> list[Any]:
        """All values until it is complete."""
        values = []
        while (message := await self.message())["type"] != "complete":
            assert message["type"] == "next", message
            values.extend(message["payload"]["data"].values())
        return values


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # it happens in another thread
            await asyncio.sleep(0.005)


async def say(socket: ClientConnection, **message: object) -> None:
    await socket.send(orjson.dumps(message, default=str).decode())


async def hear(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        message: dict[str, Any] = orjson.loads(await socket.recv())
    return message


@dataclass
class Shop:
    """The shop, and shortcuts for what a test takes for granted."""

    url: str
    settings: Settings
    api: Api
    stack: ExitStack = field(repr=False)

    def another_api(self) -> Api:
        """A second API process of the same shop."""
        return self.stack.enter_context(Api(self.settings).running())

    def visitor(self) -> Client:
        return Client(self.api.address)

    async def customer(self, money: int = 1_000_00, role: Role = "USER") -> Client:
        """Somebody signed in, with an account that holds `money` in minor units."""
        user, account, session = new_id(), new_id(), new_id()
        await self.api.call(self._add(user, account, session, role, money))
        token, _ = AccessTokens([KEY]).issue(user, role, session)
        return Client(self.api.address, token, user, account, session)

    async def admin(self) -> Client:
        return await self.customer(role="ADMIN")

    async def product(self, price: int = 10_00, quantity: int = 10, name: str = "Board") -> str:
        """The id of a new product; `price` in minor units."""
        product = new_id()
        await self.api.call(self._dispatch(ListProduct(product, name, "/b.svg", price, quantity)))
        return str(product)

    async def _add(self, user: UUID, account: UUID, session: UUID, role: Role, money: int) -> None:
        values = {"user": user, "account": account, "session": session, "role": role}
        async with self.api.services.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO users (user_id, email, email_key, name, role, password_hash,"
                " email_verified, account_id, opening_deposit, created_at) VALUES (%(user)s,"
                " %(user)s || '@shop.test', %(user)s || '@shop.test', 'Ada', %(role)s, '', true,"
                " %(account)s, 0, now())",
                values,
            )
            await connection.execute(
                "INSERT INTO sessions (session_id, user_id, opened_at)"
                " VALUES (%(session)s, %(user)s, now())",
                values,
            )
        await self._dispatch(OpenAccount(account, user, money))

    async def _dispatch(self, command: ListProduct | OpenAccount) -> None:
        services = self.api.services
        dispatched = await services.dispatcher.dispatch(
            command, origin=Origin(None, uuid4(), "test")
        )
        await services.follower.wait_for(dispatched.position)


def settings_for(url: str, **changes: Any) -> Settings:
    """The shop's settings on this database."""
    return Settings(database_url=SecretStr(url), secret_key=SecretStr(KEY), **changes)


@contextmanager
def whole_shop(url: str, *, hasher: PasswordHasher = CHEAP, **changes: Any) -> Iterator[Shop]:
    """The shop on this database, its process manager and its projector running."""
    settings = settings_for(url, **changes)
    with ExitStack() as stack:
        stack.enter_context(running(url, ProcessManager()))
        stack.enter_context(running(url, observed_projector()))
        api = stack.enter_context(Api(settings, hasher).running())
        yield Shop(url, settings, api, stack)
