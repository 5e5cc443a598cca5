"""What must hold after every commit of the process manager: each event of an execution was reacted
to, waits for it, or is parked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import LiteralString
from uuid import UUID

from psycopg import Connection

from application.place_order import PROCESS, PlaceOrderProcess, react
from application.process import TimedOut
from domain.events import Event, OrderPlaced, OrderRejected
from infrastructure.event_store.codec import UNREADABLE
from infrastructure.event_store.store import EVENT_COLUMNS, decode_row
from infrastructure.process_managers.table import load_processes

# What the process manager says of them: up to its position everything was reacted to that is not
# parked, or dropped by an operator; what stands behind it was, or still waits.
EVENTS: LiteralString = f"""
SELECT p.position IS NOT NULL, d.position IS NOT NULL, notification_id <= coalesce((
    SELECT notification_id FROM notification_tracking
    WHERE application_name = 'process-manager'), 0), {EVENT_COLUMNS}
FROM stored_events e
LEFT JOIN parked_events p ON p.consumer = 'process-manager' AND p.position = e.notification_id
LEFT JOIN dropped_events d ON d.consumer = 'process-manager' AND d.position = e.notification_id
WHERE e.notification_id > %s ORDER BY notification_id
"""


@dataclass(frozen=True)
class Told:
    """An event of an execution, and what became of it."""

    event: Event
    parked: bool
    dropped: bool
    reacted: bool


def unaccounted(connection: Connection, since: int = 0) -> list[str]:
    """The executions that begin behind position `since` and whose process is not what `react` makes
    of their events in the log's order; what others wish may be heard any time later."""
    kept = load_processes(connection)
    histories: dict[UUID, list[Told]] = {}
    for parked, dropped, reacted, *row in connection.execute(EVENTS, (since,), binary=True):
        try:
            event = decode_row(tuple(row)).event
        except UNREADABLE:
            continue  # only products' events are made unreadable here
        if execution_id := getattr(event, "execution_id", None):
            told = Told(event, parked, dropped, reacted)
            histories.setdefault(execution_id, []).append(told)
    return [
        f"{execution_id} is {kept.get(execution_id)} after {history}"
        for execution_id, history in histories.items()
        if isinstance(history[0].event, OrderPlaced)
        and not _possible(kept.get(execution_id), history)
    ]


def _possible(kept: PlaceOrderProcess | None, history: Sequence[Told]) -> bool:
    parked = [n for n, told in enumerate(history) if told.parked]
    behind = history[parked[0] :] if parked else ()
    if any(told.reacted and not told.parked and not told.dropped for told in behind):
        return False  # what stands behind something that is parked is parked too
    if parked == [0]:
        return kept in (None, _begun(history[0].event))
    rest = [told for told in history if not told.parked and not told.dropped]
    must = [told.event for told in rest if told.reacted]
    may = [told.event for told in rest if not told.reacted]
    return any(
        _after(order, given_up=given_up) == _without_reason(kept)
        for more in range(len(may) + 1)
        for order in (*_orders([*must, *may[:more]]), [*must, *_own(may[:more])])
        for given_up in (False, True)
    )


def _orders(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """How the process may have met them: what it records itself it has reacted to before it reads
    what others recorded meanwhile."""
    yield events
    for n, event in enumerate(events):
        if type(event) in PROCESS.hears:
            others = [*events[:n], *events[n + 1 :]]
            yield from ([*others[:m], event, *others[m:]] for m in range(n + 1, len(events)))


def _own(events: Sequence[Event]) -> Sequence[Event]:
    """What it reacts to as it records it, before it reads on."""
    return [event for event in events if type(event) not in PROCESS.hears]


def _begun(event: Event) -> PlaceOrderProcess | None:
    return react(None, event)[0]


def _after(events: Sequence[Event], *, given_up: bool) -> PlaceOrderProcess | None:
    """Where the events lead; `given_up`: before anything was done, while the placing was parked."""
    process: PlaceOrderProcess | None = None
    given_up = given_up and all(isinstance(e, OrderPlaced | OrderRejected) for e in events)
    for event in events:
        process, _ = react(process, event)
        if given_up and isinstance(event, OrderPlaced):
            process, _ = react(process, TimedOut(event.execution_id))
    return _without_reason(process)


def _without_reason(process: PlaceOrderProcess | None) -> PlaceOrderProcess | None:
    """The words of a failure do not stand in what led to it."""
    return process and replace(process, problem=None)
