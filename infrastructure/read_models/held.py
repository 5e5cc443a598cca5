"""What an event that cannot be applied holds up: whatever would change the same rows, in order.

Rows are of a stream, but for those of executions, which events of many streams change. So there an
event holds up its execution, and the order whose row it changes too; other executions that meet in
the same product or account go on. Whatever is held up holds up the same way, in one group.
"""

import re
from collections.abc import Iterable, Mapping
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.recorded import Recorded
from infrastructure.consumers.parking import parked_rows
from infrastructure.event_store.store import EventRow

# The read models with rows of executions.
BY_EXECUTION = frozenset({"orders"})
# Found without reading the event, which may be what cannot be done.
_EXECUTION = re.compile(rb'"execution_id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')

Groups = dict[UUID, UUID]


def ids_of_row(name: str, row: EventRow) -> tuple[UUID, ...]:
    """What the event holds up in the read model of that name, if it cannot be applied."""
    stream, state = row[1], bytes(row[4])
    found = _EXECUTION.search(state) if name in BY_EXECUTION else None
    if found is None:
        return (stream,)
    execution = UUID(found[1].decode())
    own_order = b'"order_id":"%b"' % str(stream).encode() in state
    return (stream, execution) if own_order else (execution,)


def ids_of(name: str, recorded: Recorded) -> tuple[UUID, ...]:
    """The same of an event that could be read."""
    event, stream = recorded.event, recorded.stream_id
    execution = getattr(event, "execution_id", None) if name in BY_EXECUTION else None
    if execution is None:
        return (stream,)
    return (stream, execution) if getattr(event, "order_id", None) == stream else (execution,)


def group_of(groups: Mapping[UUID, UUID], ids: Iterable[UUID]) -> UUID | None:
    """What holds up something of these ids, if anything does."""
    return next((groups[each] for each in ids if each in groups), None)


def held(connection: Connection[TupleRow], name: str, consumer: str) -> Groups:
    """All that is held up, each with what its group is told by in `parked_events`. Groups that have
    met are made one, so that they are tried again in one order."""
    groups: Groups = {}
    for belongs_to, row in parked_rows(connection, consumer):
        ids = (belongs_to, *(ids_of_row(name, row) if row else ()))
        met = dict.fromkeys(groups[each] for each in ids if each in groups)
        first = next(iter(met), belongs_to)
        for other in [each for each in (*met, belongs_to) if each != first]:
            groups = {each: first if group == other else group for each, group in groups.items()}
            connection.execute(
                "UPDATE parked_events SET belongs_to = %s WHERE consumer = %s AND belongs_to = %s",
                (first, consumer, other),
            )
        groups |= dict.fromkeys(ids, first)
    return groups
