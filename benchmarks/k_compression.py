"""What compressing answers costs the process that gives them, and what it saves on the way."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from time import monotonic

from benchmarks.b_orders import in_processes, uv
from benchmarks.contest import Case, in_turns
from benchmarks.generate import generate
from benchmarks.graphql_client import Address, HttpConnection, request
from benchmarks.h_queries import CONNECTIONS, ORDERS, QUERIES, WARM_UP, ask_for
from benchmarks.past import wait_for_read_models
from benchmarks.result import Claim, Figure, Result, machine, median, percentile
from benchmarks.running import access_token, running_shop
from benchmarks.server import temporary_server

PLAIN = "identity"
ENCODINGS = (PLAIN, "zstd", "br", "gzip")
SMALL, LARGE = next(iter(QUERIES)), list(QUERIES)[-1]


def run(quick: bool) -> Result:
    """One server process; 16 connections ask for the same, taking another encoding each time."""
    seconds, rounds = (2.0, 1) if quick else (5.0, 3)
    with temporary_server() as server, ExitStack() as stack:
        url = server.shop_database("compression")
        customers = generate(url, orders=ORDERS, customers=100).customers[:CONNECTIONS]
        shop = stack.enter_context(running_shop(url))
        wait_for_read_models(url)
        tokens = tuple(access_token(who.user_id) for who in customers)
        cases = [
            Case(encoding, query, _asked(shop.address, tokens, query, encoding, seconds))
            for query in (SMALL, LARGE)
            for encoding in ENCODINGS
        ]
        figures = in_turns("Compression", cases, rounds)
    return Result(
        name="k_compression",
        title="Compression",
        how=f"{rounds} rounds of {seconds:g} s; one server process, {CONNECTIONS} connections",
        plot="requests/s",
        figures=figures,
        claims=_claims(figures),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure]) -> tuple[Claim, ...]:
    def ratio(measure: str, encoding: str) -> float:
        ours, plain = (median(figures, who, LARGE, measure) for who in (encoding, PLAIN))
        return ours / plain

    return (
        Claim("zstd: requests/s, of those without", ratio("requests/s", "zstd"), 0.8, 0.95),
        Claim("zstd: bytes, of those without", ratio("bytes", "zstd"), 0.5, 0.2, smaller=True),
    )


def _asked(
    address: Address, tokens: Sequence[str], query: str, encoding: str, seconds: float
) -> Callable[[], Mapping[str, float]]:
    accepted = f"Accept-Encoding: {encoding}\r\n"

    async def size() -> int:
        async with HttpConnection(address, tokens[0], accepted) as connection:
            return len(await connection.post(request(QUERIES[query])))

    def run_once() -> Mapping[str, float]:
        end = monotonic() + 1.0 + WARM_UP + seconds
        arguments = (address, tokens, QUERIES[query], end, seconds, accepted)
        waits = in_processes(_client, [arguments])
        return {
            "requests/s": len(waits) / seconds,
            "p50 ms": percentile(waits, 0.5) * 1e3,
            "bytes": uv(size()),
        }

    return run_once


def _client(
    address: Address,
    tokens: Sequence[str],
    query: str,
    end: float,
    seconds: float,
    headers: str,
) -> list[float]:
    return uv(ask_for(address, tokens, request(query), end, seconds, headers))
