"""Visitors who search a large shop without a pause, and customers who order meanwhile."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from time import monotonic, sleep

from benchmarks.b_orders import uv
from benchmarks.buyers import Shop
from benchmarks.c_graphql import PLACE, Browser, expected
from benchmarks.contest import Case, in_turns
from benchmarks.generate import BOARDS
from benchmarks.graphql_client import Address, HttpConnection, request
from benchmarks.past import with_past
from benchmarks.result import Claim, Figure, Result, machine, median, percentile
from benchmarks.running import open_to_users, running_shop
from benchmarks.server import Server, temporary_server
from benchmarks.workers import SPAWN
from domain.message import message

SHOP = "shop"
QUIET, SEARCHED = "nobody searches", "50 visitors search"
PAST = "search_past"
VISITORS = 50
BUYERS = 20
RATE = 20  # orders a second
WARM_UP = 2.0  # seconds
SEARCH = """
query Search($search: String, $inStock: Boolean) {
  products(search: $search, inStock: $inStock, first: 20) {
    totalCount
    nodes { id name price { amount } available }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@message
class Seen:
    """What one client process saw: seconds that each answer took."""

    searches: list[float]
    placements: list[float]
    refused: int


def run(quick: bool) -> Result:
    """The same orders with and without visitors who search for all sorts of names."""
    products, seconds, rounds = (20_000, 3.0, 1) if quick else (200_000, 20.0, 3)
    with temporary_server() as server:
        with_past(server, PAST, 10, projected=True, products=products)
        cases = [
            Case(SHOP, at, _shop(server, visitors, seconds))
            for at, visitors in ((QUIET, 0), (SEARCHED, VISITORS))
        ]
        figures = in_turns("Search", cases, rounds)
    return Result(
        name="l_search",
        title="Searching a large shop",
        how=(
            f"{rounds} rounds of {seconds:g} s; {products:,} products; one API process;"
            f" {RATE} orders a second, p50 and p99 from placeOrder sent to its answer; each visitor"
            " searches again, totalCount and all, when an answer has come"
        ),
        plot="p99 ms",
        figures=figures,
        claims=_claims(figures),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure]) -> tuple[Claim, ...]:
    quiet, searched = (median(figures, SHOP, at, "p99 ms") for at in (QUIET, SEARCHED))
    return (
        Claim("placeOrder's p99, searched : quiet", searched / quiet, 2, 1.5, smaller=True),
        Claim("searches a second", median(figures, SHOP, SEARCHED, "searches/s"), 10, 50),
    )


def _shop(server: Server, visitors: int, seconds: float) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        url = server.shop_database("search", PAST)
        with running_shop(url) as running, ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
            shop = open_to_users(url, customers=BUYERS)
            for process in [pool.submit(_begin) for _ in range(2)]:
                process.result()
            begin = monotonic() + 1.0
            end = begin + WARM_UP + seconds
            searching = pool.submit(_search_in_process, running.address, visitors, begin, end)
            buying = pool.submit(_buy_in_process, running.address, shop, begin, end)
            searched, bought = searching.result(), buying.result()
        return {
            "p50 ms": percentile(bought.placements, 0.5) * 1e3,
            "p99 ms": percentile(bought.placements, 0.99) * 1e3,
            "orders/s": len(bought.placements) / seconds,
            **(_of_searches(searched, seconds) if visitors else {}),
        }

    return run_once


def _of_searches(seen: Seen, seconds: float) -> Mapping[str, float]:
    return {
        "searches/s": len(seen.searches) / seconds,
        "search p50 ms": percentile(seen.searches, 0.5) * 1e3,
        "search p99 ms": percentile(seen.searches, 0.99) * 1e3,
        "refused/s": seen.refused / seconds,
    }


def _begin() -> None:
    """Import what a client process needs; slowly enough that each of them has to."""
    sleep(1.0)


def _search_in_process(address: Address, visitors: int, begin: float, end: float) -> Seen:
    return uv(_search(address, visitors, begin, end))


def _buy_in_process(address: Address, shop: Shop, begin: float, end: float) -> Seen:
    return uv(_buy(address, shop, begin, end))


async def _search(address: Address, visitors: int, begin: float, end: float) -> Seen:
    seen = Seen([], [], 0)
    refused = 0

    async def visitor(number: int) -> None:
        nonlocal refused
        chance = random.Random(number)
        async with HttpConnection(address) as http:
            await asyncio.sleep(max(0.0, begin - monotonic()))
            while monotonic() < end:
                asked = monotonic()
                try:
                    await http.post(request(SEARCH, _wanted(chance)))
                except RuntimeError:
                    refused += asked >= begin + WARM_UP
                    await asyncio.sleep(1.0)
                else:
                    if asked >= begin + WARM_UP:
                        seen.searches.append(monotonic() - asked)

    async with asyncio.TaskGroup() as group:
        for number in range(visitors):
            group.create_task(visitor(number))
    return Seen(seen.searches, [], refused)


def _wanted(chance: random.Random) -> Mapping[str, object]:
    """What a visitor looks for: a kind of board, or a part of it, a board, or what there is not."""
    board, number = chance.choice(BOARDS), chance.randrange(1_000, 200_000)
    search = chance.choice(
        [board, board[:5].upper(), f"{board} {number // 100}", str(number), "surfbréttið"]
    )
    return {"search": search, "inStock": chance.choice([True, None])}


async def _buy(address: Address, shop: Shop, begin: float, end: float) -> Seen:
    seen = Seen([], [], 0)
    due = [begin + number / RATE for number in range(round((end - begin) * RATE))]

    async def buyer(browser: Browser, moments: Sequence[float]) -> None:
        async with browser.http:
            for moment in moments:
                await asyncio.sleep(max(0.0, moment - 0.3 - monotonic()))
                order_id = await browser.create()
                await asyncio.sleep(max(0.0, moment - monotonic()))
                place = {"orderId": order_id, "executionName": order_id}
                answer = await browser.http.ask(PLACE, {"input": place})
                expected(answer["placeOrder"], "PlaceOrderPayload")
                if moment >= begin + WARM_UP:
                    seen.placements.append(monotonic() - moment)

    async with asyncio.TaskGroup() as group:
        for number, customer in enumerate(shop.customers):
            moments = due[number :: len(shop.customers)]
            group.create_task(buyer(Browser(address, shop, customer), moments))
    return seen
