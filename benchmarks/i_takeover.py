"""How long customers wait for the next result when a runner is killed or frozen."""

import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from time import monotonic, sleep

import psycopg

from benchmarks.b_orders import uv
from benchmarks.buyers import Counter, Shop, open_shop
from benchmarks.contest import Case, in_turns
from benchmarks.result import Claim, Figure, Result, machine
from benchmarks.server import temporary_server
from benchmarks.workers import SPAWN, run_worker
from infrastructure.consumers.runner import Consumer
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector

KILLED, FROZEN = "killed", "frozen"
RUNNERS: tuple[Callable[[], Consumer], ...] = (ProcessManager, Projector)
LEADER = "SELECT nullif(split_part(holder, ':', 2), '')::int FROM runners WHERE name = %s"
THERE = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
PATIENCE = 30.0  # seconds


def run(quick: bool) -> Result:
    """Two runners of each kind: one leads, one stands by; an order is placed as the leader goes."""
    rounds = 1 if quick else 20
    with temporary_server() as server, ExitStack() as stack:
        url = server.shop_database("takeover")
        pairs = [stack.enter_context(_pair(url, make)) for make in RUNNERS]
        shop = uv(open_shop(url, products=5, customers=5))
        cases = [
            Case(pair.name, how, partial(pair.take_over, shop, how))
            for how in (KILLED, FROZEN)
            for pair in pairs
        ]
        figures = in_turns("Takeover", cases, rounds)
    slowest = [Figure(f.contestant, f.at, "slowest s", (max(f.rounds),)) for f in figures]
    return Result(
        name="i_takeover",
        title="Takeover by a standby runner",
        how=f"{rounds} times each; from the end of the leader to the result of the next order",
        plot="seconds",
        figures=(*figures, *slowest),
        claims=_claims(slowest),
        machine=machine(),
        quick=quick,
    )


def _claims(slowest: list[Figure]) -> tuple[Claim, ...]:
    def worst(how: str) -> float:
        return max(figure.median for figure in slowest if figure.at == how)

    return (
        Claim("slowest takeover from the killed", worst(KILLED), 2, 1, "s", smaller=True),
        Claim("slowest takeover from the frozen", worst(FROZEN), 10, 8, "s", smaller=True),
    )


class _Pair:
    """Two processes that run consumers of one kind."""

    def __init__(self, url: str, make: Callable[[], Consumer]) -> None:
        self.name = make().name
        self._url = url
        self._make = make
        self._processes: dict[int, BaseProcess] = {}

    def take_over(self, shop: Shop, how: str) -> Mapping[str, float]:
        """End the leader, and answer with the seconds until the next order's result was there."""
        leader = self._leader()
        began = monotonic()
        os.kill(leader, signal.SIGKILL if how == KILLED else signal.SIGSTOP)
        uv(_buy(self._url, shop))
        seconds = monotonic() - began
        if how == KILLED:
            self._processes.pop(leader).join()
            self.start()
        else:
            os.kill(leader, signal.SIGCONT)
        self.wait()
        return {"seconds": seconds}

    def start(self) -> None:
        """Start one more."""
        process = SPAWN.Process(target=run_worker, args=(self._url, self._make))
        process.start()
        assert process.pid is not None
        self._processes[process.pid] = process

    def wait(self) -> None:
        """Return when one leads and the other stands by."""
        deadline = monotonic() + PATIENCE
        while self._leader() not in self._processes or self._there() != len(self._processes):
            if monotonic() > deadline:
                raise RuntimeError(f"nobody leads: {self.name}")
            sleep(0.05)
        sleep(0.5)  # it may have connected without having looked at the lock

    def end(self) -> None:
        """Stop both."""
        for process in self._processes.values():
            process.kill()
            process.join()

    def _leader(self) -> int:
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute(LEADER, (self.name,)).fetchone()
        return row[0] if row and row[0] else 0

    def _there(self) -> int:
        with psycopg.connect(self._url, autocommit=True) as connection:
            row = connection.execute(THERE, (f"shop {self.name}",)).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def _pair(url: str, make: Callable[[], Consumer]) -> Iterator[_Pair]:
    pair = _Pair(url, make)
    try:
        pair.start()
        pair.start()
        pair.wait()
        yield pair
    finally:
        pair.end()


async def _buy(url: str, shop: Shop) -> None:
    async with Counter(url) as counter:
        customer = shop.customers[0]
        order = shop.order(customer, random.Random())
        await counter.buy(order)
