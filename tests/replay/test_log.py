"""Looking into the log."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.recorded import Recorded
from infrastructure.event_store.query import EventFilter, read_events, tail_events
from tests.replay.histories import ADMIN, BEGIN, History, store

LATE = BEGIN + timedelta(milliseconds=300)

FILTERS: dict[str, tuple[EventFilter, Callable[[Recorded], bool]]] = {
    "all": (EventFilter(), lambda _: True),
    "types": (
        EventFilter(("OrderPlaced", "Deposited")),
        lambda r: type(r.event).__name__ in {"OrderPlaced", "Deposited"},
    ),
    "actor": (EventFilter(actor_id=ADMIN), lambda r: r.origin.actor_id == ADMIN),
    "since": (EventFilter(since=LATE), lambda r: r.recorded_at >= LATE),
    "until": (EventFilter(until=LATE), lambda r: r.recorded_at <= LATE),
    "after": (EventFilter(after=100), lambda r: r.position > 100),
    "up to": (EventFilter(up_to=100), lambda r: r.position <= 100),
    "words": (EventFilter(words=("delivery",)), lambda r: "Delivery" in repr(r.event)),
    "words beyond ASCII": (EventFilter(words=("KRAKÓW",)), lambda r: "Kraków" in repr(r.event)),
    "both words": (EventFilter(words=("deliv", "nowhere")), lambda _: False),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_finds_just_what_it_says(
    name: str, past: History, connection: Connection[TupleRow]
) -> None:
    wanted, admits = FILTERS[name]
    found = [event.position for event in read_events(connection, wanted)]
    assert found == [r.position for r in past.recorded if admits(r)]


def test_streams_and_correlations_are_found(
    past: History, connection: Connection[TupleRow]
) -> None:
    some = past.recorded[200]
    for wanted in (
        EventFilter(stream_id=some.stream_id),
        EventFilter(correlation_id=some.origin.correlation_id),
    ):
        found = {event.position for event in read_events(connection, wanted)}
        assert found == {
            r.position
            for r in past.recorded
            if wanted.stream_id in (None, r.stream_id)
            and wanted.correlation_id in (None, r.origin.correlation_id)
        }


def test_a_limit_counts_what_was_found(past: History, connection: Connection[TupleRow]) -> None:
    wanted = EventFilter(words=("Delivery",))
    (first,) = read_events(connection, wanted, limit=1)
    (last,) = read_events(connection, wanted, newest=True, limit=1)
    every = [event.position for event in read_events(connection, wanted)]
    assert (first.position, last.position) == (every[0], every[-1])


def test_the_newest_come_first_when_asked_for(
    past: History, connection: Connection[TupleRow]
) -> None:
    found = [event.position for event in read_events(connection, EventFilter(), newest=True)]
    assert found == [r.position for r in reversed(past.recorded)]


def test_an_event_is_told_with_its_circumstances(
    past: History, connection: Connection[TupleRow]
) -> None:
    told = next(read_events(connection, EventFilter(after=249)))
    recorded = past.recorded[249]
    assert (told.stream_id, told.version, told.recorded_at) == (
        recorded.stream_id,
        recorded.version,
        recorded.recorded_at,
    )
    assert told.actor_id == recorded.origin.actor_id
    assert told.correlation_id == recorded.origin.correlation_id
    assert told.causation_id == recorded.origin.causation_id


@pytest.mark.parametrize("state", [b"{}", b"nonsense", b"\xff\x00", b'{"recorded_at":"soon"}'])
def test_what_cannot_be_read_is_shown_as_it_is(
    state: bytes, past: History, connection: Connection[TupleRow]
) -> None:
    position = len(past.recorded) + 1
    connection.execute(
        "INSERT INTO stored_events VALUES (%s, 1, 'Unheard', %b, %s)",
        (UUID(int=7), state, position),
    )
    (last,) = read_events(connection, EventFilter(after=position - 1))
    assert (last.type, last.recorded_at) == ("Unheard", None)
    assert list(read_events(connection, EventFilter(since=LATE, words=("nonsense",)))) == []


def test_the_tail_goes_on_with_what_is_recorded_next(
    database_url: str, connection: Connection[TupleRow]
) -> None:
    history = History()
    history.product()
    store(database_url, history.recorded)
    tail = tail_events(connection, EventFilter(), poll=5)
    assert (first := next(tail)) is not None
    assert first.position == 1

    def record_more() -> None:
        history.product()
        store(database_url, history.recorded[1:], notify=True)

    thread = Thread(target=record_more)
    thread.start()
    while (second := next(tail)) is None:
        pass
    thread.join()
    assert second.position == 2
