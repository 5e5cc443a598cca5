"""Looking into the log: events as they are stored, by any of their circumstances, one at a time."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import orjson
from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow

HEAD: LiteralString = "SELECT coalesce(max(notification_id), 0) FROM stored_events"
LAST_POSITION = 2**63 - 1  # that there could be
CHUNK = 2_000  # rows a statement; what is in memory at a time

_TIME: LiteralString = " AND coalesce(recorded_at, recorded_in(state))"
_PART: LiteralString = " AND strpos(lower(encode(state, 'escape')), %s) > 0"
_PLAIN = re.compile(r"[0-9A-Za-z _.:/+-]+")  # what is stored as it is written


@message
class StoredEvent:
    """An event as it is stored, whether or not this version of the shop can read it: `data` is the
    stored JSON, or the stored text where that is no JSON; what could not be read is None."""

    position: int
    stream_id: UUID
    version: int
    type: str
    data: Any
    recorded_at: datetime | None
    actor_id: UUID | None
    correlation_id: UUID | None
    causation_id: str | None


@message
class EventFilter:
    """All of these must hold; what is None or empty does not matter. `words` are parts of the
    data's text, in any case; times and positions are inclusive but for `after`."""

    types: tuple[str, ...] = ()
    stream_id: UUID | None = None
    correlation_id: UUID | None = None
    actor_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0
    up_to: int | None = None
    words: tuple[str, ...] = ()

    def admits(self, event: StoredEvent) -> bool:
        """Whether the words are in its data; the rest the database has seen to."""
        if not self.words:
            return True
        text = json.dumps(event.data, ensure_ascii=False).casefold()
        return all(json.dumps(w, ensure_ascii=False)[1:-1].casefold() in text for w in self.words)


def stored_event(row: EventRow) -> StoredEvent:
    """The event of a row of `EVENT_COLUMNS`. Raises nothing."""
    position, stream_id, version, topic, state, recorded_at = row
    try:
        body = orjson.loads(state)
        data = body["data"]
    except (ValueError, TypeError, KeyError):
        text = bytes(state).decode("utf-8", "replace")
        return StoredEvent(position, stream_id, version, topic, text, recorded_at, None, None, None)
    return StoredEvent(
        position,
        stream_id,
        version,
        topic,
        data,
        recorded_at,
        _uuid(body.get("actor_id")),
        _uuid(body.get("correlation_id")),
        body.get("causation_id"),
    )


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def chunk_query(filter: EventFilter, *, newest: bool = False) -> tuple[LiteralString, list[Any]]:
    """The statement that reads the next rows, and its parameters but for the last two: the position
    to go on from, exclusive, and how many."""
    query: LiteralString = f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE notification_id > %s"
    values: list[Any] = [filter.after]
    if filter.up_to is not None:
        query += " AND notification_id <= %s"
        values.append(filter.up_to)
    if filter.types:
        query += " AND topic = ANY(%b::text[])"
        values.append(list(filter.types))
    if filter.stream_id is not None:
        query += " AND originator_id = %s"
        values.append(filter.stream_id)
    if filter.since is not None:
        query += _TIME + " >= %s"
        values.append(filter.since)
    if filter.until is not None:
        query += _TIME + " <= %s"
        values.append(filter.until)
    who = {"correlation_id": filter.correlation_id, "actor_id": filter.actor_id}
    for name, wanted in who.items():
        if wanted is not None:
            query += " AND position(%b::bytea IN state) > 0"
            values.append(f'"{name}":"{wanted}"'.encode())
    for word in filter.words:
        query += _PART
        values.append(max(_PLAIN.findall(word), key=len, default="").lower())
    if newest:
        return query + " AND notification_id < %s ORDER BY notification_id DESC LIMIT %s", values
    return query + " AND notification_id > %s ORDER BY notification_id LIMIT %s", values


def read_events(
    connection: Connection[TupleRow],
    filter: EventFilter,
    *,
    newest: bool = False,
    limit: int | None = None,
) -> Iterator[StoredEvent]:
    """The events in log order, or the newest first; `limit` of None is all of them."""
    query, values = chunk_query(filter, newest=newest)
    edge = LAST_POSITION if newest else filter.after
    found = 0
    while True:
        size = CHUNK if limit is None or filter.words else min(CHUNK, limit - found)
        rows = connection.execute(query, [*values, edge, size], binary=True).fetchall()
        for row in rows:
            event = stored_event(row)
            if filter.admits(event):
                yield event
                found += 1
                if found == limit:
                    return
        if len(rows) < size:
            return
        edge = rows[-1][0]


async def read_event_page(
    connection: AsyncConnection[TupleRow],
    filter: EventFilter,
    limit: int,
    *,
    newest: bool = False,
) -> list[StoredEvent]:
    """The first `limit` events in log order, or the last, newest first; `words` do not count."""
    query, values = chunk_query(filter, newest=newest)
    edge = LAST_POSITION if newest else filter.after
    cursor = await connection.execute(query, [*values, edge, limit], binary=True)
    return [stored_event(row) for row in await cursor.fetchall()]


def tail_events(
    connection: Connection[TupleRow], filter: EventFilter, *, poll: float = 2.0
) -> Iterator[StoredEvent | None]:
    """The events after `filter.after` and then those that are recorded from now on, without end;
    None whenever nothing happened for `poll` seconds. The connection must be in autocommit."""
    connection.execute("LISTEN stored_events")
    after = filter.after
    while True:
        head = head_of(connection)
        window = replace(filter, after=after, up_to=head)
        yield from read_events(connection, window)
        after = head
        if not list(connection.notifies(timeout=poll, stop_after=1)):
            yield None


def head_of(connection: Connection[TupleRow]) -> int:
    """The position of the last event; 0 in an empty log."""
    row = connection.execute(HEAD).fetchone()
    return row[0] if row else 0
