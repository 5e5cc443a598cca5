"""What stands between the shop and its servers: it sends who connects to one of them, and keeps
old connections where they are, as a balancer does."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select
from threading import Thread

from psycopg.conninfo import make_conninfo

from tests.faults.server import Server


class Proxy:
    """Runs inside the context manager `proxy_to`; new connections go to `server`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = make_conninfo(server.url, host="127.0.0.1", port=port)
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{self.server.folder}/.s.PGSQL.5432")
                Thread(target=_join, args=(client, server), daemon=True).start()


def _join(client: socket.socket, server: socket.socket) -> None:
    """Carry what they say to each other, until either leaves."""
    with suppress(OSError), client, server:
        while True:
            for one in select([client, server], [], [])[0]:
                if not (data := one.recv(65536)):
                    return
                (server if one is client else client).sendall(data)


@contextmanager
def proxy_to(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
