"""Around every request: its id, security headers, measurements, and one line in the log."""

from time import perf_counter
from uuid import UUID

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from api.errors import Internal
from api.metrics import METHODS, REQUESTS
from api.validation import parse_uuid
from infrastructure.ids import new_id

log = structlog.get_logger(__name__)

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Edge:
    """ASGI middleware; `scope["state"]` gets the `request_id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        with bound_contextvars(request_id=str(request_id)):
            if scope["type"] == "http":
                await self._serve(scope, receive, send, request_id)
            else:
                await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: UUID) -> None:
        began = perf_counter()
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = str(request_id)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed", path=scope["path"])
        seconds = perf_counter() - began
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        REQUESTS.labels(method, status).observe(seconds)
        log.debug("request", path=scope["path"], status=status, seconds=round(seconds, 4))


async def failure(request: Request, _: Exception) -> Response:
    """What is answered when the endpoint itself breaks."""
    request_id = request.state.request_id
    error = Internal(f"Something went wrong; request id {request_id}.", requestId=str(request_id))
    return JSONResponse({"errors": [error.formatted]}, 500)


def _request_id(headers: Headers) -> UUID:
    """The client's own, where it is a UUID."""
    return parse_uuid(headers.get("x-request-id", "")) or new_id()
