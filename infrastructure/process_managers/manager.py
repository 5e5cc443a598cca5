"""Runs the place-order saga: feeds events to `react`, sends the commands, and feeds what comes of
them back, until nothing is left to do; then commits events, processes and position at once.

A crash before the commit loses nothing but the work of a batch, a crash after it nothing at all:
what is read again is not waited for any more, so `react` ignores it.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from time import time_ns
from typing import get_args
from uuid import UUID

import psycopg
import structlog
from psycopg import Cursor
from psycopg.rows import TupleRow
from pydantic import ValidationError

from application.place_order import PlaceOrderProcess, TimedOut
from domain.events import Event, OrderPlaced
from infrastructure.aggregates import Aggregates, UnitOfWork
from infrastructure.command_handling.snapshots import DueSnapshots, read_streams, save_snapshots
from infrastructure.consumers.parking import Parked, park, parked_owners, to_retry, unpark
from infrastructure.consumers.runner import Lead
from infrastructure.event_store.codec import EVENT_TYPES, UnknownEvent
from infrastructure.event_store.store import (
    APPEND,
    EVENT_COLUMNS,
    READ_STREAMS,
    EventRow,
    append_parameters,
    decode_row,
    now,
)
from infrastructure.observability.metrics import ProcessManagerMeasures
from infrastructure.observability.tracing import Tracer
from infrastructure.process_managers.table import load_processes, overdue, save_processes
from infrastructure.saga_batch import Batch, Input, Outcome, Poison, input_of, not_begun

log = structlog.get_logger()

# What the process manager alone records. In memory it has reacted to it already; only after a
# restart it has to look at these too.
OWN_EVENTS = frozenset(
    cls.__name__
    for cls in get_args(Event)
    if "execution_id" in cls.__dataclass_fields__ and cls is not OrderPlaced
)
OTHERS_EVENTS = sorted(set(EVENT_TYPES) - OWN_EVENTS)

HEAD = "SELECT coalesce(max(notification_id), 0) FROM stored_events"
# The head of the log beside each event: a row without an event where there is none.
READ = (
    f"SELECT head.position, e.* FROM ({HEAD}) AS head (position) LEFT JOIN LATERAL ("
    f" SELECT {EVENT_COLUMNS} FROM stored_events"
    " WHERE notification_id > %s AND notification_id <= head.position"
    " AND topic = ANY(%b::text[]) ORDER BY notification_id LIMIT %s) AS e ON true"
    " ORDER BY e.notification_id"
)
TRACK = (
    "INSERT INTO notification_tracking (application_name, notification_id) VALUES (%s, %s)"
    " ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id"
)


class ProcessManager:
    """The consumer that drives executions; `hops` limits how many reactions in a row one commit
    takes (0: as many as there are)."""

    name = "process-manager"

    def __init__(
        self,
        *,
        hops: int = 0,
        batch: int = 500,
        time_limit: timedelta = timedelta(seconds=60),
        clock: Callable[[], datetime] = now,
        tracer: Tracer | None = None,
    ) -> None:
        self._hops = hops
        self._batch = batch
        self._time_limit = time_limit
        self._clock = clock
        self._tracer = tracer
        self._aggregates = Aggregates(100_000)
        self._processes: dict[UUID, PlaceOrderProcess] = {}
        self._parked: set[UUID] = set()
        self._left: list[Input] = []
        self._snapshots = DueSnapshots()
        self._position = 0
        self._tracked = 0
        self._recovered_at = 0
        self.measures = ProcessManagerMeasures()

    def recover(self, lead: Lead) -> None:
        """Begin where the last commit of whoever led before ended."""
        connection = lead.connection
        self._aggregates.clear()
        self._snapshots.clear()
        self._left = []
        self._parked = parked_owners(connection, self.name)
        self._processes = load_processes(connection)
        row = connection.execute(
            "SELECT notification_id FROM notification_tracking WHERE application_name = %s",
            (self.name,),
        ).fetchone()
        self._position = self._tracked = row[0] if row else 0
        self._recovered_at = _number(connection.execute(HEAD))

    def work(self, lead: Lead) -> bool:
        """React to the next batch of events. Raises psycopg.OperationalError or Fenced."""
        head, rows = self._read(lead)
        inputs = self._left + self._inputs(rows)
        full = len(rows) == self._batch
        position = rows[-1][0] if full else head
        if inputs:
            with self.measures.seconds.time():
                self._process(lead, inputs, position)
            self.measures.events.observe(len(inputs))
        self._position = position
        return full or bool(inputs)

    def heartbeat(self, lead: Lead) -> None:
        """Show that it lives and how far it has read, keep snapshots of streams that have grown,
        and try again what somebody asked for."""
        self._retry(lead)
        self._give_up_overdue(lead)
        snapshots = self._snapshots.take(lead.connection)
        with lead.transaction() as cursor:
            self._track(cursor, self._position)
            save_snapshots(cursor, snapshots.items())
        self._tracked = self._position

    def _retry(self, lead: Lead) -> None:
        """Try again what somebody asked for, with all that waits behind it."""
        retried = to_retry(lead.connection, self.name)
        if not retried:
            return
        inputs = self._inputs([row for _, row in retried])
        self._parked -= {owner for owner, _ in retried}
        for begun in inputs:
            if isinstance(begun.event, OrderPlaced):
                self._processes.pop(begun.execution_id, None)
        self._process(lead, inputs, self._position, [row[0] for _, row in retried])

    def _give_up_overdue(self, lead: Lead) -> None:
        """Undo executions beyond their limit, so that nobody waits for a result for ever."""
        busy = {i.execution_id for i in self._left}
        found = overdue(lead.connection, self.name, self._clock())
        late = [o for o in found if o.execution_id not in busy]
        if not late:
            return
        log.warning("executions timed out", correlation_ids=[str(o.execution_id) for o in late])
        self._parked -= {o.execution_id for o in late}
        inputs = [
            Input(o.execution_id, TimedOut(o.execution_id), o.customer_id, None, 0) for o in late
        ]
        unparked = [position for o in late for position in o.parked]
        self._process(lead, inputs, self._position, unparked)

    def _read(self, lead: Lead) -> tuple[int, list[EventRow]]:
        """The head of the log, and the next rows up to there that may matter: after a restart also
        its own, not reacted to perhaps."""
        recovering = self._position < self._recovered_at
        topics = list(EVENT_TYPES) if recovering else OTHERS_EVENTS
        cursor = lead.connection.execute(READ, (self._position, topics, self._batch), binary=True)
        found = cursor.fetchall()
        return found[0][0], [row[1:] for row in found if row[1] is not None]

    def _inputs(self, rows: Sequence[EventRow]) -> list[Input]:
        inputs = []
        for row in rows:
            try:
                recorded = decode_row(row)
            except (UnknownEvent, ValidationError) as error:
                # Whoever needs this stream will say that it cannot be read.
                self._aggregates.forget([row[1]])
                log.error("unreadable event", position=row[0], error=str(error))  # noqa: TRY400  # there may be many
                continue
            self._aggregates.follow(recorded)
            self._snapshots.followed(recorded, self._aggregates)
            if (execution_id := getattr(recorded.event, "execution_id", None)) is not None:
                inputs.append(input_of(execution_id, recorded))
        return inputs

    def _process(
        self, lead: Lead, inputs: list[Input], position: int, unparked: Sequence[int] = ()
    ) -> None:
        began = time_ns()
        poisoned: dict[UUID, str] = {}
        outcome = Outcome(UnitOfWork({}))
        while True:
            aside = self._parked.union(poisoned)
            good = [i for i in inputs if i.execution_id not in aside]
            bad = _parked([i for i in inputs if i.execution_id in aside], poisoned)
            try:
                outcome = self._play(lead, good)
                outcome.processes.update(not_begun(inputs, poisoned))
                base = self._commit(lead, outcome, position, unparked, bad)
            except Poison as poison:
                poisoned[poison.execution_id] = str(poison)
                parked = str(poison.execution_id)
                log.error("execution parked", correlation_id=parked, error=str(poison))  # noqa: TRY400
            except psycopg.errors.UniqueViolation:
                # A customer or an administrator was quicker: read on, and decide again.
                self.measures.conflicts.inc()
                self._refresh(lead, outcome.work.streams.keys())
            else:
                self._after_commit(outcome, base)
                self._parked.update(poisoned)
                if self._tracer is not None:
                    _trace(self._tracer, outcome, began)
                return

    def _play(self, lead: Lead, inputs: list[Input]) -> Outcome:
        def load(work: UnitOfWork, streams: set[UUID]) -> None:
            self._load(lead, work, streams)

        return Batch(self._processes, load, self._hops).play(inputs)

    def _load(self, lead: Lead, work: UnitOfWork, streams: set[UUID]) -> None:
        """Bring the streams into the unit of work: from memory, else from the log. A stream that
        cannot be read is left out, which is poison for whoever needs it."""
        missing = []
        for stream in streams - work.streams.keys():
            loaded = self._aggregates.get(stream)
            if loaded is None:
                missing.append(stream)
            else:
                work.streams[stream] = loaded
        if missing:
            for stream, loaded in read_streams(lead.connection, missing).items():
                self._aggregates.put(stream, loaded)
                work.streams[stream] = loaded

    def _refresh(self, lead: Lead, streams: Collection[UUID]) -> None:
        """Move the streams in memory forward to where they are in the log."""
        known = {stream: loaded for stream in streams if (loaded := self._aggregates.get(stream))}
        versions = [loaded.version for loaded in known.values()]
        for row in lead.connection.execute(READ_STREAMS, (list(known), versions), binary=True):
            try:
                self._aggregates.follow(decode_row(row))
            except (UnknownEvent, ValidationError):
                self._aggregates.forget([row[1]])  # who needs it will say that it cannot be read

    def _commit(
        self,
        lead: Lead,
        outcome: Outcome,
        position: int,
        unparked: Sequence[int],
        bad: Sequence[Parked],
    ) -> int:
        appended: Cursor[TupleRow] | None = None
        with lead.transaction() as cursor:
            # What is put aside again keeps its row: how often, and who asked for it.
            if done := set(unparked) - {parked.position for parked in bad}:
                unpark(cursor, self.name, done)
            park(cursor, self.name, bad)
            save_processes(cursor, outcome.processes, self._clock(), self._time_limit)
            self._track(cursor, position)
            if outcome.work.events:
                parameters = append_parameters(outcome.work.events)
                appended = lead.connection.execute(APPEND, parameters, binary=True)
        self._tracked = position
        return _number(appended) if appended else 0

    def _track(self, cursor: Cursor[TupleRow], position: int) -> None:
        """Note how far it has read. Who commits sets `_tracked`: a rollback takes the note back."""
        if position != self._tracked:
            cursor.execute(TRACK, (self.name, position), prepare=True)

    def _after_commit(self, outcome: Outcome, base: int) -> None:
        self._snapshots.appended(outcome.work, base)
        for stream, loaded in outcome.work.streams.items():
            self._aggregates.put(stream, loaded)
        for execution_id, process in outcome.processes.items():
            if process is None:
                self._processes.pop(execution_id, None)
            else:
                self._processes[execution_id] = process
        self._left = [
            Input(i.execution_id, i.event, i.actor_id, i.place, base + i.ordinal)
            for i in outcome.left
        ]


def _trace(tracer: Tracer, outcome: Outcome, began: int) -> None:
    happened: dict[UUID, tuple[str, ...]] = {}
    for i in outcome.happened:
        event = type(i.event).__name__
        happened[i.execution_id] = (*happened.get(i.execution_id, ()), event)
    for execution_id, events in happened.items():
        tracer.step(execution_id, "saga", began, events)


def _parked(inputs: Sequence[Input], poisoned: dict[UUID, str]) -> list[Parked]:
    """The first input of a poisoned execution carries the error, the others wait behind it."""
    errors = dict(poisoned)
    return [Parked(i.position, i.execution_id, errors.pop(i.execution_id, None)) for i in inputs]


def _number(answer: Cursor[TupleRow]) -> int:
    """The one that the query answers with."""
    row = answer.fetchone()
    assert row is not None  # noqa: S101  # aggregates and functions answer with one row
    found: int = row[0]
    return found
