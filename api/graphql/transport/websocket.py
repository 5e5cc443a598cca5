"""Operations over a websocket, by the graphql-transport-ws protocol and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md says what the messages and the
codes from 4400 on mean. Nothing is queued here: an operation goes on when its message was taken, so
a client that reads slowly costs one message for each of its operations, until it is given up.

Pages of any origin may connect: who somebody is stands in a message, not in a cookie, so a page
cannot borrow it.
"""

import asyncio
from collections.abc import Hashable, Mapping
from contextlib import aclosing, suppress
from typing import NoReturn

import orjson
import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect
from structlog.contextvars import bind_contextvars

from api.call import Call
from api.graphql.admission import TooMany
from api.graphql.errors import CallError, Internal, RateLimited
from api.graphql.execution.request import Refused, Request, request_of
from api.graphql.services import Services
from api.graphql.transport.credentials import Misplaced, given_in_header, given_in_payload
from api.graphql.transport.decoding import Unreadable, read_json
from api.graphql.transport.responses import error_list
from api.graphql.transport.results import answers
from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.rate_limits import client_of
from infrastructure.identity.tokens import Caller

log = structlog.get_logger(__name__)

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT = 10.0  # seconds
SEND_TIMEOUT = 10.0  # seconds
LONGEST_ID = 100  # characters
LONGEST_REASON = 120  # characters; a control frame has 125 bytes (RFC 6455, section 5.5)

# What ends by itself has a code after which clients try again, and nothing else has one:
# tests/api/test_close_codes.py holds them against the rule of graphql-ws.
INVALID = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
SUBPROTOCOL = 4406
INIT_TOO_LATE = 4408
ID_IN_USE = 4409
SECOND_INIT = 4429
BROKEN = 4500
TRY_AGAIN = 1013  # https://www.iana.org/assignments/websocket


class Closed(Exception):
    """The connection has to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One client's connection, from the handshake to its end."""

    def __init__(self, socket: WebSocket, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._client = client_of(socket.client.host if socket.client else "")
        self._caller: Caller | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve the client until it goes, breaks the protocol, or may no longer stay."""
        offered = self._socket.scope["subprotocols"]
        await self._socket.accept(PROTOCOL if PROTOCOL in offered else None)
        try:
            if PROTOCOL not in offered:
                raise Closed(SUBPROTOCOL, "Subprotocol not acceptable")
            await self._serve()
        except* Closed as closings:
            await self._close(_first(closings))
        except* WebSocketDisconnect:
            pass  # the client has gone: there is nobody to tell
        except* Exception as failures:
            log.exception("websocket failed", exc_info=failures)
            await self._close(Closed(BROKEN, "Something went wrong"))

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(INIT_TIMEOUT):
                payload = await self._initialise()
        except TimeoutError:
            raise Closed(INIT_TOO_LATE, "Connection initialisation timeout") from None
        self._caller = self._admit(payload)
        try:
            with self._services.connections.hold(self._key):
                async with asyncio.TaskGroup() as tasks:
                    await self._converse(tasks)
        except TooMany:
            raise Closed(TRY_AGAIN, "Too many connections; try again later") from None

    @property
    def _key(self) -> Hashable:
        """Who the connection and what is done over it are counted for."""
        return self._caller.user_id if self._caller else self._client

    async def _converse(self, tasks: asyncio.TaskGroup) -> NoReturn:
        await self._send({"type": "connection_ack"})
        if self._caller:
            tasks.create_task(self._until_over(self._caller))
        while True:
            match await self._receive():
                case {"type": "subscribe", "id": str(id), "payload": dict(payload)}:
                    self._begin(tasks, id, _request(payload))
                case {"type": "complete", "id": str(id)}:
                    if operation := self._operations.pop(id, None):
                        operation.cancel()
                case {"type": "ping"}:
                    await self._send({"type": "pong"})
                case {"type": "pong"}:
                    pass
                case {"type": "connection_init"}:
                    raise Closed(SECOND_INIT, "Too many initialisation requests")
                case _:
                    raise Closed(INVALID, "Invalid message")

    async def _initialise(self) -> object:
        """The payload of connection_init, when it has come."""
        while True:
            match await self._receive():
                case {"type": "connection_init", **rest}:
                    return rest.get("payload")
                case {"type": "ping"}:
                    await self._send({"type": "pong"})
                case {"type": "pong"}:
                    pass
                case {"type": "subscribe"}:
                    raise Closed(UNAUTHORIZED, "Unauthorized")
                case _:
                    raise Closed(INVALID, "Invalid message")

    def _admit(self, payload: object) -> Caller | None:
        """Who the client is, by the token in `payload` or else in the handshake."""
        if payload is not None and not isinstance(payload, dict):
            raise Closed(INVALID, "Invalid connection_init payload")
        try:
            token = given_in_payload(payload or {})
            if token is None:
                token = given_in_header(self._socket.headers.getlist("authorization"))
            return None if token is None else self._services.caller_of(token)
        except Misplaced as refusal:
            raise Closed(INVALID, str(refusal)) from None
        except InvalidToken as refusal:
            raise Closed(FORBIDDEN, str(refusal)) from None

    async def _until_over(self, caller: Caller) -> NoReturn:
        raise Closed(FORBIDDEN, await self._services.until_over(caller))

    def _begin(self, tasks: asyncio.TaskGroup, id: str, request: Request) -> None:
        if not 0 < len(id) <= LONGEST_ID:
            raise Closed(INVALID, "Invalid message")
        if id in self._operations:
            raise Closed(ID_IN_USE, f"Subscriber for {id[:20]!a} already exists")
        self._operations[id] = tasks.create_task(self._operate(id, request))

    async def _operate(self, id: str, request: Request) -> None:
        """Send one operation's results, then that it is complete, or why it failed."""
        call = Call.new()
        bind_contextvars(request_id=call.id)
        errors: list[GraphQLError] = []
        try:
            with self._services.subscriptions.hold(self._key):
                await self._answer(id, request, call)
        except TooMany:
            errors = [RateLimited(1, "Too many operations at once.")]
        except Refused as refusal:
            errors = refusal.errors
        except (Closed, WebSocketDisconnect):
            raise
        except Exception:  # the other operations of the connection go on
            log.exception("operation failed")
            errors = [Internal.of(call.id)]
        # From now on the client may use the id again.
        self._operations.pop(id, None)
        if errors:
            payload = error_list(errors, call.id)
            await self._send({"type": "error", "id": id, "payload": payload})
        else:
            await self._send({"type": "complete", "id": id})

    async def _answer(self, id: str, request: Request, call: Call) -> None:
        """Send the results. Raises Refused where it could not begin, or broke off."""
        operation, cost = self._services.admit(request, self._caller, None)
        context = self._services.context(self._caller, self._client, call)
        results = answers(self._services, operation, request, context, cost)
        async with aclosing(results):
            async for payload in results:
                await self._send({"type": "next", "id": id, "payload": payload})

    async def _receive(self) -> object:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if text is None:
            raise Closed(INVALID, "Messages must be JSON objects in text")
        try:
            return read_json(text)
        except Unreadable as error:
            raise Closed(INVALID, str(error)) from None

    async def _send(self, message: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await self._socket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            log.warning("websocket dropped: its client does not read", client=self._client)
            raise Closed(TRY_AGAIN, "Too slow: connect and ask again") from None

    async def _close(self, closed: Closed) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(SEND_TIMEOUT):
                await self._socket.close(closed.code, closed.reason[:LONGEST_REASON])


def _request(payload: dict[str, object]) -> Request:
    try:
        return request_of(payload)
    except CallError as error:
        raise Closed(INVALID, error.message) from None


def _first(closings: BaseExceptionGroup[Closed]) -> Closed:
    first = closings.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
