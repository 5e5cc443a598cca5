"""Poolers in front of PostgreSQL, as far as a shop notices them: proxies that speak its protocol.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo

VERSION_3 = 3 << 16
HEADER = struct.Struct("!I")


@contextmanager
def dropping_options(url: str) -> Iterator[str]:
    """The URL of a pooler in session mode that knows no start-up options and drops them."""

    def serve(client: socket.socket) -> None:
        parameters = _startup(client)
        parameters.pop(b"options", None)
        with _connect(url) as server:
            server.sendall(_startup_message(parameters))
            back = Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()

    with _listening(url, serve) as pooled:
        yield pooled


@contextmanager
def refusing_options(url: str) -> Iterator[str]:
    """The URL of a pooler that refuses start-up options, as PgBouncer does by itself."""

    def serve(client: socket.socket) -> None:
        _startup(client)
        text = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
        client.sendall(b"E" + HEADER.pack(4 + len(text)) + text)

    with _listening(url, serve) as pooled:
        yield pooled


@dataclass
class _Sessions:
    """The server's sessions of a pooler in transaction mode: the last one that was free is next."""

    url: str
    free: list[socket.socket] = field(default_factory=list)

    def open(self, parameters: dict[bytes, bytes]) -> bytes:
        """A new one, which is free then; what the server says in the beginning."""
        server = _connect(self.url)
        server.sendall(_startup_message(parameters))
        greeting = [_message(server)]
        while greeting[-1][:1] != b"Z":
            greeting.append(_message(server))
        self.free.append(server)
        return b"".join(greeting)


@contextmanager
def in_transaction_mode(url: str) -> Iterator[str]:
    """The URL of a pooler that keeps start-up options, and gives each transaction any session."""
    sessions = _Sessions(url)

    def serve(client: socket.socket) -> None:
        parameters = _startup(client)
        client.sendall(sessions.open(parameters))
        server: socket.socket | None = None
        while True:
            message = _message(client)
            if message[:1] in {b"", b"X"}:
                return
            if server is None:
                if not sessions.free:
                    sessions.open(parameters)
                server = sessions.free.pop()
            server.sendall(message)
            if message[:1] not in {b"Q", b"S"}:
                continue
            answer = b""
            while answer[:1] != b"Z":
                answer = _message(server)
                client.sendall(answer)
            if answer[5:] == b"I":
                sessions.free.append(server)
                server = None

    with _listening(url, serve) as pooled:
        yield pooled
    for server in sessions.free:
        server.close()


@contextmanager
def _listening(url: str, serve: Callable[[socket.socket], None]) -> Iterator[str]:
    def run(client: socket.socket) -> None:
        with client, suppress(OSError, EOFError):
            serve(client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                Thread(target=run, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, daemon=True).start()
        port = listener.getsockname()[1]
        yield make_conninfo(
            url, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable"
        )
        listener.shutdown(socket.SHUT_RDWR)


def _connect(url: str) -> socket.socket:
    where = conninfo_to_dict(url)
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{where['host']}/.s.PGSQL.{where.get('port') or 5432}")
    return server


def _startup(client: socket.socket) -> dict[bytes, bytes]:
    [length] = HEADER.unpack(_exactly(client, 4))
    body = _exactly(client, length - 4)
    words = body[4:].split(b"\0")
    return dict(zip(words[::2], words[1::2], strict=False))


def _startup_message(parameters: dict[bytes, bytes]) -> bytes:
    words = [word for pair in parameters.items() if pair[0] for word in pair]
    body = HEADER.pack(VERSION_3) + b"\0".join(words) + b"\0\0"
    return HEADER.pack(4 + len(body)) + body


def _message(peer: socket.socket) -> bytes:
    head = _exactly(peer, 5)
    [length] = HEADER.unpack(head[1:])
    return head + _exactly(peer, length - 4)


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
