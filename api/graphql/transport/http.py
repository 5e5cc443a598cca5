"""GraphQL over HTTP: POST with JSON, GET for queries, event streams, and GraphiQL for browsers.

As https://graphql.github.io/graphql-over-http/draft says. To who asks for application/json,
whatever is a GraphQL request is answered with 200, its errors in the body, as it always was; to who
asks for application/graphql-response+json the status says what went wrong.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import orjson
from graphql import ExecutionResult, OperationType
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api import failures
from api.failures import Failure
from api.graphql.admission import TooMany
from api.graphql.errors import BadUserInput, CallError, RateLimited, TooBusy
from api.graphql.execution.engine import Operation
from api.graphql.execution.request import Refused, Request, request_of
from api.graphql.services import Services
from api.graphql.transport.credentials import Misplaced, given_in_header
from api.graphql.transport.decoding import Unreadable, read_json
from api.graphql.transport.event_stream import EventStream
from api.graphql.transport.graphiql import graphiql_page
from api.graphql.transport.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    HTML,
    JSON,
    Accepted,
    is_json,
)
from api.graphql.transport.responses import answer, failure_behind
from api.graphql.transport.results import answers
from api.graphql.transport.websocket import Connection
from infrastructure.errors import Overloaded
from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.rate_limits import client_of
from infrastructure.identity.tokens import Caller

LARGEST_BODY = 1 << 20  # bytes
MOST_DISCARDED = 64 << 20  # bytes that are read of a body that is too large, for the client's sake
BODY_TIMEOUT = 30.0  # seconds
READING = ("GET", "HEAD")
ASKED = frozenset({"query", "documentId", "extensions"})
# With `data: null` an operation has been executed, and 200 is recommended. These are the exceptions
# upon which proxies and clients can act.
ACTED_UPON = frozenset(
    {
        failures.UNAUTHENTICATED,
        failures.RATE_LIMITED,
        failures.OVERLOADED,
        failures.UNAVAILABLE,
    }
)


class Malformed(Exception):
    """The HTTP request holds no GraphQL request; `status` is the answer's."""

    def __init__(
        self, status: int, message: str | CallError, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(message))
        self.status = status
        self.error = BadUserInput(message) if isinstance(message, str) else message
        self.headers = headers or {}


class GraphQLEndpoint:
    """The ASGI application at /graphql, for HTTP and websockets."""

    def __init__(self, services: Services, *, graphiql: bool) -> None:
        self._services = services
        self._graphiql = graphiql_page() if graphiql else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await Connection(WebSocket(scope, receive, send), self._services).run()
            return
        http = HttpRequest(scope, receive)
        accepted = Accepted.of(http.headers.getlist("accept"))
        try:
            response = await self._respond(http, accepted)
        except Malformed as error:
            response = _malformed(http, accepted, error)
        except ClientDisconnect:
            return
        try:
            await response(scope, receive, send)
        except TooMany:  # a stream that has not begun
            refused = ExecutionResult(None, [RateLimited(5, "Too many streams at once.")])
            await _written(http, GRAPHQL_JSON, refused)(scope, receive, send)

    async def _respond(self, http: HttpRequest, accepted: Accepted) -> ASGIApp:
        reads = http.method in READING
        if reads and ASKED.isdisjoint(http.query_params) and accepted.names(HTML):
            return self._page()
        kind = _kind(accepted)
        if kind is None:
            raise Malformed(406, f"Answers are {GRAPHQL_JSON}, {JSON} or {EVENT_STREAM}.")
        request = _asked(http) if reads else await _sent(http)
        caller, refused = self._caller(http)
        client = client_of(http.client.host if http.client else "")
        context = self._services.context(caller, client, http.state.call)
        try:
            with self._services.operations.hold(None):
                operation, cost = self._services.admit(request, caller, refused)
                streams = _streams(http, accepted, kind, operation)
                if not streams:
                    result = await self._services.execute(operation, request, context)
                    return _written(http, kind, result, cost)
        except TooMany:
            busy = ExecutionResult(None, [TooBusy(1, str(Overloaded()))])
            return _written(http, kind, busy)
        except Refused as refusal:
            if kind != EVENT_STREAM:
                return _written(http, kind, ExecutionResult(None, refusal.errors))
            return EventStream(self._services, context, refusal)
        results = answers(self._services, operation, request, context, cost)
        return EventStream(self._services, context, results)

    def _page(self) -> Response:
        if self._graphiql is None:
            raise Malformed(404, "GraphiQL is turned off; send operations by POST.")
        page, policy = self._graphiql
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    def _caller(self, http: HttpRequest) -> tuple[Caller | None, InvalidToken | None]:
        try:
            token = given_in_header(http.headers.getlist("authorization"))
            return None if token is None else self._services.caller_of(token), None
        except Misplaced as error:
            raise Malformed(400, str(error)) from None
        except InvalidToken as refusal:
            return None, refusal


def _kind(accepted: Accepted) -> str | None:
    """The media type of the answer: streams only for who names them, and where JSON is not liked as
    much; JSON as it always was for who takes anything. None where none is taken."""
    types = [GRAPHQL_JSON, JSON] if accepted.names(GRAPHQL_JSON) else [JSON, GRAPHQL_JSON]
    if accepted.names(EVENT_STREAM):
        types.append(EVENT_STREAM)
    return accepted.best(types)


def _streams(http: HttpRequest, accepted: Accepted, kind: str, operation: Operation) -> bool:
    """Whether the answer is a stream. Raises Malformed where the method is not the operation's."""
    if operation.kind is OperationType.MUTATION and http.method in READING:
        raise Malformed(405, "Mutations are sent by POST.", {"Allow": "POST"})
    if operation.kind is not OperationType.SUBSCRIPTION:
        return kind == EVENT_STREAM
    if http.method == "HEAD" or not accepted.names(EVENT_STREAM):
        raise Malformed(
            400,
            "Subscriptions are sent over a websocket,"
            f" or answered as a stream where the request has Accept: {EVENT_STREAM}.",
        )
    return True


def _written(
    http: HttpRequest, kind: str, result: ExecutionResult, cost: int | None = None
) -> Response:
    """The answer as JSON."""
    body = answer(result, http.state.call.id, cost)
    content = orjson.dumps(body)
    if kind != GRAPHQL_JSON:
        return Response(content, media_type=f"{JSON}; charset=utf-8")
    status, headers = 200, dict[str, str]()
    if body.get("data") is None and result.errors:
        # The shop's own before the caller's.
        failure = max(map(failure_behind, result.errors), key=lambda failure: failure.status)
        if "data" not in body or failure in ACTED_UPON:
            status, headers = failure.status, _advice(failure, body["errors"])
    return Response(content, status, headers, f"{GRAPHQL_JSON}; charset=utf-8")


def _advice(failure: Failure, errors: Any) -> dict[str, str]:
    """The headers that go with the status of a failure."""
    if failure == failures.UNAUTHENTICATED:
        return {"WWW-Authenticate": "Bearer"}
    waits = [error["extensions"].get("retryAfter", 1) for error in errors]
    return {"Retry-After": str(max(waits))} if failure.ends_by_itself else {}


def _malformed(http: HttpRequest, accepted: Accepted, error: Malformed) -> Response:
    body = answer(ExecutionResult(None, [error.error]), http.state.call.id)
    kind = GRAPHQL_JSON if _kind(accepted) == GRAPHQL_JSON else JSON
    media_type = f"{kind}; charset=utf-8"
    return Response(orjson.dumps(body), error.status, dict(error.headers), media_type)


def _asked(http: HttpRequest) -> Request:
    """The request in a URL's query."""
    given = http.query_params
    body: dict[str, object] = {
        name: given.get(name) for name in ("query", "operationName", "documentId")
    }
    for name in ("variables", "extensions"):
        if name in given:
            body[name] = _json(given[name].encode())
    return _request(body)


async def _sent(http: HttpRequest) -> Request:
    """The request in a POST's body."""
    if http.method != "POST":
        raise Malformed(405, "Operations are sent by POST.", {"Allow": "GET, HEAD, POST"})
    if not is_json(http.headers.get("content-type", "")):
        raise Malformed(415, "The content type must be application/json, in UTF-8.")
    encoding = http.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Malformed(415, "The request must not be compressed.", {"Accept-Encoding": "identity"})
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await _body(http)
    except TimeoutError:
        raise Malformed(408, "The request took too long to arrive.") from None
    return _request(_json(body))


async def _body(http: HttpRequest) -> bytes:
    """The body, of which no more than is allowed is ever kept."""
    chunks: list[bytes] = []
    size = 0
    async with aclosing(http.stream()) as stream:
        async for chunk in stream:
            size += len(chunk)
            if size > MOST_DISCARDED:
                break
            if size <= LARGEST_BODY:
                chunks.append(chunk)
    if size > LARGEST_BODY:
        raise Malformed(413, f"The request is larger than {LARGEST_BODY:,} bytes.")
    return b"".join(chunks)


def _json(text: bytes) -> object:
    try:
        return read_json(text)
    except Unreadable as error:
        raise Malformed(400, str(error)) from None


def _request(body: object) -> Request:
    try:
        return request_of(body)
    except CallError as error:
        raise Malformed(400, error) from None
