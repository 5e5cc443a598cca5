"""Common queries: what one server process answers, against Strawberry on FastAPI's router."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic

import jwt

from benchmarks.b_orders import in_processes, uv
from benchmarks.contest import Case, in_turns
from benchmarks.generate import Customer, generate
from benchmarks.graphql_client import Address, HttpConnection, request
from benchmarks.past import wait_for_read_models
from benchmarks.result import Claim, Figure, Result, machine, median, percentile
from benchmarks.running import (
    SECRET_KEY,
    access_token,
    free_port,
    running_shop,
    wait_until_answering,
)
from benchmarks.server import temporary_server
from domain.message import message

SHOP, DOCUMENTED, CACHED = "shop", "Strawberry, FastAPI", "Strawberry, FastAPI, caches"
PLAIN = "no GraphQL, no checks"
CONNECTIONS = 16
ORDERS = 2_000
WARM_UP = 0.5  # seconds

QUERIES = {
    "A: 20 products": """
query Products {
  products(first: 20) { nodes { id name imageUrl price { amount } available } }
}
""",
    "B: 20 orders, items": """
query Orders {
  orders(first: 20) {
    nodes {
      id status total { amount }
      items { productName quantity unitPrice { amount } subtotal { amount } }
    }
  }
}
""",
    "C: and executions, steps": """
query Orders {
  orders(first: 20) {
    nodes {
      id status total { amount }
      items { productName quantity unitPrice { amount } subtotal { amount } }
      executions { name status steps { number type at } }
    }
  }
}
""",
}

LAST = list(QUERIES)[-1]


@message
class Contestant:
    """Where it answers, and what its users prove themselves with."""

    name: str
    address: Address
    tokens: tuple[str, ...]


def run(quick: bool) -> Result:
    """Each contestant is one server process and reads the same tables; 16 connections ask it."""
    seconds, rounds = (0.5, 1) if quick else (5.0, 3)
    with temporary_server() as server, ExitStack() as stack:
        url = server.shop_database("queries")
        customers = generate(url, orders=ORDERS, customers=100).customers[:CONNECTIONS]
        shop = stack.enter_context(running_shop(url))
        wait_for_read_models(url)
        contestants = [
            Contestant(SHOP, shop.address, tuple(access_token(who.user_id) for who in customers)),
            stack.enter_context(_other(DOCUMENTED, url, customers, "graphql")),
            stack.enter_context(_other(CACHED, url, customers, "graphql", PARSE_CACHE="1")),
            stack.enter_context(_other(PLAIN, url, customers, "plain")),
        ]
        cases = [
            Case(contestant.name, query, _asked(contestant, QUERIES[query], seconds))
            for query in list(QUERIES)[: 2 if quick else 3]
            for contestant in contestants
            if not (contestant.name == PLAIN and query == LAST)
        ]
        _check_answers(contestants)
        figures = in_turns("Queries", cases, rounds)
    return Result(
        name="h_queries",
        title="Queries",
        how=f"{rounds} rounds of {seconds:g} s; one server process, {CONNECTIONS} connections",
        plot="requests/s",
        figures=figures,
        claims=_claims(figures),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure]) -> tuple[Claim, ...]:
    def ratio(query: str, other: str) -> float:
        ours, theirs = (median(figures, who, query, "requests/s") for who in (SHOP, other))
        return ours / theirs

    return tuple(
        Claim(f"{query}: shop : {other}", ratio(query, other), 2, 8)
        for other in (DOCUMENTED, CACHED)
        for query in list(QUERIES)[:2]
    )


@contextmanager
def _other(
    name: str, url: str, customers: Sequence[Customer], module: str, **environment: str
) -> Iterator[Contestant]:
    address = Address(free_port())
    arguments = [f"benchmarks.baseline.{module}:app", "--port", str(address.port)]
    environment |= {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY}
    with subprocess.Popen(
        [sys.executable, "-m", "uvicorn", *arguments, "--log-level", "warning"],
        env={**os.environ, **environment},
    ) as process:
        try:
            wait_until_answering(f"http://{address.host}:{address.port}/docs", process)
            yield Contestant(
                name,
                address,
                tuple(
                    jwt.encode({"sub": str(who.user_id)}, SECRET_KEY, "HS256") for who in customers
                ),
            )
        finally:
            process.terminate()


def _check_answers(contestants: Sequence[Contestant]) -> None:
    """Raises RuntimeError where they do not all answer the same."""

    async def answer(contestant: Contestant, query: str) -> object:
        async with HttpConnection(contestant.address, contestant.tokens[0]) as connection:
            answer = await connection.post(request(query))
            return json.loads(answer.replace(b"+00:00", b"Z"))["data"]

    for name, query in QUERIES.items():
        able = [each for each in contestants if (each.name, name) != (PLAIN, LAST)]
        answers = [uv(answer(contestant, query)) for contestant in able]
        if any(found != answers[0] for found in answers):
            raise RuntimeError(f"They answer {name} differently: {answers}")


def _asked(contestant: Contestant, query: str, seconds: float) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        end = monotonic() + 1.0 + WARM_UP + seconds
        waits = in_processes(
            _client, [(contestant.address, contestant.tokens, query, end, seconds)]
        )
        return {
            "requests/s": len(waits) / seconds,
            "p50 ms": percentile(waits, 0.5) * 1e3,
            "p99 ms": percentile(waits, 0.99) * 1e3,
        }

    return run_once


def _client(
    address: Address, tokens: Sequence[str], query: str, end: float, seconds: float
) -> list[float]:
    return uv(ask_for(address, tokens, request(query), end, seconds))


async def ask_for(
    address: Address,
    tokens: Sequence[str],
    body: bytes,
    end: float,
    seconds: float,
    headers: str = "",
) -> list[float]:
    """How long each answer took that came in the last `seconds`."""
    waits: list[float] = []

    async def ask(token: str) -> None:
        async with HttpConnection(address, token, headers) as connection:
            while (asked := monotonic()) < end:
                await connection.post(body)
                answered = monotonic()
                if end - seconds <= answered < end:
                    waits.append(answered - asked)

    async with asyncio.TaskGroup() as group:
        for token in tokens:
            group.create_task(ask(token))
    return waits
