"""Filling each read model anew from the log: events a second."""

from collections.abc import Callable, Mapping
from time import perf_counter

import psycopg

from benchmarks.contest import Case, in_turns
from benchmarks.past import with_past
from benchmarks.result import Claim, Result, machine, median
from benchmarks.server import Server, temporary_server
from infrastructure.postgres.connections import conninfo
from infrastructure.read_models.rebuild import Connections, rebuild
from projections import PROJECTIONS
from projections.projection import Projection


def run(quick: bool) -> Result:
    """As `shop projections rebuild` does it: beside the live tables, then switched to."""
    orders, rounds = (5_000, 1) if quick else (100_000, 3)
    with temporary_server() as server:
        made = with_past(server, "rebuild", orders, projected=False)
        url = server.database_url("rebuild")
        at = f"{made.events:,} events"
        cases = [
            Case(projection.name, at, _rebuilt(server, url, projection, made.events))
            for projection in PROJECTIONS
        ]
        figures = in_turns("Rebuild", cases, rounds)
    return Result(
        name="d_rebuild",
        title="Rebuild of read models",
        how=f"{rounds} rounds over {at}; applied: of those that the read model is made of",
        plot="events/s",
        figures=figures,
        claims=(
            Claim(
                "orders, events of the log a second",
                median(figures, "orders", at, "events/s"),
                40_000,
                80_000,
            ),
        ),
        machine=machine(),
        quick=quick,
    )


def _rebuilt(
    server: Server, url: str, projection: Projection, events: int
) -> Callable[[], Mapping[str, float]]:
    names = [event.__name__ for event in projection.events]

    def run_once() -> Mapping[str, float]:
        options = conninfo(url, "benchmark", search_path="public", statement_timeout=0)
        with (
            psycopg.connect(options, autocommit=True) as reader,
            psycopg.connect(options, autocommit=True) as writer,
        ):
            found = reader.execute(
                "SELECT count(*) FROM stored_events WHERE topic = ANY(%s)", (names,)
            ).fetchone()
            server.checkpoint()
            began = perf_counter()
            for _ in rebuild(Connections(reader, writer), projection, anew=True):
                pass
            took = perf_counter() - began
        return {
            "events/s": events / took,
            "applied/s": (found[0] if found else 0) / took,
            "seconds": took,
        }

    return run_once
