"""What this side of a connection knows: whether somebody waits for its server, and since when."""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from time import monotonic

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.errors import Diagnostic

from domain.message import message

NEVER = float("inf")
WAITS_FOR_STANDBYS = "SyncRepWaitForLSN"  # in PostgreSQL's src/backend/replication/syncrep.c


@dataclass(slots=True)
class Broken:
    """How many connections of this process worked once and do not any more."""

    number: int = 0


broken = Broken()


@message
class Place:
    """Where a server is looked for: `name` is for a person, `address` are parameters of libpq."""

    name: str
    address: tuple[tuple[str, str], ...]

    def conninfo(self, conninfo: str) -> str:
        """`conninfo`, but of the server here alone."""
        return make_conninfo(conninfo, **dict(self.address))


class Pulse:
    """Of one connection, which any thread may look at and give up.

    `since` is when a wait for the server began (`time.monotonic`), None while nobody waits, NEVER
    where silence is what is waited for; `heard` is when the server last said something. `history`
    is system and timeline of a primary; the latter is 0 of a standby, and where it is not told.
    `is_doubtful` says that a commit is visible which perhaps no standby has.
    """

    __slots__ = (
        "__weakref__",
        "_fd",
        "_guard",
        "ended",
        "heard",
        "history",
        "is_doubtful",
        "place",
        "since",
    )

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._guard = Lock()
        self.place: Place | None = None
        self.history = ("", 0)
        self.since: float | None = None
        self.heard = monotonic()
        self.ended: str | None = None
        self.is_doubtful = False

    def begin(self, *, silence_is_fine: bool) -> float:
        """A wait begins; answers since when. Raises psycopg.OperationalError where it was given
        up."""
        now = monotonic()
        with self._guard:
            if self.ended is not None:
                raise psycopg.OperationalError(self.ended)
            self.since = NEVER if silence_is_fine else now
        return now

    def end(self) -> None:
        """The wait is over, however it ended."""
        with self._guard:
            self.since = None

    def noticed(self, notice: Diagnostic) -> None:
        """The server has told something beside its answer. That a wait for its standbys was
        cancelled is known by where it says so: its words are in any language."""
        if notice.source_function == WAITS_FOR_STANDBYS:
            self.is_doubtful = True

    def give_up(self, reason: str) -> None:
        """End every wait, now and from now on, without waiting for anything oneself."""
        with self._guard:
            if self.ended is not None:
                return
            self.ended = reason
            broken.number += 1
            # Only while somebody waits the number is certainly that of his socket and no other's.
            if self.since is not None:
                with suppress(OSError), socket.socket(fileno=os.dup(self._fd)) as own:
                    own.shutdown(socket.SHUT_RDWR)
