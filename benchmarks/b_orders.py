"""Complete orders a second, and how long a customer waits: our sagas against the library's."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from time import monotonic
from typing import Any, TypeVar

import uvloop

from benchmarks import buyers
from benchmarks.baseline import buyers as baseline
from benchmarks.buyers import Bought, Shop
from benchmarks.contest import Case, in_turns
from benchmarks.result import Claim, Figure, Result, machine, median, percentile
from benchmarks.server import Server, temporary_server
from benchmarks.workers import SPAWN, running_workers
from infrastructure.runtime.gc_tuning import spare_the_collector

T = TypeVar("T")

SHOP, LIBRARY = "shop", "library's documented way"
FULL = "no pause"
CLIENT_PROCESSES = 2
BUYERS = 200  # in each of the client processes
LIBRARY_BUYERS = 4  # more of them only wait for one another
RATES = {SHOP: (50, 250, 1_000), LIBRARY: (10, 25)}
QUICK_RATES = {SHOP: (50,)}
WARM_UP = 1.5  # seconds


def run(quick: bool) -> Result:
    """Orders of two products by 200 customers, from `CreateOrder` to the result that they see."""
    seconds, rounds = (2.0, 1) if quick else (10.0, 3)
    rates = QUICK_RATES if quick else RATES
    with temporary_server() as server:
        cases = [
            Case(SHOP, FULL, lambda: shop_full(server, seconds)),
            Case(LIBRARY, FULL, lambda: library_full(server, seconds)),
            *(
                Case(contestant, f"{rate} a second", _at_rate(server, contestant, rate, seconds))
                for contestant, of_contestant in rates.items()
                for rate in of_contestant
            ),
        ]
        figures = in_turns("Orders", cases, rounds)
    return Result(
        name="b_orders",
        title="Complete orders, application layer",
        how=(
            f"{rounds} rounds of {seconds:g} s; orders of two products; result: seen in the read"
            " models (the library's way has none: seen in its log)"
        ),
        plot="orders/s",
        figures=figures,
        claims=_claims(figures),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure]) -> tuple[Claim, ...]:
    ours = median(figures, SHOP, FULL, "orders/s")
    library = median(figures, LIBRARY, FULL, "orders/s")
    return (
        Claim("complete orders a second", ours, 1_500, 3_000),
        Claim("shop : library", ours / library, 25, 50),
    )


def shop_full(server: Server, seconds: float, template: str | None = None) -> Mapping[str, float]:
    """As many orders as get through."""
    url = server.shop_database("orders", template)
    with running_workers(url):
        shop = uv(buyers.open_shop(url))
        begin = monotonic() + 1.0
        end = begin + WARM_UP + seconds
        arguments = (url, shop, BUYERS, begin, end)
        bought = in_processes(_client_without_pause, [arguments] * CLIENT_PROCESSES)
    return summary([b for b in bought if end - seconds <= b.result < end], seconds)


def library_full(server: Server, seconds: float) -> Mapping[str, float]:
    """As many orders as get through."""
    url = server.empty_database("baseline")
    with baseline.running_baseline(url) as counter:
        end = monotonic() + WARM_UP + seconds
        bought = baseline.buy_without_pause(counter, LIBRARY_BUYERS, end)
    return summary([b for b in bought if end - seconds <= b.result < end], seconds)


def _at_rate(
    server: Server, contestant: str, rate: int, seconds: float
) -> Callable[[], Mapping[str, float]]:
    def library() -> Mapping[str, float]:
        url = server.empty_database("baseline")
        with baseline.running_baseline(url) as counter:
            baseline.buy_at_rate(counter, rate, WARM_UP)
            return summary(baseline.buy_at_rate(counter, rate, seconds), seconds)

    def ours() -> Mapping[str, float]:
        url = server.shop_database("orders")
        with running_workers(url):
            shop = uv(buyers.open_shop(url))
            begin = monotonic() + 2.0
            end = begin + WARM_UP + seconds
            bought = in_processes(_client_at_rate, [(url, shop, rate, begin, end)])
        return summary([b for b in bought if b.placed >= begin + WARM_UP], seconds)

    return ours if contestant == SHOP else library


def summary(bought: Sequence[Bought], seconds: float) -> Mapping[str, float]:
    """Orders a second, and the seconds from placed to result."""
    waits = [(b.result - b.placed) * 1e3 for b in bought]
    return {
        "orders/s": len(bought) / seconds,
        "p50 ms": percentile(waits, 0.5),
        "p99 ms": percentile(waits, 0.99),
    }


def in_processes(
    client: Callable[..., list[T]], arguments: Sequence[tuple[object, ...]]
) -> list[T]:
    """What `client` finds with each of the arguments, each time in a process of its own, which
    spares the collector as those of the API do."""
    with ProcessPoolExecutor(
        len(arguments), mp_context=SPAWN, initializer=spare_the_collector
    ) as pool:
        found = [pool.submit(client, *each) for each in arguments]
        return [each for future in found for each in future.result()]


def _client_without_pause(
    url: str, shop: Shop, count: int, begin: float, end: float
) -> list[Bought]:
    return uv(buyers.buy_without_pause(url, shop, count, begin, end))


def _client_at_rate(url: str, shop: Shop, rate: float, begin: float, end: float) -> list[Bought]:
    return uv(buyers.buy_at_rate(url, shop, rate, begin, end))


def uv(work: Coroutine[Any, Any, T]) -> T:
    """Run it on uvloop, as the shop's processes do."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
