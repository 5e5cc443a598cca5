"""Runs the place-order saga: feeds events to `react`, sends the commands, and feeds what comes of
them back, until nothing is left to do; then commits events, processes and position at once.

After each commit every event up to the position that concerns a running execution was reacted to
or is parked; what stands behind it waits. A crash before the commit loses nothing but the work of a
batch, a crash after it nothing at all: what is read again is not waited for any more, so `react`
ignores it.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from time import time_ns
from uuid import UUID

import psycopg
import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.place_order import PROCESS, PlaceOrderProcess
from application.process import TimedOut
from application.unit_of_work import UnitOfWork
from infrastructure.command_handling.snapshots import save_snapshots
from infrastructure.consumers.parking import Parked, park, parked_owners, unpark
from infrastructure.consumers.position import check_known, check_reached, last_known
from infrastructure.consumers.runner import Lead
from infrastructure.event_store.codec import UNREADABLE
from infrastructure.event_store.store import (
    APPEND,
    EVENT_COLUMNS,
    NOTHING_KNOWN,
    EventRow,
    Known,
    append_parameters,
    decode_row,
    encoded,
)
from infrastructure.observability.metrics import ProcessManagerMeasures
from infrastructure.observability.tracing import Tracer
from infrastructure.process_managers import NAME
from infrastructure.process_managers.inbox import Inbox
from infrastructure.process_managers.inputs import (
    of_execution,
    retries,
    time_limits,
    unreadable,
)
from infrastructure.process_managers.streams import Streams
from infrastructure.process_managers.table import (
    load_processes,
    make_up_for_absence,
    save_processes,
    timed_out,
)
from infrastructure.saga_batch import (
    Batch,
    Input,
    Outcome,
    Poison,
    not_begun,
)

log = structlog.get_logger()

# What the process manager alone records. In memory it has reacted to it already; only after a
# restart it has to look at these too.
OWN_EVENTS = frozenset(cls.__name__ for cls in PROCESS.own)

HEAD = "SELECT coalesce(max(notification_id), 0) FROM stored_events"
# How far was looked beside each event: a row without an event where there is none.
READ = (
    f"SELECT til.position, e.* FROM (SELECT least(({HEAD}), %s)) AS til (position)"
    f" LEFT JOIN LATERAL (SELECT {EVENT_COLUMNS} FROM stored_events"
    " WHERE notification_id > %s AND notification_id <= til.position"
    " AND topic <> ALL(%b::text[]) ORDER BY notification_id LIMIT %s) AS e ON true"
    " ORDER BY e.notification_id"
)
LAST_POSITION = 2**63 - 1
TRACK = (
    "INSERT INTO notification_tracking (application_name, notification_id) VALUES (%s, %s)"
    " ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id"
)


class ProcessManager:
    """The consumer that drives executions; `hops` limits how many reactions in a row one commit
    takes (0: as many as there are)."""

    name = NAME

    def __init__(
        self,
        *,
        hops: int = 0,
        batch: int = 500,
        time_limit: timedelta = timedelta(seconds=60),
        tracer: Tracer | None = None,
    ) -> None:
        self._hops = hops
        self._batch = batch
        self._time_limit = time_limit
        self._tracer = tracer
        self._streams = Streams(100_000)
        self._processes: dict[UUID, PlaceOrderProcess] = {}
        self._parked: set[UUID] = set()
        self._inbox = Inbox()
        self._position = 0
        self._tracked = 0
        self._recovered_at = 0
        self._asked: int | None = None
        self._known = NOTHING_KNOWN
        self.measures = ProcessManagerMeasures()

    def recover(self, lead: Lead) -> None:
        """Begin where the last commit of whoever led before ended. Raises LogChanged where that is
        behind the end of the log."""
        connection = lead.connection
        row = connection.execute(
            "SELECT notification_id FROM notification_tracking WHERE application_name = %s",
            (self.name,),
        ).fetchone()
        self._position = self._tracked = row[0] if row else 0
        self._known = last_known(connection)  # before the check: see `heartbeat`
        check_reached(connection, "The process manager", self._position)
        self._streams.clear()
        self._inbox.clear()
        self._asked = None
        with lead.transaction() as cursor:
            make_up_for_absence(cursor, self.name)
        self._parked = parked_owners(connection, self.name)
        self._processes = load_processes(connection)
        self._recovered_at = _number(connection.execute(HEAD))

    def work(self, lead: Lead) -> bool:
        """React to the next batch of events. Raises psycopg.OperationalError, Fenced or
        LogChanged."""
        recovering = self._position < self._recovered_at
        until, rows = self._read(lead, recovering)
        self._inbox.add(self._inputs(rows))
        full = len(rows) == self._batch
        position = rows[-1][0] if full else until
        if self._asked is not None and position >= self._asked:
            self._ask(lead, position)
        inputs = self._inbox.take(position)
        if inputs:
            with self.measures.seconds.time():
                self._process(lead, inputs, position)
            self.measures.events.observe(len(inputs))
        self._position = position
        return recovering or full or bool(inputs)

    def heartbeat(self, lead: Lead) -> None:
        """Show that it lives and how far it has read, keep snapshots of streams that have grown,
        and look at time limits and retries as soon as all that is recorded now has been read."""
        last = last_known(lead.connection)
        check_known(lead.connection, self._known)
        self._known = (
            last  # read before the check: of the log that was checked, or noticed next time
        )
        snapshots = self._streams.take_snapshots(lead.connection)
        with lead.transaction() as cursor:
            self._track(cursor, self._position)
            make_up_for_absence(cursor, self.name)
            save_snapshots(cursor, snapshots.items())
        self._tracked = self._position
        self._asked = _number(lead.connection.execute(HEAD))

    def _ask(self, lead: Lead, position: int) -> None:
        """What people and time want of executions of which everything recorded has been read."""
        most = self._batch
        self._parked = parked_owners(lead.connection, self.name)  # some may have been dropped
        tried = retries(lead.connection, self.name, most)
        late = time_limits(lead.connection, self.name, OWN_EVENTS, most)
        self._inbox.wish(tried)
        if over := self._inbox.wish(late):
            ids = [str(wish.execution_id) for wish in over]
            log.warning("executions timed out", correlation_ids=ids)
        more = len(late) == most or len({each.execution_id for each in tried}) == most
        self._asked = position if more else None

    def _read(self, lead: Lead, recovering: bool) -> tuple[int, list[EventRow]]:
        """How far it has looked, and the next rows up to there that may matter: after a restart
        also its own, not reacted to perhaps."""
        until, known = (self._recovered_at, []) if recovering else (LAST_POSITION, OWN_EVENTS)
        parameters = (until, self._position, list(known), self._batch)
        found = lead.connection.execute(READ, parameters, binary=True).fetchall()
        return found[0][0], [row[1:] for row in found if row[1] is not None]

    def _inputs(self, rows: Sequence[EventRow]) -> list[Input]:
        inputs: list[Input] = []
        for row in rows:
            try:
                recorded = decode_row(row)
            except UNREADABLE as error:
                self._streams.forget(row[1])
                log.error("unreadable event", position=row[0], error=str(error))  # noqa: TRY400  # there may be many
                inputs += unreadable(row, error)
                continue
            self._streams.follow(recorded)
            inputs += of_execution(recorded)
        return inputs

    def _process(self, lead: Lead, inputs: list[Input], position: int) -> None:
        began = time_ns()
        held = self._parked.difference(i.execution_id for i in inputs if i.unparks)
        poisoned: dict[UUID, str] = {}
        outcome = Outcome(UnitOfWork({}))
        while True:
            aside = held.union(poisoned)
            good = [i for i in inputs if i.execution_id not in aside]
            bad = [i for i in inputs if i.execution_id in aside]
            try:
                outcome = self._play(lead, good)
                outcome.processes.update(not_begun(bad, poisoned))
                base = self._commit(lead, outcome, position, good, _parked(bad, poisoned))
            except Poison as poison:
                poisoned[poison.execution_id] = str(poison)
                parked = str(poison.execution_id)
                log.error("execution parked", correlation_id=parked, error=str(poison))  # noqa: TRY400
            except psycopg.errors.UniqueViolation:
                # A customer or an administrator was quicker: read on, and decide again.
                self.measures.conflicts.inc()
                self._streams.refresh(lead.connection, outcome.work.streams.keys())
            else:
                self._after_commit(outcome, base)
                if self._tracer is not None:
                    _trace(self._tracer, outcome, began)
                return

    def _play(self, lead: Lead, inputs: list[Input]) -> Outcome:
        def load(work: UnitOfWork, streams: set[UUID]) -> None:
            self._streams.load(lead.connection, work, streams)

        return Batch(self._processes, load, self._hops).play(inputs)

    def _commit(
        self,
        lead: Lead,
        outcome: Outcome,
        position: int,
        done: Collection[Input],
        aside: Sequence[Parked],
    ) -> int:
        appended: Cursor[TupleRow] | None = None
        times_out = {i.execution_id: None for i in done if isinstance(i.event, TimedOut)}
        failed = {p.belongs_to: p.error for p in aside if not p.position}
        with lead.transaction() as cursor:
            unpark(cursor, self.name, [position for i in done for position in i.unparks])
            park(cursor, self.name, [p for p in aside if p.position])
            save_processes(cursor, outcome.processes, self._time_limit)
            timed_out(cursor, times_out | failed)
            self._track(cursor, position)
            if outcome.work.events:
                parameters = append_parameters(encoded(outcome.work.events), known=self._known)
                appended = lead.connection.execute(APPEND, parameters, binary=True)
        self._tracked = position
        self._parked.difference_update(i.execution_id for i in done if i.unparks)
        self._parked.update(p.belongs_to for p in aside if p.position)
        return _number(appended) if appended else 0

    def _track(self, cursor: Cursor[TupleRow], position: int) -> None:
        """Note how far it has read. Who commits sets `_tracked`: a rollback takes the note back."""
        if position != self._tracked:
            cursor.execute(TRACK, (self.name, position), prepare=True)

    def _after_commit(self, outcome: Outcome, base: int) -> None:
        self._streams.committed(outcome.work, base)
        if events := outcome.work.events:
            (last,) = encoded(events[-1:])
            self._known = Known(base + len(events), last.state)
        for execution_id, process in outcome.processes.items():
            if process is None:
                self._processes.pop(execution_id, None)
            else:
                self._processes[execution_id] = process
        self._inbox.add(replace(left, position=base + left.ordinal) for left in outcome.left)


def _trace(tracer: Tracer, outcome: Outcome, began: int) -> None:
    happened: dict[UUID, tuple[str, ...]] = {}
    for i in outcome.happened:
        event = type(i.event).__name__
        happened[i.execution_id] = (*happened.get(i.execution_id, ()), event)
    for execution_id, events in happened.items():
        tracer.step(execution_id, "saga", began, events)


def _parked(inputs: Sequence[Input], poisoned: dict[UUID, str]) -> list[Parked]:
    """The first input of a poisoned execution carries the error, the others wait behind it. What
    stands in no log has the position 0."""
    errors = dict(poisoned)
    return [Parked(i.position, i.execution_id, errors.pop(i.execution_id, None)) for i in inputs]


def _number(answer: Cursor[TupleRow]) -> int:
    """The one that the query answers with."""
    row = answer.fetchone()
    assert row is not None  # noqa: S101  # aggregates and functions answer with one row
    found: int = row[0]
    return found
