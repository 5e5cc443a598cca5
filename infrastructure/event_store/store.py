"""The event store: the eventsourcing library's, with one SQL function that appends."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresDatastore,
    PostgresProcessRecorder,
    PostgresSubscription,
)
from eventsourcing.utils import retry
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from domain.events import Event
from domain.message import message
from domain.recorded import Origin, Recorded, Uncommitted
from infrastructure.event_store.codec import decode, encode

APPEND: LiteralString = (
    "SELECT append_events(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[],"
    " %b::uuid[], %b::bytea[], %b::bigint[], %b, %b, %b)"
)
EVENT_COLUMNS: LiteralString = (
    "notification_id, originator_id, originator_version, topic, state,"
    " coalesce(recorded_at, recorded_in(state)) AS recorded_at"
)
READ_LOG: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events"
    " WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
)
# What came after the versions that are known already, of several streams at once. LATERAL with
# an order of its own keeps to the index: a plain join that was planned when the log was small
# reads all of it.
READ_STREAMS: LiteralString = (
    "SELECT e.* FROM unnest(%b::uuid[], %b::bigint[]) AS known (id, version) CROSS JOIN LATERAL ("
    f" SELECT {EVENT_COLUMNS} FROM stored_events"
    " WHERE originator_id = known.id AND originator_version > known.version"
    " ORDER BY originator_version) AS e"
    " ORDER BY e.originator_id, e.originator_version"
)

# The same behind one row more, of position 0: what stands at a position that is known.
READ_STREAMS_AND_KNOWN: LiteralString = (
    "SELECT 0::bigint, originator_id, originator_version, topic, state,"
    " coalesce(recorded_at, recorded_in(state))"
    f" FROM stored_events WHERE notification_id = %b::bigint UNION ALL ({READ_STREAMS})"
)
# What `append_events` refuses with: a version that does not follow on the last one of its stream,
# and another log than the one that was decided on.
HOLED = "HOLED"
STALE = "STALE"

# Of EVENT_COLUMNS: position, stream, version, class name, JSON, and when it was recorded, which is
# None only for what no release of this shop has written.
EventRow = tuple[int, UUID, int, str, bytes, datetime | None]


@message
class NewEvent:
    """An event that is to be appended: JSON in its place in a stream. When it was recorded is said
    by the append."""

    stream_id: UUID
    version: int
    topic: str
    state: bytes


@message
class IdempotencyKey:
    """What a client sent under its own id: `fingerprint` tells the same input from another."""

    key: UUID
    fingerprint: bytes


@message
class Known:
    """The last event that somebody has seen of a log: where it still stands, everything before it
    does. `recorded_at` is None for what was appended and not read."""

    position: int
    state: bytes
    recorded_at: datetime | None = None


NOTHING_KNOWN = Known(0, b"")


def new_event(stream_id: UUID, version: int, event: Event, origin: Origin) -> NewEvent:
    """`event` as version `version` of its stream."""
    return NewEvent(stream_id, version, type(event).__name__, encode(event, origin))


def encoded(events: Iterable[Uncommitted]) -> list[NewEvent]:
    """The events as JSON, to be appended."""
    return [new_event(e.stream_id, e.version, e.event, e.origin) for e in events]


def append_parameters(
    events: Sequence[NewEvent | StoredEvent],
    keys: Iterable[tuple[IdempotencyKey, int]] = (),
    known: Known = NOTHING_KNOWN,
) -> tuple[Any, ...]:
    """The parameters of `APPEND`; a key comes with the ordinal (from 1) of its last event. `known`
    is the last event of the log that they were decided on."""
    found = list(keys)
    stored = [
        (e.stream_id, e.version, e.topic, e.state)
        if isinstance(e, NewEvent)
        else (e.originator_id, e.originator_version, e.topic, e.state)
        for e in events
    ]
    columns = [list(column) for column in zip(*stored, strict=True)] or [[], [], [], []]
    return (
        *columns,
        [key.key for key, _ in found],
        [key.fingerprint for key, _ in found],
        [ordinal for _, ordinal in found],
        known.position,
        known.state,
        known.recorded_at,
    )


def decode_row(row: EventRow) -> Recorded:
    """The event of a row of `EVENT_COLUMNS`. Raises as `decode` does."""
    return decode(*row)


def now() -> datetime:
    """The clock of the shop, in UTC."""
    return datetime.now(UTC)


class EventRecorder(PostgresProcessRecorder):
    """The library's recorder with this shop's append function, so that all its tools work here.

    `insert_events` records all events and the tracking or none. Raises the library's IntegrityError
    when another event stands in such a place, none stands before it, or the tracking is not ahead
    of what is recorded.
    """

    def __init__(
        self,
        datastore: PostgresDatastore,
        *,
        events_table_name: str = "stored_events",
        tracking_table_name: str = "notification_tracking",
    ) -> None:
        super().__init__(
            datastore,
            events_table_name=events_table_name,
            tracking_table_name=tracking_table_name,
        )

    def create_table(self) -> None:
        """Nothing: `migrate` makes the tables, once and under a lock."""

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        if not stored_events and not kwargs:
            return None
        with self.datastore.transaction(commit=True) as curs:
            self._insert_events(curs, stored_events, **kwargs)
            if not stored_events:
                return []
            try:
                curs.execute(APPEND, append_parameters(stored_events), prepare=True)
            except psycopg.DatabaseError as error:
                if error.sqlstate == HOLED:
                    raise IntegrityError(str(error)) from error
                raise
            row = curs.fetchone()
            assert row is not None  # noqa: S101
            base: int = row["append_events"]
            return list(range(base + 1, base + len(stored_events) + 1))

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """What stands behind position `gt`, and then what is recorded."""
        return _Subscription(recorder=self, gt=gt, topics=topics)


class _Subscription(PostgresSubscription):
    """The library's reads what is there while it begins to listen, and never learns of what is
    recorded between the two. This one looks once more when it listens."""

    def _listen(self) -> None:
        listen = SQL("LISTEN {}").format(Identifier(self._recorder.channel_name))
        try:
            with self._recorder.datastore.get_connection() as connection:
                connection.execute(listen)
                self._has_been_notified.set()
                while not self._has_been_stopped and not self._thread_error:
                    for _ in connection.notifies(timeout=0.1, stop_after=1):
                        self._has_been_notified.set()
        except BaseException as error:  # raised where the subscription is read
            self._thread_error = self._thread_error or error
            self.stop()


def event_recorder(url: str, *, pool_size: int = 1) -> EventRecorder:
    """A recorder on the migrated database at `url`, with a pool of its own."""
    found = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(found.get("dbname") or "postgres"),
        host=str(found.get("host") or ""),
        port=str(found.get("port") or "5432"),
        user=str(found.get("user") or ""),
        password=str(found.get("password") or ""),
        pool_size=pool_size,
        max_overflow=10,
    )
    return EventRecorder(datastore)


def read_log(cursor: Cursor[TupleRow], after: int, limit: int) -> list[EventRow]:
    """Up to `limit` rows behind position `after`, in log order."""
    cursor.execute(READ_LOG, (after, limit), prepare=True, binary=True)
    return cursor.fetchall()
