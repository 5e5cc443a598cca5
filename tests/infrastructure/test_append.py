"""What the append function itself sees to, whatever its caller believes: versions without holes,
times in the order of the log, and that the log is the one that was decided on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.event_store.store import (
    APPEND,
    HOLED,
    NOTHING_KNOWN,
    STALE,
    Known,
    NewEvent,
    append_parameters,
    event_recorder,
    read_log,
)
from infrastructure.ids import new_id
from infrastructure.postgres.connections import conninfo

TIMES = "SELECT recorded_at FROM stored_events ORDER BY notification_id"


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        yield connection


def event(stream: UUID, version: int, state: bytes = b"{}") -> NewEvent:
    return NewEvent(stream, version, "Tested", state)


def append(
    connection: Connection[TupleRow], *events: NewEvent, known: Known = NOTHING_KNOWN
) -> None:
    connection.execute(APPEND, append_parameters(events, known=known))


@pytest.mark.parametrize("missing", [3, 4, 7])
def test_a_version_that_does_not_follow_on_the_last_one_is_refused(
    connection: Connection[TupleRow], missing: int
) -> None:
    stream = new_id()
    append(connection, event(stream, 1))
    with pytest.raises(psycopg.DatabaseError, match="does not follow") as refused:
        append(connection, event(new_id(), 1), event(stream, missing))
    assert refused.value.sqlstate == HOLED
    with connection.cursor() as cursor:
        assert [row[1] for row in read_log(cursor, 0, 10)] == [stream]


def test_a_stream_does_not_begin_in_its_middle(connection: Connection[TupleRow]) -> None:
    with pytest.raises(psycopg.DatabaseError, match="does not follow"):
        append(connection, event(new_id(), 2))


def test_events_of_one_append_follow_on_one_another(connection: Connection[TupleRow]) -> None:
    one, other = new_id(), new_id()
    append(
        connection, event(one, 1), event(other, 1), event(one, 2), event(other, 2), event(one, 3)
    )
    append(connection, event(other, 3), event(one, 4))


def test_the_recorder_of_the_library_says_that_it_is_a_matter_of_integrity(
    database_url: str,
) -> None:
    recorder = event_recorder(database_url)
    try:
        with pytest.raises(IntegrityError, match="does not follow"):
            recorder.insert_events([StoredEvent(new_id(), 2, "Tested", b"{}")])
    finally:
        recorder.datastore.close()


def test_times_are_those_of_the_database_and_never_go_back(
    connection: Connection[TupleRow],
) -> None:
    append(connection, event(new_id(), 1), event(new_id(), 1))
    (first,), (second,) = connection.execute(TIMES).fetchall()
    assert first == second
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)
    ahead = first + timedelta(hours=1)
    connection.execute("UPDATE stored_events SET recorded_at = %s", (ahead,))
    append(connection, event(new_id(), 1))
    assert [row[0] for row in connection.execute(TIMES)] == [ahead] * 3


def test_times_go_on_from_what_an_earlier_release_has_written(
    connection: Connection[TupleRow],
) -> None:
    ahead = b'{"recorded_at":"2099-01-01T00:00:00.000001Z","actor_id":null}'
    append(connection, event(new_id(), 1, ahead))
    connection.execute("UPDATE stored_events SET recorded_at = NULL")
    append(connection, event(new_id(), 1))
    with connection.cursor() as cursor:
        times = [row[5] for row in read_log(cursor, 0, 10)]
    assert times == [datetime(2099, 1, 1, 0, 0, 0, 1, UTC)] * 2


def test_what_was_decided_on_another_log_is_refused(connection: Connection[TupleRow]) -> None:
    stream = new_id()
    append(connection, event(stream, 1, b"one"), event(new_id(), 1, b"two"))
    with connection.cursor() as cursor:
        rows = read_log(cursor, 0, 10)
    for row in rows:
        append(connection, event(new_id(), 1), known=Known(row[0], row[4], row[5]))
        append(connection, event(new_id(), 1), known=Known(row[0], row[4]))
    later = rows[1][5] + timedelta(microseconds=1) if rows[1][5] else None
    for known in (Known(99, b"two"), Known(2, b"one"), Known(2, b"two", later)):
        with pytest.raises(psycopg.DatabaseError, match="another one") as refused:
            append(connection, event(new_id(), 1), known=known)
        assert refused.value.sqlstate == STALE


def test_an_empty_log_is_another_one_than_any_that_was_seen(
    connection: Connection[TupleRow],
) -> None:
    with pytest.raises(psycopg.DatabaseError, match="another one"):
        append(connection, event(new_id(), 1), known=Known(1, b"{}"))


def test_the_release_before_can_still_append(connection: Connection[TupleRow]) -> None:
    connection.execute(
        "SELECT append_events(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[],"
        " %b::uuid[], %b::bytea[], %b::bigint[])",
        append_parameters([event(new_id(), 1)])[:7],
    )
