"""Exactly one active runner of a kind: who leads, who stands by, how a takeover is made safe."""

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Protocol

import psycopg
import structlog
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from infrastructure.errors import Fenced, LogChanged, NotMigrated
from infrastructure.event_store.store import HOLED, STALE
from infrastructure.observability.metrics import Measures
from infrastructure.postgres import locks, patience
from infrastructure.postgres.connections import AWAY, conninfo

log = structlog.get_logger()

HEARTBEAT = 1.0  # seconds between two signs of life of an idle leader
FROZEN_AFTER = 6.0  # seconds without one, after which a standby ends the leader's connection
STANDBY_POLL = 0.3  # seconds between two tries of a standby
MIGRATION_POLL = 1.0  # seconds between two tries of a release that is not the migrated one
LONGEST_BACKOFF = 1.0  # seconds between two tries to reach the database

ELECT = """
INSERT INTO runners (name, epoch, holder, backend_pid, heartbeat)
VALUES (%(name)s, 1, %(holder)s, pg_backend_pid(), clock_timestamp())
ON CONFLICT (name) DO UPDATE SET epoch = runners.epoch + 1, holder = excluded.holder,
    backend_pid = excluded.backend_pid, heartbeat = excluded.heartbeat, unattended =
    runners.unattended + greatest(excluded.heartbeat - runners.heartbeat, '0')
RETURNING epoch
"""
TELL_FIGURES = """
INSERT INTO runner_figures SELECT name, %s FROM runners WHERE name = %s AND epoch = %s
ON CONFLICT (name) DO UPDATE SET figures = excluded.figures
"""
TELL_FAILURE = "UPDATE runners SET failure = %s WHERE name = %s AND epoch = %s"
# But for one that waits for its standbys: its commit would be visible, and on none of them.
END_FROZEN = """
SELECT holder, pg_terminate_backend(backend_pid) FROM runners
WHERE name = %s AND heartbeat < clock_timestamp() - make_interval(secs => %s)
AND backend_pid IN (
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s
) AND NOT EXISTS (
    SELECT FROM pg_stat_activity WHERE pid = backend_pid AND wait_event = 'SyncRep'
)
"""


@dataclass(slots=True)
class Lead:
    """What the active runner of a kind holds: the connection whose session has the kind's lock."""

    name: str
    epoch: int
    connection: Connection

    @contextmanager
    def transaction(self) -> Iterator[Cursor[TupleRow]]:
        """One transaction, in one round trip unless results are fetched. Raises Fenced, and
        LogChanged where what is appended was decided on another log."""
        try:
            with (
                self.connection.pipeline(),
                self.connection.transaction(),
                self.connection.cursor() as cursor,
            ):
                cursor.execute("SELECT fence(%s, %s)", (self.name, self.epoch), prepare=True)
                yield cursor
        except psycopg.DatabaseError as error:
            if error.sqlstate == "FENCE":
                raise Fenced(str(error)) from error
            if error.sqlstate in {STALE, HOLED}:
                raise LogChanged(str(error.diag.message_primary)) from error
            raise

    def tell_figures(self, figures: str) -> None:
        """Let everybody see what the runner measures. Raises psycopg.OperationalError."""
        self.connection.execute(TELL_FIGURES, (figures, self.name, self.epoch), prepare=True)

    def tell_failure(self, error: Exception) -> None:
        """Let everybody see why the runner cannot work, until it or another one can."""
        text = f"{type(error).__name__}: {error}".partition("\n")[0]
        with suppress(psycopg.Error):  # then it was the database, which says so itself
            self.connection.execute(TELL_FAILURE, (text, self.name, self.epoch))


class Consumer(Protocol):
    """What a runner runs, once it leads."""

    name: str

    @property
    def measures(self) -> Measures:
        """What it measures, which is published with its heartbeats."""

    def recover(self, lead: Lead) -> None:
        """Forget everything in memory and begin where the database says."""

    def work(self, lead: Lead) -> bool:
        """Do what there is to do, at most one batch; False when there was nothing."""

    def heartbeat(self, lead: Lead) -> None:
        """Called about once a second while it leads, busy or not."""


class Runner:
    """Runs a consumer while it leads, and otherwise waits to take over."""

    def __init__(self, url: str, consumer: Consumer, stop: Event) -> None:
        self._conninfo = conninfo(url, consumer.name, statement_timeout=60_000)
        self._consumer = consumer
        self._stop = stop
        self._lock = locks.named(locks.RUNNER, consumer.name)
        self._holder = f"{socket.gethostname()}:{os.getpid()}"

    def run(self) -> None:
        """Lead or stand by until `stop` is set. What the database refuses for the moment is waited
        out; anything else is raised."""
        backoff = 0.1
        while not self._stop.is_set():
            try:
                with patience.Connection.connect(
                    self._conninfo, autocommit=True, prepare_threshold=0
                ) as connection:
                    lead = self._stand_by(connection)
                    if lead is not None:
                        backoff = 0.1
                        self._lead(lead)
            except Fenced as error:
                log.warning("fenced", runner=self._consumer.name, reason=str(error))
            except (NotMigrated, LogChanged) as error:
                log.warning("cannot run", runner=self._consumer.name, reason=str(error))
                self._stop.wait(MIGRATION_POLL)
            except AWAY as error:
                pause = backoff * (0.5 + random.random())  # noqa: S311  # jitter, no secret
                log.warning(
                    "database not available",
                    runner=self._consumer.name,
                    error=str(error).strip(),
                    again_in=round(pause, 1),
                )
                self._stop.wait(pause)
                backoff = min(backoff * 2, LONGEST_BACKOFF)

    def _stand_by(self, connection: Connection) -> Lead | None:
        name = self._consumer.name
        waited = False
        while not self._stop.is_set():
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", self._lock).fetchone()
            if row and row[0]:
                elected = connection.execute(
                    ELECT, {"name": name, "holder": self._holder}
                ).fetchone()
                assert elected is not None  # noqa: S101  # RETURNING answers with the row
                log.info("leads", runner=name, epoch=elected[0])
                return Lead(name, elected[0], connection)
            if not waited:
                log.info("stands by", runner=name)
                waited = True
            frozen = connection.execute(END_FROZEN, (name, FROZEN_AFTER, *self._lock)).fetchone()
            if frozen:
                log.warning("ended a frozen leader", runner=name, holder=frozen[0])
            self._stop.wait(STANDBY_POLL)
        return None

    def _lead(self, lead: Lead) -> None:
        try:
            self._work(lead)
        except Fenced:
            raise
        except Exception as error:
            lead.tell_failure(error)
            raise

    def _work(self, lead: Lead) -> None:
        lead.connection.execute("LISTEN stored_events")
        self._consumer.recover(lead)
        beat = monotonic()
        while not self._stop.is_set():
            busy = self._consumer.work(lead)
            if monotonic() - beat >= HEARTBEAT:
                self._consumer.heartbeat(lead)
                lead.tell_figures(self._consumer.measures.text())
                beat = monotonic()
            elif not busy:
                for _ in lead.connection.notifies(timeout=HEARTBEAT / 2, stop_after=1):
                    pass
