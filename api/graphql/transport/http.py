"""GraphQL over HTTP: POST with JSON, GET for queries, and GraphiQL for browsers.

As https://graphql.github.io/graphql-over-http/draft says, whatever is a GraphQL request is answered
with 200, its errors in the body, unless the client asks for application/graphql-response+json.
"""

import asyncio

import orjson
from graphql import ExecutionResult, OperationType
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from api.graphql.admission import TooMany
from api.graphql.errors import BadUserInput, TooBusy
from api.graphql.execution.engine import Refused, Request, request_of
from api.graphql.services import Services
from api.graphql.transport.graphiql import graphiql_page
from api.graphql.transport.responses import answer
from api.graphql.transport.websocket import Connection
from infrastructure.errors import Overloaded
from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.rate_limits import client_of
from infrastructure.identity.tokens import Caller

LARGEST_BODY = 1 << 20  # bytes
MOST_DISCARDED = 64 << 20  # bytes that are read of a body that is too large, for the client's sake
BODY_TIMEOUT = 30.0  # seconds
JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


class Malformed(Exception):
    """The HTTP request holds no GraphQL request; `status` is the answer's."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


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
        try:
            response = await self._respond(http)
        except Malformed as error:
            failed = ExecutionResult(None, [BadUserInput(str(error))])
            body = answer(failed, http.state.request_id)
            response = Response(orjson.dumps(body), error.status, error.headers, JSON)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _respond(self, http: HttpRequest) -> Response:
        accepted = http.headers.get("accept", "")
        if http.method == "GET" and "query" not in http.query_params and "text/html" in accepted:
            return self._page()
        request = _asked(http) if http.method == "GET" else await _sent(http)
        try:
            with self._services.operations.hold(None):
                result, cost = await self._execute(http, request)
        except TooMany:
            result, cost = ExecutionResult(None, [TooBusy(1, str(Overloaded()))]), None
        body = answer(result, http.state.request_id, cost)
        if GRAPHQL_JSON in accepted:
            status = 200 if "data" in body else 400
            return Response(orjson.dumps(body), status, media_type=GRAPHQL_JSON)
        return Response(orjson.dumps(body), media_type=JSON)

    def _page(self) -> Response:
        if self._graphiql is None:
            raise Malformed(404, "GraphiQL is turned off; send operations by POST.")
        page, policy = self._graphiql
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    async def _execute(
        self, http: HttpRequest, request: Request
    ) -> tuple[ExecutionResult, int | None]:
        services = self._services
        client = client_of(http.client.host if http.client else "")
        caller, refused = self._caller(http)
        try:
            operation, cost = services.admit(request, caller, refused)
        except Refused as refusal:
            return ExecutionResult(None, refusal.errors), None
        if operation.kind is OperationType.SUBSCRIPTION:
            raise Malformed(400, "Subscriptions are sent over a websocket.")
        if http.method == "GET" and operation.kind is OperationType.MUTATION:
            raise Malformed(405, "Mutations are sent by POST.", {"Allow": "POST"})
        context = services.context(caller, client, http.state.request_id)
        return await services.execute(operation, request, context), cost

    def _caller(self, http: HttpRequest) -> tuple[Caller | None, InvalidToken | None]:
        authorization = http.headers.get("authorization")
        if authorization is None:
            return None, None
        try:
            return self._services.caller_of(authorization), None
        except InvalidToken as refusal:
            return None, refusal


def _asked(http: HttpRequest) -> Request:
    """The request in a URL's query."""
    given = http.query_params
    body: dict[str, object] = {name: given.get(name) for name in ("query", "operationName")}
    if "variables" in given:
        body["variables"] = _json(given["variables"].encode())
    return _request(body)


async def _sent(http: HttpRequest) -> Request:
    """The request in a POST's body."""
    if http.method != "POST":
        raise Malformed(405, "Operations are sent by POST.", {"Allow": "GET, POST"})
    media_type, _, parameters = http.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower()
    if media_type.strip().lower() != JSON or charset not in {"", "charset=utf-8"}:
        raise Malformed(415, "The content type must be application/json.")
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
    async for chunk in http.stream():
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
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed(400, "The request is not valid JSON.") from None


def _request(body: object) -> Request:
    try:
        return request_of(body)
    except BadUserInput as error:
        raise Malformed(400, error.message) from None
