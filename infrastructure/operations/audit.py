"""Every invariant of the shop, from its log alone, in one pass.

Each event is asked for again: the command that it answers is decided against the state before it,
and the place-order saga runs along, so that the only things taken for granted are what came from
outside. Streams that were not used for long are forgotten and read again, so memory does not grow
with the log.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import LiteralString
from uuid import UUID

from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow
from pydantic import ValidationError

from application.audit.expectations import Runs, Unexpected, same
from application.audit.ledger import Balance, Books, discrepancies, overdrawn
from application.audit.provenance import answered
from application.deciders import DECIDER_OF_EVENT
from application.unit_of_work import EMPTY, Loaded
from domain.errors import DomainError
from domain.events import Event, OrderCancelled, OrderCompleted
from domain.message import message
from domain.recorded import Recorded
from infrastructure.command_handling.snapshots import READ_SNAPSHOTS, from_snapshot
from infrastructure.event_store.codec import UnknownEvent
from infrastructure.event_store.jsonl import Digest, NotALine, line_of
from infrastructure.event_store.query import head_of
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow, decode_row
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.copy import without_gc
from infrastructure.read_models.rebuild import Connections, Progress

CHUNK = 5_000  # events in memory at a time
REMEMBERED = 50_000  # streams in memory

_LOG: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE notification_id <= %s"
    " ORDER BY notification_id"
)
_BEFORE: LiteralString = (
    f"SELECT {EVENT_COLUMNS}"
    " FROM unnest(%b::uuid[], %b::bigint[]) AS known (id, version)"
    " JOIN stored_events e ON e.originator_id = known.id AND e.originator_version < known.version"
    " ORDER BY e.originator_id, e.originator_version"
)
# Ids of a client's choosing stand for one event alone.
_TWICE: LiteralString = """
SELECT originator_id, topic, id, array_agg(notification_id ORDER BY notification_id) FROM (
    SELECT originator_id, topic, notification_id, substring(encode(state, 'escape')
        FROM '"(?:transfer_id|adjustment_id)":"([0-9a-f-]{36})"') AS id
    FROM stored_events WHERE topic IN ('Deposited', 'Withdrawn', 'StockAdjusted')
) AS named WHERE id IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY 4
"""
_AHEAD: LiteralString = """
SELECT 'the read model ' || name, position FROM projections WHERE position > %(head)s
UNION ALL SELECT 'the ' || application_name, notification_id FROM notification_tracking
    WHERE notification_id > %(head)s
UNION ALL SELECT 'an idempotency key', max(position) FROM idempotency_keys
    HAVING max(position) > %(head)s
"""
_UNDER_WAY: LiteralString = """
SELECT execution_id FROM processes
UNION SELECT belongs_to FROM parked_events WHERE consumer = %s
"""
_TRACKED: LiteralString = (
    "SELECT notification_id FROM notification_tracking WHERE application_name = %s"
)
_SNAPSHOTS: LiteralString = "SELECT stream_id, version FROM snapshots"


@message
class Finding:
    """Something that must not be. `check` says of which kind it is; `position` where in the log, or
    None where it is about all of it."""

    check: str
    text: str
    position: int | None = None
    stream_id: UUID | None = None


@message
class Audited:
    """The end of an audit: how many events there are, the digest of them all, how many findings,
    and what the shop has."""

    events: int
    digest: str
    findings: int
    snapshots: int
    balance: Balance


def audit(
    on: Connections, expected: tuple[int, str] | None = None
) -> Iterator[Progress | Finding | Audited]:
    """Every violation, and at last the result. `expected` are a position and the digest that the
    log had up to there, at an earlier audit or in an export."""
    reader = on.reader
    reader.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with reader.transaction(), without_gc():
            yield from _Audit(reader, expected).run()
    finally:
        reader.isolation_level = None


class _Audit:
    def __init__(self, reader: Connection[TupleRow], expected: tuple[int, str] | None) -> None:
        self._reader = reader
        self._expected = expected
        self._digest = Digest()
        self._books = Books()
        self._runs = Runs(self._stream)
        self._streams: OrderedDict[UUID, Loaded] = OrderedDict()
        self._broken: set[UUID] = set()
        self._snapshots: dict[UUID, int] = {}
        self._equal_snapshots = 0
        self._findings: list[Finding] = []
        self._found = 0
        self._last = 0

    def run(self) -> Iterator[Progress | Finding | Audited]:
        head = head_of(self._reader)
        self._snapshots = dict(self._reader.execute(_SNAPSHOTS).fetchall())
        with self._reader.cursor(name="log") as cursor:
            cursor.itersize = CHUNK
            cursor.execute(_LOG, (head,), binary=True)
            while rows := cursor.fetchmany(CHUNK):
                self._load(rows)
                for row in rows:
                    self._take(row)
                self._forget()
                yield from self._drain()
                yield Progress("log", self._last, head)
        self._whole(head)
        yield from self._drain()
        running = self._runs.held()
        yield Audited(
            self._last,
            self._digest.text(),
            self._found,
            self._equal_snapshots,
            self._books.balance(running),
        )

    def _drain(self) -> Iterator[Finding]:
        found, self._findings = self._findings, []
        self._found += len(found)
        yield from found

    def _say(self, check: str, text: str, row: EventRow | None = None) -> None:
        position, stream = (row[0], row[1]) if row else (None, None)
        self._findings.append(Finding(check, text, position, stream))

    # One event. ----------------------------------------------------------------------------------

    def _take(self, row: EventRow) -> None:
        position, stream, version, topic = row[:4]
        if position != self._last + 1:
            self._say("positions", f"{_missing('position', self._last, position)} of the log", row)
        self._seal(row)
        before = self._streams.get(stream, EMPTY) if version == 1 else self._stream(stream)
        if version != before.version + 1 and stream not in self._broken:
            self._say(
                "versions", f"{_missing('version', before.version, version)} of a stream", row
            )
            self._broken.add(stream)
        try:
            recorded = decode_row(row)
        except (UnknownEvent, ValidationError) as error:
            why = "has no class" if isinstance(error, UnknownEvent) else "is not of its class"
            self._say("loads", f"{topic} cannot be loaded: it {why}", row)
            self._broken.add(stream)
            self._runs.leave_alone(stream)
            self._keep(stream, Loaded(before.decider, before.state, version, position))
        else:
            if stream not in self._broken:
                self._check(row, recorded, before)
            if stream in self._broken:
                self._runs.leave_alone(stream)
                self._keep(stream, self._as_far_as_it_says(row, recorded, before))
        self._last = position

    def _as_far_as_it_says(self, row: EventRow, recorded: Recorded, before: Loaded) -> Loaded:
        """A stream that lacks something is folded on: what was given away may be more than what
        the rest of it says is there."""
        decider = DECIDER_OF_EVENT[type(recorded.event)]
        if before.decider not in (None, decider):
            return Loaded(before.decider, before.state, recorded.version, recorded.position)
        after = before.after(recorded.event, recorded.version, recorded.position)
        for check, text in overdrawn(before.state, after.state):
            self._say(check, f"{text}; something is missing before {row[3]}", row)
        return after

    def _seal(self, row: EventRow) -> None:
        try:
            self._digest.add(line_of(row))
        except NotALine:
            self._digest.add(bytes(row[4]))
        if self._expected is not None and self._expected[0] == row[0]:
            if self._expected[1] != self._digest.text():
                text = f"The log up to position {row[0]} is not the one whose digest was given"
                self._say("digest", text, row)
            self._expected = None

    def _check(self, row: EventRow, recorded: Recorded, before: Loaded) -> None:
        event, stream = recorded.event, recorded.stream_id
        decider = DECIDER_OF_EVENT[type(event)]
        if before.decider not in (None, decider) or getattr(event, decider.id_field) != stream:
            self._say("streams", f"{row[3]} belongs to another stream than it is in", row)
            self._broken.add(stream)
            return
        self._check_rules(row, recorded, before)
        after = before.after(event, recorded.version, recorded.position)
        was = decider.initial if before.decider is None else before.state
        self._books.enter(event, was, after.state)
        self._check_run(row, recorded)
        if isinstance(event, OrderCancelled):
            self._streams.pop(stream, None)  # nothing happens to it any more
        else:
            self._keep(stream, after)
        if self._snapshots.get(stream) == recorded.version:
            self._check_snapshot(row, after)

    def _check_rules(self, row: EventRow, recorded: Recorded, before: Loaded) -> None:
        event = recorded.event
        try:
            explained = self._runs.explains(recorded, before)
        except Unexpected as surprise:
            self._say("executions", str(surprise), row)
            explained = False
        if explained is True:
            return
        command = explained or answered(event)
        try:
            decided: Sequence[Event] = before.decide(command)
        except DomainError as refusal:
            self._say("rules", f"{row[3]} is against the rules: {refusal}", row)
            return
        if not any(same(event, other) for other in decided):
            should = ", ".join(map(str, decided)) or "nothing, for it has happened before"
            self._say("rules", f"By the rules this would be {should}, not {event}", row)

    def _check_run(self, row: EventRow, recorded: Recorded) -> None:
        ended = self._runs.follow(recorded)
        if ended is None:
            return
        run, left = ended
        if isinstance(recorded.event, OrderCompleted):
            self._books.complete(run.order)
            left.charged -= run.order.total
        for product, quantity in left.reserved.items():
            self._say(
                "stock", f"The execution has ended, but {quantity} of {product} stay reserved", row
            )
        if left.charged:
            self._say(
                "money",
                f"The execution has ended, but {left.charged} minor units too many were charged",
                row,
            )

    def _check_snapshot(self, row: EventRow, after: Loaded) -> None:
        del self._snapshots[row[1]]
        kept = self._reader.execute(READ_SNAPSHOTS, ([row[1]],), binary=True).fetchone()
        snapshot = from_snapshot(kept) if kept else None
        if kept is None or (snapshot is not None and snapshot != after):
            self._say(
                "snapshots", f"The snapshot of version {row[2]} is not what its events lead to", row
            )
        else:
            self._equal_snapshots += snapshot is not None

    # Streams in memory. --------------------------------------------------------------------------

    def _load(self, rows: Sequence[EventRow]) -> None:
        """Read the beginnings of the streams that were forgotten, or not met yet."""
        first: dict[UUID, int] = {}
        for row in rows:
            if row[1] in self._streams or row[1] in first:
                continue
            if row[2] > 1:
                first[row[1]] = row[2]
            else:
                first[row[1]] = 1
        wanted = {stream: version for stream, version in first.items() if version > 1}
        if wanted:
            self._read(wanted)

    def _read(self, wanted: dict[UUID, int]) -> None:
        values = (list(wanted), list(wanted.values()))
        for row in self._reader.execute(_BEFORE, values, binary=True):
            loaded = self._streams.get(row[1], EMPTY)
            try:
                recorded = decode_row(row)
                loaded = loaded.after(recorded.event, recorded.version, recorded.position)
            except (UnknownEvent, ValidationError):
                loaded = Loaded(loaded.decider, loaded.state, row[2], row[0])  # was told already
            self._keep(row[1], loaded)

    def _stream(self, stream: UUID) -> Loaded:
        """A stream as it is after the last event that was looked at."""
        if stream not in self._streams:
            rows = self._reader.execute(_BEFORE, ([stream], [2**62]), binary=True)
            for row in rows:
                if row[0] <= self._last and stream not in self._broken:
                    recorded = decode_row(row)
                    loaded = self._streams.get(stream, EMPTY)
                    self._keep(
                        stream, loaded.after(recorded.event, recorded.version, recorded.position)
                    )
        return self._streams.get(stream, EMPTY)

    def _keep(self, stream: UUID, loaded: Loaded) -> None:
        self._streams[stream] = loaded
        self._streams.move_to_end(stream)

    def _forget(self) -> None:
        while len(self._streams) > REMEMBERED:
            self._streams.popitem(last=False)

    # All of it. ----------------------------------------------------------------------------------

    def _whole(self, head: int) -> None:
        for stream, topic, named, positions in self._reader.execute(_TWICE):
            where = ", ".join(map(str, positions))
            self._findings.append(
                Finding(
                    "twice",
                    f"{topic} {named} is there more than once, at {where}",
                    positions[1],
                    stream,
                )
            )
        for who, position in self._reader.execute(_AHEAD, {"head": head}):
            self._say(
                "positions", f"{who} knows of position {position}, but the log ends at {head}"
            )
        for stream, version in self._snapshots.items():
            text = f"There is a snapshot of version {version}, which the stream does not have"
            self._findings.append(Finding("snapshots", text, None, stream))
        if self._expected is not None:
            text = f"The log ends before position {self._expected[0]}, whose digest was given"
            self._say("digest", text)
        tracked = self._reader.execute(_TRACKED, (ProcessManager.name,)).fetchone()
        under_way = {row[0] for row in self._reader.execute(_UNDER_WAY, (ProcessManager.name,))}
        for run in self._runs.running():
            if run.execution_id not in under_way and run.position <= (tracked[0] if tracked else 0):
                self._findings.append(
                    Finding(
                        "executions",
                        f"Execution {run.execution_id} has not ended, and nothing goes on with it",
                        run.position,
                        run.order.order_id,
                    )
                )
        if not self._broken:
            running = self._runs.held()
            for text in discrepancies(self._books.balance(running), running):
                self._say("sums", text)


def _missing(what: str, before: int, after: int) -> str:
    if after <= before:
        return f"{what.capitalize()} {after} comes again, after {before},"
    if after == before + 2:
        return f"{what.capitalize()} {before + 1} is missing"
    return f"{what.capitalize()}s {before + 1} to {after - 1} are missing"
