"""uvicorn as the shop uses it: its limits, and how a connection ends whose peer is gone.

A peer that vanishes without a word is found out by what it does not answer: websocket pings, or
what TCP has sent it. A client that was only asleep finds a close code when it wakes after which it
comes back: uvicorn's own is 1011, after which graphql-ws does not, nor after a connection that
breaks without any.
"""

import asyncio
import socket
from functools import partial
from typing import Any

import uvicorn
from httptools import HttpParserError
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from infrastructure.runtime.descriptors import Room

LARGEST_HEAD = 32 * 1024  # bytes of a request's first line and headers
MESSAGE_SIZE = 1024 * 1024  # bytes of a websocket message
PING_INTERVAL = 15.0  # seconds
PING_TIMEOUT = 15.0  # seconds
INTERNET = (socket.AF_INET, socket.AF_INET6)
UNANSWERED = 25  # seconds that what was sent may wait to be acknowledged by the peer's TCP
CLOSING = 11.0  # seconds that a peer has to take the last of what was sent; uvicorn's are 10
TERMINATED = 4499  # graphql-ws closes a socket of its own with it that seems frozen
DRAIN = 15  # seconds that calls under way have to end in
FULL = STATUS_LINE[503] + b"retry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE = f"The request's headers are larger than {LARGEST_HEAD:,} bytes."


def server_config(app: ASGIApp, *, keep_alive: int, room: Room, **changes: Any) -> uvicorn.Config:
    """How the API is served; `keep_alive` is in seconds, `room` for how many clients."""
    usual = {
        "loop": "uvloop",
        "http": partial(Http, room=room),
        "ws": WebSockets,
        "ws_max_size": MESSAGE_SIZE,
        "ws_ping_interval": PING_INTERVAL,
        "ws_ping_timeout": PING_TIMEOUT,
        "lifespan": "on",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": keep_alive,
        "timeout_graceful_shutdown": DRAIN,
    }
    return uvicorn.Config(app, **{**usual, **changes})


class Http(HttpToolsProtocol):
    """HTTP whose heads have a greatest size, and whose streams end when the server does."""

    _head = 0  # bytes of the request's head so far, None while its body comes
    _streams = False
    _waiting = 0  # bytes that no callback has told of yet

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._room = room

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        if not self._room.admit(self.connections):
            transport.write(FULL)
            transport.close()

    def begin_stream(self) -> None:
        """What is answered now has no end of its own. Its client, who answers nothing, is taken for
        gone when its TCP acknowledges nothing."""
        self._streams = True
        connection = self.transport.get_extra_info("socket")
        # Linux; elsewhere the system's own patience counts.
        if hasattr(socket, "TCP_USER_TIMEOUT") and connection.family in INTERNET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED * 1000)

    def abort(self) -> None:
        """Drop the connection, with what its client has not taken yet."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._waiting += len(data)
        super().data_received(data)
        if self._waiting > LARGEST_HEAD and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._waiting = 0
        self.scope["state"]["connection"] = self
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._waiting = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._waiting = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._head > LARGEST_HEAD:
            self._refuse()
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        if self._streams:
            self.transport.close()  # its client comes back
        else:
            super().shutdown()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > LARGEST_HEAD:
            raise HttpParserError(TOO_LARGE)

    def _refuse(self) -> None:
        content = TOO_LARGE.encode()
        self.transport.write(
            STATUS_LINE[431]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            + b"content-length: %d\r\n\r\n" % len(content)
            + content
        )
        self.transport.close()


class WebSockets(WebSocketsSansIOProtocol):
    """Websockets that drop a peer which answers no pings, or does not take its last message."""

    _end: asyncio.TimerHandle | None = None

    def keepalive_timeout(self) -> None:
        self.pong_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(TERMINATED, "No answer to a ping; connect again")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.disconnected = True
        # Its place is free from now on, whether or not it takes the last word.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": TERMINATED})
        self.transport.close()
        self._abort_later()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.disconnected:
            self._abort_later()

    def _abort_later(self) -> None:
        self._end = self.loop.call_later(CLOSING, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)
