"""Ten times the orders that the shop can do: what it refuses, and how soon it does the others."""

import asyncio
import json
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from threading import Event, Thread
from time import monotonic, time
from typing import Any

import psutil
import psycopg

from benchmarks.b_orders import in_processes, uv
from benchmarks.buyers import Shop
from benchmarks.c_graphql import ADDRESS, CREATE, PLACE
from benchmarks.contest import Case, in_turns
from benchmarks.graphql_client import Address, HttpConnection, request
from benchmarks.result import Claim, Figure, Result, machine, median, percentile
from benchmarks.running import RunningShop, access_token, open_to_users, running_shop
from benchmarks.server import Server, temporary_server
from domain.message import message
from infrastructure.ids import new_id
from infrastructure.postgres.connections import conninfo

SHOP = "shop"
CAPACITY, OVERLOAD = "as many as it can", "ten times as many"
API_PROCESSES = 2
CLIENT_PROCESSES = 2
CONNECTIONS = 400  # of each client process
PACED = 20  # of them buy when the capacity is measured
TOO_MUCH = 10
WARM_UP = 3.0  # seconds
LATENCY = "SELECT extract(epoch FROM finished_at - started_at)::float8 FROM executions"
UNFINISHED = "SELECT count(*) FROM executions WHERE finished_at IS NULL"


@message
class Bought:
    """What one client process was told; seconds."""

    placed: int
    refused: int
    turned_away: int  # every connection waited for an answer: nothing was sent
    answers: list[float]
    refusals: list[float]


def run(quick: bool) -> Result:
    """Orders come at ten times the rate that was measured just before, whatever is answered."""
    seconds = 5.0 if quick else 60.0
    with temporary_server() as server:
        figures = in_turns("Overload", [Case(SHOP, "both", partial(_both, server, seconds))], 1)
    found = [_named(figure) for figure in figures]
    return Result(
        name="j_overload",
        title="Ten times too many orders over GraphQL",
        how=(
            f"{seconds:g} s; {API_PROCESSES} API processes; who is refused does not come again;"
            " answers: of createOrder and placeOrder"
        ),
        plot="placed/s",
        figures=tuple(found),
        claims=_claims(found),
        machine=machine(),
        quick=quick,
    )


def _named(figure: Figure) -> Figure:
    at, _, measure = figure.measure.partition(": ")
    return Figure(SHOP, at, measure, figure.rounds)


def _claims(figures: Sequence[Figure]) -> tuple[Claim, ...]:
    def found(at: str, measure: str) -> float:
        return median(figures, SHOP, at, measure)

    kept = found(OVERLOAD, "placed/s") / found(CAPACITY, "placed/s")
    return (
        Claim("share of its capacity that is left", kept, 0.4, 0.7),
        Claim("accepted, p99", found(OVERLOAD, "answer p99 ms"), 3_000, 1_000, "ms", smaller=True),
        Claim("refused, p99", found(OVERLOAD, "refusal p99 ms"), 1_000, 500, "ms", smaller=True),
        Claim("memory gained", found(OVERLOAD, "memory gained %"), 15, 5, "%", smaller=True),
        Claim(
            "acknowledged and not done", found(OVERLOAD, "not done"), 0, 0, "orders", smaller=True
        ),
    )


def _both(server: Server, seconds: float) -> Mapping[str, float]:
    url = server.shop_database("overload")
    with running_shop(url, API_PROCESSES) as running:
        shop = open_to_users(url)
        capacity = _measure(running, url, shop, min(seconds, 10.0), None)
        rate = TOO_MUCH * capacity["placed/s"]
        overload = _measure(running, url, shop, seconds, rate)
    return {
        **{f"{CAPACITY}: {name}": value for name, value in capacity.items()},
        **{f"{OVERLOAD}: {name}": value for name, value in overload.items()},
    }


def _measure(
    running: RunningShop, url: str, shop: Shop, seconds: float, rate: float | None
) -> dict[str, float]:
    """Orders at `rate` a second, or as fast as a few customers come, one after another."""
    begin = monotonic() + 2.0
    end = begin + WARM_UP + seconds
    shares = [
        (running.address, shop, rate and rate / CLIENT_PROCESSES, begin, end, number)
        for number in range(CLIENT_PROCESSES)
    ]
    with _memory_of(running.pid) as memory:
        bought = in_processes(_client, shares)
    placed = sum(b.placed for b in bought)
    answers = [s for b in bought for s in b.answers]
    refusals = [s for b in bought for s in b.refusals]
    return {
        "placed/s": placed / seconds,
        "refused/s": sum(b.refused for b in bought) / seconds,
        "turned away/s": sum(b.turned_away for b in bought) / seconds,
        "answer p50 ms": percentile(answers, 0.5) * 1_000,
        "answer p99 ms": percentile(answers, 0.99) * 1_000,
        "refusal p99 ms": percentile(refusals, 0.99) * 1_000,
        "result p99 ms": percentile(_latencies(url), 0.99) * 1_000,
        "memory gained %": _gained(memory),
        "not done": float(_not_done(url)),
    }


@contextmanager
def _memory_of(pid: int) -> Iterator[list[int]]:
    """What all processes of the shop take, PostgreSQL's included, in bytes, once a second."""
    shop, samples, stop = psutil.Process(pid), list[int](), Event()

    def sample() -> None:
        while not stop.wait(1):
            family = [shop, *shop.children(recursive=True)]
            samples.append(sum(process.memory_info().rss for process in family))

    thread = Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()


def _gained(samples: list[int]) -> float:
    """By how much the last third is above the third before it, in per cent."""
    third = len(samples) // 3
    last, before = samples[-third:], samples[-2 * third : -third]
    return (sum(last) / sum(before) - 1) * 100


def _latencies(url: str) -> list[float]:
    with psycopg.connect(conninfo(url, "benchmark"), autocommit=True) as connection:
        return [row[0] for row in connection.execute(LATENCY + " WHERE finished_at IS NOT NULL")]


def _not_done(url: str) -> int:
    """How many executions have no result, ten seconds after the last was placed or sooner."""
    deadline = time() + 10
    while True:
        with psycopg.connect(conninfo(url, "benchmark"), autocommit=True) as connection:
            row = connection.execute(UNFINISHED).fetchone()
        if not row or not row[0] or time() > deadline:
            return row[0] if row else 0


def _client(
    address: Address, shop: Shop, rate: float | None, begin: float, end: float, number: int
) -> list[Bought]:
    return [uv(_Client(address, shop, random.Random(number)).buy(rate, begin, end))]


class _Client:
    """Many customers behind one process; for asyncio."""

    def __init__(self, address: Address, shop: Shop, chance: random.Random) -> None:
        self._address = address
        self._shop = shop
        self._chance = chance
        # In turns: a connection that is idle for five seconds is closed.
        self._free: deque[tuple[HttpConnection, Any]] = deque()
        self.bought = Bought(0, 0, 0, [], [])
        self._counted = False
        self._placed = self._refused = self._turned_away = 0

    async def buy(self, rate: float | None, begin: float, end: float) -> Bought:
        async with AsyncExitStack() as stack:
            for number in range(CONNECTIONS if rate else PACED):
                customer = self._shop.customers[number % len(self._shop.customers)]
                http = HttpConnection(self._address, access_token(customer[0]))
                self._free.append((await stack.enter_async_context(http), customer))
            await asyncio.sleep(max(0.0, begin - monotonic()))
            asyncio.get_running_loop().call_later(WARM_UP, self._begin_to_count)
            async with asyncio.TaskGroup() as group:
                if rate is None:
                    for _ in range(PACED):
                        group.create_task(self._one_after_another(end))
                else:
                    await self._whatever_comes(group, rate, end)
        return Bought(
            self._placed,
            self._refused,
            self._turned_away,
            self.bought.answers,
            self.bought.refusals,
        )

    def _begin_to_count(self) -> None:
        self._counted = True

    async def _one_after_another(self, end: float) -> None:
        http, customer = self._free.popleft()
        while monotonic() < end:
            await self._order(http, customer)

    async def _whatever_comes(self, group: asyncio.TaskGroup, rate: float, end: float) -> None:
        due = monotonic()
        while (now := monotonic()) < end:
            while due <= now:
                due += self._chance.expovariate(rate)
                if self._free:
                    group.create_task(self._come(*self._free.popleft()))
                else:
                    self._turned_away += self._counted
            await asyncio.sleep(max(0.001, due - monotonic()))

    async def _come(self, http: HttpConnection, customer: Any) -> None:
        await self._order(http, customer)
        self._free.append((http, customer))

    async def _order(self, http: HttpConnection, customer: Any) -> None:
        order = self._shop.order(customer, self._chance)
        order_id = str(new_id())
        create = {
            "id": order_id,
            "items": [{"productId": str(i.product_id), "quantity": 1} for i in order.items],
            "shippingAddress": ADDRESS,
            "total": f"{order.total / 100:.2f}",
        }
        if await self._accepted(http, request(CREATE, {"input": create})):
            place = {"orderId": order_id, "executionName": order_id}
            if await self._accepted(http, request(PLACE, {"input": place})):
                self._placed += self._counted

    async def _accepted(self, http: HttpConnection, body: bytes) -> bool:
        began = monotonic()
        answer = json.loads(await http.post(body))
        took = monotonic() - began
        if "errors" not in answer:
            self._note(self.bought.answers, took)
            return True
        extensions = answer["errors"][0]["extensions"]
        if extensions["code"] != "RATE_LIMITED" or extensions["retryAfter"] < 1:
            raise RuntimeError(answer)
        self._refused += self._counted
        self._note(self.bought.refusals, took)
        return False

    def _note(self, where: list[float], took: float) -> None:
        if self._counted:
            where.append(took)
