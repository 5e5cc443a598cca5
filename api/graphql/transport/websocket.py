"""Operations over a websocket, by the graphql-transport-ws protocol and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md says what the messages and the
codes from 4400 on mean. Nothing is queued here: an operation goes on when its message was taken, so
a client that reads slowly costs one message for each of its operations, until it is given up.

Pages of any origin may connect: who somebody is stands in a message, not in a cookie, so a page
cannot borrow it.
"""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import NoReturn

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect
from structlog.contextvars import bind_contextvars

from api.graphql.admission import TooMany
from api.graphql.context import Context
from api.graphql.errors import BadUserInput, RateLimited
from api.graphql.execution.engine import Refused, Request, request_of
from api.graphql.services import Services
from api.graphql.transport.responses import answer, error_list
from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.rate_limits import client_of
from infrastructure.identity.tokens import Caller
from infrastructure.ids import new_id

log = structlog.get_logger(__name__)

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT = 10.0  # seconds
SEND_TIMEOUT = 10.0  # seconds
LONGEST_ID = 100  # characters


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
                raise Closed(4406, "Subprotocol not acceptable")
            await self._serve()
        except* Closed as closings:
            await self._close(_first(closings))
        except* WebSocketDisconnect:
            pass  # the client has gone: there is nobody to tell
        except* Exception as failures:
            log.exception("websocket failed", exc_info=failures)
            await self._close(Closed(1011, "Something went wrong"))

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(INIT_TIMEOUT):
                payload = await self._initialise()
        except TimeoutError:
            raise Closed(4408, "Connection initialisation timeout") from None
        self._caller = self._admit(payload)
        try:
            with self._services.connections.hold(self._key):
                async with asyncio.TaskGroup() as tasks:
                    await self._converse(tasks)
        except TooMany:
            raise Closed(4429, "Too many connections") from None

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
                    raise Closed(4429, "Too many initialisation requests")
                case _:
                    raise Closed(4400, "Invalid message")

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
                    raise Closed(4401, "Unauthorized")
                case _:
                    raise Closed(4400, "Invalid message")

    def _admit(self, payload: object) -> Caller | None:
        if payload is None:
            return None
        if not isinstance(payload, dict):
            raise Closed(4400, "Invalid connection_init payload")
        # GraphiQL sends its request headers, named as they were typed.
        tokens = [value for name, value in payload.items() if name.lower() == "authorization"]
        if not tokens or tokens[0] is None:
            return None
        try:
            return self._services.caller_of(tokens[0])
        except InvalidToken as refusal:
            raise Closed(4403, str(refusal)) from None

    async def _until_over(self, caller: Caller) -> NoReturn:
        left = (caller.expires_at - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(left):
                await self._services.watch.wait_until_ended(caller.session_id)
        except TimeoutError:
            raise Closed(4403, "The access token has expired.") from None
        raise Closed(4403, "The session has ended.")

    def _begin(self, tasks: asyncio.TaskGroup, id: str, request: Request) -> None:
        if not 0 < len(id) <= LONGEST_ID:
            raise Closed(4400, "Invalid message")
        if id in self._operations:
            raise Closed(4409, f"Subscriber for {id[:20]} already exists")
        self._operations[id] = tasks.create_task(self._operate(id, request))

    async def _operate(self, id: str, request: Request) -> None:
        """Send one operation's results, then that it is complete, or why it failed."""
        context = self._services.context(self._caller, self._client, new_id())
        bind_contextvars(request_id=str(context.request_id))
        try:
            with self._services.subscriptions.hold(self._key):
                errors = await self._execute(id, request, context)
        except TooMany:
            errors = [RateLimited(1, "Too many operations at once.")]
        except Refused as refusal:
            errors = refusal.errors
        # From now on the client may use the id again.
        self._operations.pop(id, None)
        if errors:
            payload = error_list(errors, context.request_id)
            await self._send({"type": "error", "id": id, "payload": payload})
        else:
            await self._send({"type": "complete", "id": id})

    async def _execute(
        self, id: str, request: Request, context: Context
    ) -> Sequence[GraphQLError] | None:
        """Send the results; the errors, where it could not begin or broke off."""
        operation, cost = self._services.admit(request, self._caller, None)
        engine = self._services.engine
        if operation.kind is not OperationType.SUBSCRIPTION:
            with self._services.operations.hold(None):
                result = await self._services.execute(operation, request, context)
            await self._send_next(id, result, context, cost)
            return None
        results = await engine.subscribe(operation, request.variables, context)
        if isinstance(results, ExecutionResult):
            return results.errors
        async with aclosing(results):
            try:
                async for result in results:
                    await self._send_next(id, result, context, cost)
            except (Closed, WebSocketDisconnect):
                raise
            except Exception as error:  # the client is told, by its code
                return [GraphQLError("", path=list(operation.fields), original_error=error)]
        return None

    async def _send_next(
        self, id: str, result: ExecutionResult, context: Context, cost: int
    ) -> None:
        payload = answer(result, context.request_id, cost)
        await self._send({"type": "next", "id": id, "payload": payload})

    async def _receive(self) -> object:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        try:
            return orjson.loads(message["text"])
        except (KeyError, TypeError, orjson.JSONDecodeError):
            raise Closed(4400, "Messages must be JSON objects in text") from None

    async def _send(self, message: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await self._socket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            log.warning("websocket dropped: its client does not read", client=self._client)
            raise Closed(1013, "Too slow: connect and ask again") from None

    async def _close(self, closed: Closed) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(SEND_TIMEOUT):
                await self._socket.close(closed.code, closed.reason)


def _request(payload: dict[str, object]) -> Request:
    try:
        return request_of(payload)
    except BadUserInput:
        raise Closed(4400, "Invalid message") from None


def _first(closings: BaseExceptionGroup[Closed]) -> Closed:
    first = closings.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
