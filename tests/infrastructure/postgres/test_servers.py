"""Of several servers the primary is found, and one that is silent is not asked first each time."""

import socket
from collections.abc import Iterator
from time import monotonic

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.patience import Connection
from infrastructure.postgres.servers import ANSWER
from tests.cli.running import free_port
from tests.faults.waiting import until


class SilentHost:
    """Its kernel takes connections, and nobody answers them."""

    def __init__(self, listener: socket.socket) -> None:
        self.port = listener.getsockname()[1]
        self._listener = listener
        listener.setblocking(False)

    def asked(self) -> int:
        """How often since it was asked last for this."""
        found = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return found
            found += 1


@pytest.fixture
def silent() -> Iterator[SilentHost]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield SilentHost(listener)


def with_silent_first(url: str, silent: SilentHost) -> str:
    """Names both, the silent one first."""
    known = conninfo_to_dict(url)
    both = {"host": f"127.0.0.1,{known['host']}", "port": f"{silent.port},5432"}
    return conninfo(make_conninfo(url, **both, target_session_attrs="read-write"), "test")


def test_who_knows_the_primary_asks_nobody_else(database_url: str, silent: SilentHost) -> None:
    url = with_silent_first(database_url, silent)
    Connection.connect(url).close()
    assert silent.asked() == 1
    for _ in range(5):
        Connection.connect(url).close()
    assert silent.asked() == 0


async def test_one_that_said_nothing_is_not_waited_for_again(silent: SilentHost) -> None:
    """Where the other one refuses, as one does that begins: only the silent one could be it."""
    hosts = {"host": "127.0.0.1,127.0.0.1", "port": f"{silent.port},{free_port()}"}
    url = make_conninfo("user=postgres", **hosts)

    def seconds() -> float:
        began = monotonic()
        with pytest.raises(psycopg.OperationalError, match="no server is the primary"):
            Connection.connect(url)
        return monotonic() - began

    assert seconds() >= ANSWER
    await until(lambda: seconds() < ANSWER)
