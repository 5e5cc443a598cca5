"""Around every request: its id, security headers, measurements, and one line in the log."""

from collections.abc import Mapping
from time import perf_counter

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from api.call import call_of
from api.graphql.errors import Internal
from api.metrics import METHODS, REQUESTS

log = structlog.get_logger(__name__)

# As ASGI has them, because they go with every answer.
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class Direct:
    """ASGI application that hands the paths in `endpoints` straight to them, and the rest to `app`:
    what is called all the time goes through no router and no middleware."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = scope["type"] in {"http", "websocket"}
        app = self._endpoints.get(scope["path"], self._app) if direct else self._app
        await app(scope, receive, send)


class Edge:
    """ASGI middleware; `scope["state"]` gets the `call` that a request is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        call = scope.setdefault("state", {})["call"] = call_of(scope["headers"])
        bind_contextvars(request_id=call.id)  # for this task: each request has its own
        if call.parent is not None:
            bind_contextvars(trace_id=call.parent.trace.hex)
        if scope["type"] == "http":
            await self._serve(scope, receive, send, call.id.encode())
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: bytes) -> None:
        began = perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                own = {name for name, _ in headers}
                headers.append((b"x-request-id", request_id))
                headers += [header for header in SECURITY if header[0] not in own]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:  # `failure` has answered it, and it was raised on for us
            log.exception("request failed", path=scope["path"])
        seconds = perf_counter() - began
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        if not scope["state"].get("streams"):  # how long those take is for their clients to say
            REQUESTS.labels(method, status).observe(seconds)
        log.debug("request", path=scope["path"], status=status, seconds=round(seconds, 4))


async def failure(request: Request, _: Exception) -> Response:
    """What is answered when the endpoint itself breaks."""
    error = Internal.of(request.state.call.id)
    return JSONResponse({"errors": [error.formatted]}, 500)
