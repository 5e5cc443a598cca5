"""Appends a second: the shop's writer, the library's recorder, and pgbench without any order."""

import asyncio
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from time import perf_counter
from uuid import uuid4

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from benchmarks.contest import Case, in_turns
from benchmarks.result import Claim, Figure, Result, machine, median, percentile
from benchmarks.server import Server, pgbench, temporary_server
from domain.events import Deposited
from domain.recorded import Origin
from infrastructure.event_store.appender import Writer
from infrastructure.event_store.store import NewEvent, new_event
from infrastructure.ids import new_id

SHOP, LIBRARY, PGBENCH = "shop", "library's recorder", "pgbench, no order"
CLIENTS = (1, 4, 16, 32, 128)
QUICK_CLIENTS = (1, 32, 128)
WARM_UP = 0.5  # seconds

PGBENCH_SCRIPT = """
INSERT INTO stored_events
    (originator_id, originator_version, topic, state, notification_id, recorded_at)
VALUES (uuidv7(), 1, '{topic}', '\\x{state}', nextval('positions'), clock_timestamp());
"""


def run(quick: bool) -> Result:
    """One event an append, each into a new stream, by 1 to 128 clients at once."""
    seconds, rounds, at_once = (1.0, 1, QUICK_CLIENTS) if quick else (5.0, 3, CLIENTS)
    with temporary_server() as server:
        cases = [
            Case(contestant, str(clients), _timed(run_once, server, clients, seconds))
            for clients in at_once
            for contestant, run_once in (
                (SHOP, shop_appends),
                (PGBENCH, pgbench_appends),
                (LIBRARY, library_appends),
            )
            if clients <= 32 or contestant != LIBRARY
        ]
        figures = in_turns("Appends", cases, rounds)
    return Result(
        name="a_appends",
        title="Appends",
        how=f"{rounds} rounds of {seconds:g} s; one event an append, each into a new stream",
        plot="appends/s",
        figures=figures,
        claims=_claims(figures, at_once),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure], at_once: Sequence[int]) -> tuple[Claim, ...]:
    def appends(contestant: str, clients: int) -> float:
        return median(figures, contestant, str(clients), "appends/s")

    best = max(appends(PGBENCH, clients) for clients in at_once)
    return (
        Claim("32 at once, shop : library", appends(SHOP, 32) / appends(LIBRARY, 32), 10, 20),
        Claim("128 at once, shop : best of pgbench", appends(SHOP, 128) / best, 0.7, 1.0),
        Claim("1 at a time, shop : library", appends(SHOP, 1) / appends(LIBRARY, 1), 1.2, 2),
    )


def _timed(
    run_once: Callable[[str, int, float], tuple[float, list[float]]],
    server: Server,
    clients: int,
    seconds: float,
) -> Callable[[], Mapping[str, float]]:
    def run() -> Mapping[str, float]:
        own_tables = run_once is library_appends
        url = server.empty_database("appends") if own_tables else server.shop_database("appends")
        rate, latencies = run_once(url, clients, seconds)
        return {
            "appends/s": rate,
            "p50 ms": percentile(latencies, 0.5) * 1e3,
            "p99 ms": percentile(latencies, 0.99) * 1e3,
        }

    return run


def sample_event() -> NewEvent:
    """A deposit, as an account's stream holds it: what all contestants insert."""
    account, transfer = new_id(), new_id()
    origin = Origin(uuid4(), uuid4(), f"{account}/1")
    return new_event(account, 1, Deposited(account, transfer, 12_50), origin)


def shop_appends(url: str, clients: int, seconds: float) -> tuple[float, list[float]]:
    """`clients` tasks of one process, each appending again once its append is recorded."""
    latencies: list[float] = []

    async def client(writer: Writer, event: NewEvent, begin: float, end: float) -> None:
        while (started := perf_counter()) < end:
            await writer.append([NewEvent(new_id(), 1, event.topic, event.state)])
            if started >= begin:
                latencies.append(perf_counter() - started)

    async def load() -> None:
        begin = perf_counter() + WARM_UP
        async with Writer(url) as writer, asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client(writer, sample_event(), begin, begin + seconds))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load())
    return len(latencies) / seconds, latencies


def library_appends(url: str, clients: int, seconds: float) -> tuple[float, list[float]]:
    """The eventsourcing library's own recorder in as many threads, each with a connection."""
    found = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(found["dbname"]),
        host=str(found["host"]),
        port="5432",
        user=str(found["user"]),
        password="",
        pool_size=clients,
    )
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    event = sample_event()
    latencies: list[float] = []

    def client(begin: float, end: float) -> None:
        while (started := perf_counter()) < end:
            stored = StoredEvent(uuid4(), 1, event.topic, event.state)
            recorder.insert_events([stored])
            if started >= begin:
                latencies.append(perf_counter() - started)

    begin = perf_counter() + WARM_UP
    threads = [Thread(target=client, args=(begin, begin + seconds)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    datastore.close()
    return len(latencies) / seconds, latencies


def pgbench_appends(url: str, clients: int, seconds: float) -> tuple[float, list[float]]:
    """As many connections, each inserting one row a transaction: no lock, so positions become
    visible out of order, and a reader that tails the table would miss some."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE positions")
    event = sample_event()
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory, "append.sql")
        script.write_text(PGBENCH_SCRIPT.format(topic=event.topic, state=event.state.hex()))
        output = subprocess.run(
            [
                *(pgbench(), "--no-vacuum", "--protocol=prepared", f"--file={script}"),
                *(f"--client={clients}", f"--jobs={min(clients, 4)}"),
                *(f"--time={max(1, round(seconds))}", "--log", "--sampling-rate=0.2"),
                *(f"--log-prefix={directory}/log", url),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        latencies = [
            int(line.split()[2]) / 1e6
            for log in Path(directory).glob("log.*")
            for line in log.read_text().splitlines()
        ]
    rate = re.search(r"tps = ([0-9.]+) \(without", output)
    if rate is None:
        raise RuntimeError(f"pgbench: {output}")
    return float(rate[1]), latencies
