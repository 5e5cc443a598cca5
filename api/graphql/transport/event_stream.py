"""The results of an operation as server-sent events, over plain HTTP.

The "distinct connections mode" of
https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, with the framing of
https://html.spec.whatwg.org/multipage/server-sent-events.html. What holds for websockets holds
here: who may stay no longer, does not read or is gone is let go of. A stream that ends without
`complete` was broken off; clients open it again.
"""

import asyncio
from collections.abc import AsyncGenerator, Hashable, Mapping
from contextlib import aclosing, suppress
from typing import Protocol

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from api.graphql.context import Context
from api.graphql.errors import Internal
from api.graphql.execution.request import Refused
from api.graphql.services import Services
from api.graphql.transport.negotiation import EVENT_STREAM
from api.graphql.transport.responses import error_list

log = structlog.get_logger(__name__)

BEAT = 10.0  # seconds; with what TCP waits for an answer, who is gone is noticed within 45
LONGEST = 900.0  # seconds, as an access token lives: who is frozen acknowledges what is sent
SEND_TIMEOUT = 10.0  # seconds
# Without the last one, nginx would keep what it is sent until a buffer is full.
HEADERS = [
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"x-accel-buffering", b"no"),
]


class Peer(Protocol):
    """The connection under a stream, as `api.http.server` has it."""

    def begin_stream(self) -> None:
        """What is answered now has no end of its own."""

    def abort(self) -> None:
        """Drop the connection."""


class EventStream:
    """ASGI application that sends the payloads of one operation, which may raise Refused, or why
    there are none."""

    def __init__(
        self,
        services: Services,
        context: Context,
        payloads: AsyncGenerator[dict[str, object], None] | Refused,
    ) -> None:
        self._services = services
        self._context = context
        self._payloads = payloads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until all is said. Raises TooMany before anything is sent."""
        key = self._key
        with self._services.connections.hold(key), self._services.subscriptions.hold(key):
            connection: Peer = scope["state"]["connection"]
            connection.begin_stream()
            scope["state"]["streams"] = True
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            try:
                if last := await self._converse(receive, send):
                    await _write(send, last, more=False)
            except TimeoutError:
                log.warning("stream dropped: its client does not read", client=self._context.client)
                connection.abort()
                await asyncio.sleep(0)  # the connection is lost then

    @property
    def _key(self) -> Hashable:
        """Who the stream is counted for."""
        caller = self._context.caller
        return caller.user_id if caller else self._context.client

    async def _converse(self, receive: Receive, send: Send) -> str | None:
        """What is to be sent last; None where there is nobody any more to send it to.

        Raises TimeoutError where the client does not read.
        """
        gone = asyncio.create_task(_until_gone(receive))
        ways = [
            gone,
            *map(asyncio.create_task, (self._tell(send), self._until_over(), _beat(send))),
        ]
        try:
            ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
        return None if gone in ended else next(iter(ended)).result()

    async def _tell(self, send: Send) -> str:
        """Send the payloads."""
        try:
            if isinstance(self._payloads, Refused):
                raise self._payloads
            async with aclosing(self._payloads) as payloads:
                async for payload in payloads:
                    await _write(send, _event("next", payload))
        except Refused as refusal:
            errors = error_list(refusal.errors, self._context.call.id)
            await _write(send, _event("next", {"errors": errors}))
        except TimeoutError:
            raise
        except Exception:  # whatever it was: the log has it, and the client its end
            log.exception("operation failed")
            failed = Internal.of(self._context.call.id).formatted
            await _write(send, _event("next", {"errors": [failed]}))
        return _event("complete", None)

    async def _until_over(self) -> str:
        reason = "This stream has been open for long enough; open it again."
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                if self._context.caller is not None:
                    reason = await self._services.until_over(self._context.caller)
                else:
                    await asyncio.Event().wait()
        return f": {reason}\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _beat(send: Send) -> str:
    """Send comments, for ever: they keep proxies from closing, and find out who is gone."""
    while True:
        await _write(send, ":\n\n")
        await asyncio.sleep(BEAT)


def _event(name: str, payload: Mapping[str, object] | None) -> str:
    data = "" if payload is None else orjson.dumps(payload).decode()
    return f"event: {name}\ndata: {data}\n\n"


async def _write(send: Send, text: str, *, more: bool = True) -> None:
    """Raises TimeoutError where the client does not read."""
    async with asyncio.timeout(SEND_TIMEOUT):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})
