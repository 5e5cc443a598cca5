"""One read model: what every counter shows."""

from collections.abc import Sequence
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from domain.events import Counted, Started
from domain.recorded import Recorded
from projections.projection import Projection, Statement, Table, statement

SCHEMA = "CREATE TABLE totals (counter_id uuid PRIMARY KEY, total integer NOT NULL)"
SHOW = """
INSERT INTO totals SELECT * FROM unnest(%s::uuid[], %s::integer[])
ON CONFLICT (counter_id) DO UPDATE SET total = excluded.total
"""


def apply(events: Sequence[Recorded]) -> list[Statement]:
    """A row for each counter that has moved, as it is after all of them."""
    totals = {
        e.event.counter_id: 0 if isinstance(e.event, Started) else e.event.total for e in events
    }
    return statement(SHOW, totals.items())


PROJECTION = Projection(
    "counters",
    version=1,
    schema=SCHEMA,
    tables=(Table("totals", ("counter_id",)),),
    events=frozenset({Started, Counted}),
    apply=apply,
)
PROJECTIONS = (PROJECTION,)
