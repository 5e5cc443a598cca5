"""Fills the read models: reads and decodes each event once, feeds all of them, and commits their
rows and positions at once."""

from collections.abc import Callable, Sequence
from time import time_ns

import psycopg
import structlog
from prometheus_client import CollectorRegistry
from psycopg import Cursor
from psycopg.rows import TupleRow
from pydantic import ValidationError

from domain.recorded import Recorded
from infrastructure.consumers.parking import Parked, park, to_retry, unpark
from infrastructure.consumers.position import check_known, check_reached, known_at, known_by
from infrastructure.consumers.runner import Lead
from infrastructure.errors import Fenced, LogChanged, NotMigrated
from infrastructure.event_store.codec import UnknownEvent
from infrastructure.event_store.store import NOTHING_KNOWN, EventRow, decode_row, read_log
from infrastructure.observability.metrics import Measures
from infrastructure.postgres.connections import AWAY
from infrastructure.read_models.fingerprint import fingerprint
from infrastructure.read_models.held import Groups, group_of, held, ids_of, ids_of_row
from infrastructure.read_models.repairs import tell_rows
from projections import PROJECTIONS
from projections.projection import Projection

log = structlog.get_logger()

# What is no fault of an event's: left to the runner, never parked.
TRANSIENT = (*AWAY, Fenced, LogChanged)

# The events of a batch, and when it was begun (ns since 1970).
OnApplied = Callable[[Sequence[Recorded], int], object]


class Projector:
    """The consumer that fills all live read models."""

    name = "projector"

    def __init__(
        self,
        projections: Sequence[Projection] = PROJECTIONS,
        *,
        batch: int = 2_000,
        observe: Callable[[CollectorRegistry], OnApplied] | None = None,
    ) -> None:
        """`observe` is given where the projector's measures are, for more of them, and answers what
        to tell of each batch that was committed."""
        self._projections = projections
        self._batch = batch
        self.measures = Measures(self.name)
        self._on_applied = observe(self.measures.registry) if observe else None
        self._positions: dict[str, int] = {}
        self._known = NOTHING_KNOWN
        self._held: dict[str, Groups] = {}

    def recover(self, lead: Lead) -> None:
        """Begin where the read models are. Raises NotMigrated where other code has made them, and
        LogChanged where they know more than the log."""
        rows = lead.connection.execute(
            "SELECT name, version, fingerprint, position FROM projections"
        ).fetchall()
        made = {(name, version, code) for name, version, code, _ in rows}
        mine = {(p.name, p.version, fingerprint(p)) for p in self._projections}
        if made != mine:
            raise NotMigrated(sorted({name for name, _, _ in made ^ mine}))
        for name, _, _, position in rows:
            check_reached(lead.connection, f"The read model {name}", position)
        self._positions = {name: position for name, _, _, position in rows}
        self._known = known_at(lead.connection, min(self._positions.values(), default=0))
        for projection in self._projections:
            self._look_what_is_held(lead, projection)

    def work(self, lead: Lead) -> bool:
        """Apply the next batch of events. Raises psycopg.OperationalError or Fenced."""
        with lead.connection.cursor() as cursor:
            rows = read_log(cursor, min(self._positions.values()), self._batch)
        if rows:
            with self.measures.seconds.time():
                self._apply(lead, rows)
            self.measures.events.observe(len(rows))
            self._known = known_by(rows[-1])
        return bool(rows)

    def heartbeat(self, lead: Lead) -> None:
        """Show that it lives, look whether the log is still the one that was read, and try again
        what somebody asked for."""
        check_known(lead.connection, self._known)
        for projection in self._projections:
            self._look_what_is_held(lead, projection)
            retried = to_retry(lead.connection, _consumer(projection))
            if retried:
                self._retry(lead, projection, [row for _, row in retried])
        with lead.transaction():
            pass

    def _look_what_is_held(self, lead: Lead, projection: Projection) -> None:
        name = projection.name
        self._held[name] = held(lead.connection, name, _consumer(projection))

    def _apply(self, lead: Lead, rows: Sequence[EventRow]) -> None:
        """The whole batch in one transaction; when something in it cannot be applied, halves of it,
        down to the one event that is to blame."""
        began = time_ns()
        events, unreadable = _decode(rows)
        try:
            if unreadable:
                raise unreadable[0][1]
            with lead.transaction() as cursor:
                self._apply_all(cursor, events, rows[-1][0])
        except TRANSIENT:
            raise
        except Exception as error:
            if isinstance(error, psycopg.DatabaseError) and lead.connection.broken:
                raise
            if len(rows) > 1:
                middle = len(rows) // 2
                self._apply(lead, rows[:middle])
                self._apply(lead, rows[middle:])
            else:
                self._apply_or_park(lead, rows[0], error)
            return
        self._applied(events, rows[-1][0], began)

    def _apply_all(
        self, cursor: Cursor[TupleRow], events: Sequence[Recorded], position: int
    ) -> None:
        for projection in self._projections:
            name = projection.name
            behind = events
            if events and events[0].position <= self._positions[name]:
                behind = [e for e in events if e.position > self._positions[name]]
            if self._held[name]:
                behind, waiting = self._without_held(projection, behind)
                park(cursor, _consumer(projection), waiting)
            _run(cursor, projection, behind)
        cursor.execute(
            "UPDATE projections SET position = %s WHERE position < %s", (position, position)
        )
        cursor.execute("SELECT pg_notify('projected', %s)", (str(position),))

    def _without_held(
        self, projection: Projection, events: Sequence[Recorded]
    ) -> tuple[list[Recorded], list[Parked]]:
        """The events that can be applied, and those that wait, which hold up others in turn."""
        groups, free, waiting = self._held[projection.name], list[Recorded](), list[Parked]()
        for event in events:
            ids = ids_of(projection.name, event)
            group = group_of(groups, ids)
            if group is None or type(event.event) not in projection.events:
                free.append(event)
            else:
                waiting.append(Parked(event.position, group, None))
                groups |= {each: group for each in ids if each not in groups}
        return free, waiting

    def _apply_or_park(self, lead: Lead, row: EventRow, error: Exception) -> None:
        """One event: each read model that cannot process it parks it, the others go on."""
        began = time_ns()
        position = row[0]
        events, unreadable = _decode([row])
        for projection in self._projections:
            if self._positions[projection.name] >= position:
                continue
            if not unreadable and projection.events.isdisjoint({type(e.event) for e in events}):
                continue
            ids = ids_of_row(projection.name, row)
            group = group_of(self._held[projection.name], ids)
            text: str | None = None
            try:
                if unreadable:
                    raise unreadable[0][1]
                if group is None:
                    with lead.transaction() as cursor:
                        _run(cursor, projection, events)
                        _move(cursor, projection, position)
                    self._positions[projection.name] = position
                    continue
            except TRANSIENT:
                raise
            except Exception as reason:
                text = f"{type(reason).__name__}: {reason}"
                correlation = str(events[0].origin.correlation_id) if events else None
                log.exception(
                    "event parked",
                    projection=projection.name,
                    position=position,
                    correlation_id=correlation,
                )
            group = group or ids[0]
            with lead.transaction() as cursor:
                park(cursor, _consumer(projection), [Parked(position, group, text)])
                _move(cursor, projection, position)
            self._held[projection.name] |= dict.fromkeys(ids, group)
            self._positions[projection.name] = position
        with lead.transaction() as cursor:
            self._apply_all(cursor, (), position)
        self._applied(events, position, began)

    def _retry(self, lead: Lead, projection: Projection, rows: Sequence[EventRow]) -> None:
        consumer = _consumer(projection)
        positions = [row[0] for row in rows]
        try:
            events, unreadable = _decode(rows)
            if unreadable:
                raise unreadable[0][1]
            with lead.transaction() as cursor:
                unpark(cursor, consumer, positions)
                _run(cursor, projection, events)
                tell_rows(cursor, projection, positions)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("still cannot be applied", projection=projection.name)
            with lead.transaction() as cursor:
                reason = f"{type(error).__name__}: {error}"
                park(cursor, consumer, [Parked(positions[0], rows[0][1], reason)])
                cursor.execute(
                    "UPDATE parked_events SET retry_at = NULL WHERE consumer = %s"
                    " AND position = ANY(%s)",
                    (consumer, positions),
                )
            return
        self._look_what_is_held(lead, projection)

    def _applied(self, events: Sequence[Recorded], position: int, began: int) -> None:
        self._positions = {name: max(p, position) for name, p in self._positions.items()}
        if self._on_applied is not None:
            self._on_applied(events, began)


def _consumer(projection: Projection) -> str:
    return f"projector:{projection.name}"


def _decode(rows: Sequence[EventRow]) -> tuple[list[Recorded], list[tuple[EventRow, Exception]]]:
    events: list[Recorded] = []
    unreadable: list[tuple[EventRow, Exception]] = []
    for row in rows:
        try:
            events.append(decode_row(row))
        except (UnknownEvent, ValidationError) as error:
            unreadable.append((row, error))
    return events, unreadable


def _run(cursor: Cursor[TupleRow], projection: Projection, events: Sequence[Recorded]) -> None:
    for statement in projection.apply(events):
        cursor.execute(statement.query, statement.columns, prepare=True)


def _move(cursor: Cursor[TupleRow], projection: Projection, position: int) -> None:
    cursor.execute(
        "UPDATE projections SET position = %s WHERE name = %s", (position, projection.name)
    )
