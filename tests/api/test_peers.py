"""Peers that vanish or freeze free their place, whatever speaks websockets under uvicorn."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from starlette.types import Send
from websockets.frames import Frame, Opcode

from api.graphql.transport import event_stream
from api.http import server
from tests.api.asking import EVENT_STREAM
from tests.api.shop import Api, Shop, settings_for, until

FOLLOW = orjson.dumps({"query": "subscription { productChanged { id } }"})
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
POST = (
    "POST /graphql HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    f"Accept: {EVENT_STREAM}\r\nContent-Length: {len(FOLLOW)}\r\n\r\n"
).encode() + FOLLOW


@asynccontextmanager
async def peer(api: Api) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare TCP connection."""
    host, port = api.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


def message(text: bytes) -> bytes:
    """A message as a client frames it."""
    return Frame(Opcode.TEXT, text).serialize(mask=True)


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(message(b'{"type":"connection_init"}'))
    await reader.readuntil(b'connection_ack"}')


def connections(api: Api) -> int:
    return api.services.connections.total


def test_all_that_is_waited_for_is_less_than_45_seconds() -> None:
    assert server.PING_INTERVAL + server.PING_TIMEOUT < 45
    assert event_stream.BEAT + server.UNANSWERED < 45
    assert event_stream.SEND_TIMEOUT < 45


async def test_who_answers_no_ping_loses_their_place_with_a_code_to_come_back(shop: Shop) -> None:
    impatient = Api(settings_for(shop.url), ws_ping_interval=0.2, ws_ping_timeout=0.3)
    with impatient.running():
        async with peer(impatient) as (reader, writer):
            await shake_hands(reader, writer)
            await until(lambda: connections(impatient) == 1)
            await until(lambda: connections(impatient) == 0)
            assert server.TERMINATED.to_bytes(2) in await reader.read()


async def test_who_answers_pings_keeps_their_place(shop: Shop) -> None:
    impatient = Api(settings_for(shop.url), ws_ping_interval=0.1, ws_ping_timeout=0.2)
    with impatient.running():
        async with peer(impatient) as (reader, writer):
            await shake_hands(reader, writer)
            for _ in range(5):
                ping = await reader.readexactly(6)
                assert ping[:2] == bytes([0x80 | Opcode.PING, 4])
                writer.write(Frame(Opcode.PONG, ping[2:]).serialize(mask=True))
            assert connections(impatient) == 1
        await until(lambda: connections(impatient) == 0)


async def test_who_hangs_up_a_stream_gives_their_place_back(shop: Shop) -> None:
    async with peer(shop.api) as (reader, writer):
        writer.write(POST)
        await reader.readuntil(b":\n\n")
        assert connections(shop.api) == 1
    await until(lambda: connections(shop.api) == 0)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such thing")
async def test_tcp_gives_up_on_who_acknowledges_nothing(shop: Shop) -> None:
    async with peer(shop.api) as (reader, writer):
        writer.write(POST)
        await reader.readuntil(b":\n\n")
        [connection] = shop.api.sockets()
        assert (
            connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            == server.UNANSWERED * 1000
        )


async def test_who_does_not_read_a_stream_is_dropped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SEND_TIMEOUT", 0.3)
    monkeypatch.setattr(event_stream, "BEAT", 0.0)
    monkeypatch.setattr(event_stream, "_beat", flood)
    async with peer(shop.api) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
        writer.write(POST)
        await until(lambda: connections(shop.api) == 1)
        await until(lambda: connections(shop.api) == 0)


async def flood(send: Send) -> str:
    while True:
        await event_stream._write(send, f": {'x' * 100_000}\n\n")
