"""What a long past costs: appends and orders on an empty log, and on one of a million events."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.a_appends import shop_appends
from benchmarks.b_orders import shop_full
from benchmarks.contest import Case, in_turns
from benchmarks.past import with_past
from benchmarks.result import Claim, Figure, Result, machine, median
from benchmarks.server import Server, temporary_server

APPENDS, ORDERS = "appends, 32 at once", "orders, no pause"
EMPTY = "empty log"
PAST = "past"  # the database that the others are copied from


def run(quick: bool) -> Result:
    """The very same measurements, in turns, on copies of both databases."""
    orders, seconds, rounds = (3_000, 1.0, 1) if quick else (91_000, 5.0, 5)
    with temporary_server() as server:
        made = with_past(server, PAST, orders, projected=True)
        full = f"{made.events:,} events"
        cases = [
            Case(log, work, run_once)
            for work, measured in ((APPENDS, _appends), (ORDERS, _orders))
            for log, run_once in (
                (EMPTY, measured(server, None, seconds)),
                (full, measured(server, PAST, seconds)),
            )
        ]
        figures = in_turns("Growth", cases, rounds)
    return Result(
        name="e_growth",
        title="Growth",
        how=f"{rounds} rounds of {seconds:g} s",
        plot="a second",
        figures=figures,
        claims=_claims(figures, full),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure], full: str) -> tuple[Claim, ...]:
    def ratio(work: str) -> float:
        found = [median(figures, log, work, "a second") for log in (full, EMPTY)]
        return found[0] / found[1]

    return tuple(
        Claim(f"{work}: {full} : empty log", ratio(work), 0.8, 0.95) for work in (APPENDS, ORDERS)
    )


def _appends(
    server: Server, template: str | None, seconds: float
) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        rate, _ = shop_appends(server.shop_database("growth", template), 32, seconds)
        return {"a second": rate}

    return run_once


def _orders(
    server: Server, template: str | None, seconds: float
) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        return {"a second": shop_full(server, seconds, template)["orders/s"]}

    return run_once
