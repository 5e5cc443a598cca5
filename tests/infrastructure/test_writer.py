"""Appends: together, each for itself when it comes to conflicts, in order, and exactly once."""

import asyncio
import multiprocessing
from threading import Thread
from uuid import UUID

import psycopg
import pytest
from structlog.testing import capture_logs

from infrastructure.errors import Overloaded, Unavailable
from infrastructure.event_store.appender import KeyTaken, VersionConflict, Writer
from infrastructure.event_store.store import (
    APPEND,
    IdempotencyKey,
    NewEvent,
    append_parameters,
    read_log,
)
from infrastructure.ids import new_id

NOBODY_THERE = "postgresql://nobody@127.0.0.1:1/nothing"


def event(stream: UUID | None = None, version: int = 1, state: bytes = b"{}") -> NewEvent:
    return NewEvent(stream or new_id(), version, "Tested", state)


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM stored_events").fetchone()
        assert row
        return int(row[0])


async def test_positions_are_those_of_the_last_event_of_each_append(database_url: str) -> None:
    async with Writer(database_url) as writer:
        stream = new_id()
        assert await writer.append([event(stream, 1), event(stream, 2)]) == 2
        assert await writer.append([event(stream, 3)]) == 3


async def test_what_waits_is_joined_into_one_batch(database_url: str) -> None:
    async with Writer(database_url) as writer:
        positions = await asyncio.gather(*(writer.append([event()]) for _ in range(100)))
        assert sorted(positions) == list(range(1, 101))
        assert writer.statistics.batches <= 2


async def test_a_conflict_fails_itself_and_no_neighbour(database_url: str) -> None:
    async with Writer(database_url) as writer:
        taken = new_id()
        await writer.append([event(taken, 1)])
        results = await asyncio.gather(
            writer.append([event()]),
            writer.append([event(taken, 1, b'{"other": 1}')]),
            writer.append([event()]),
            return_exceptions=True,
        )
        assert [type(r) for r in results] == [int, VersionConflict, int]
        assert count(database_url) == 3


async def test_of_two_appends_to_one_place_one_wins(database_url: str) -> None:
    async with Writer(database_url) as writer:
        stream = new_id()
        results = await asyncio.gather(
            *(writer.append([event(stream, 1, b"%d" % n)]) for n in range(20)),
            return_exceptions=True,
        )
        assert sorted(type(r).__name__ for r in results) == ["VersionConflict"] * 19 + ["int"]


async def test_a_key_is_used_once(database_url: str) -> None:
    async with Writer(database_url) as writer:
        key = IdempotencyKey(new_id(), b"what was asked")
        await writer.append([event()], key)
        with pytest.raises(KeyTaken) as taken:
            await writer.append([event()], IdempotencyKey(key.key, b"something else"))
        assert (taken.value.fingerprint, taken.value.position) == (b"what was asked", 1)
        assert count(database_url) == 1


async def test_a_full_queue_refuses_at_once(database_url: str) -> None:
    async with Writer(database_url, max_waiting=2) as writer:
        appends = [asyncio.create_task(writer.append([event()])) for _ in range(5)]
        results = await asyncio.gather(*appends, return_exceptions=True)
        assert [type(r) for r in results].count(Overloaded) == 3
        assert count(database_url) == 2


async def test_a_database_that_is_away_is_said_to_be_away_in_time() -> None:
    async with Writer(NOBODY_THERE, patience=0.2) as writer:
        with pytest.raises(Unavailable):
            await writer.append([event()])


async def test_appends_survive_their_connection_exactly_once(database_url: str) -> None:
    """Its backend is ended again and again: every append is recorded, and none twice."""
    ended = 0
    async with Writer(database_url) as writer:

        async def end_backends() -> None:
            nonlocal ended
            async with await psycopg.AsyncConnection.connect(
                database_url, autocommit=True
            ) as connection:
                for _ in range(12):
                    await asyncio.sleep(0.05)
                    cursor = await connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'shop writer' AND datname = current_database()"
                    )
                    ended += len(await cursor.fetchall())

        async def append_all() -> list[int]:
            found = []
            while not ending.done():
                found += await asyncio.gather(*(writer.append([event()]) for _ in range(20)))
            return found

        ending = asyncio.create_task(end_backends())
        positions = await append_all()
    assert ended > 0
    assert sorted(positions) == list(range(1, count(database_url) + 1))


def test_a_position_is_given_only_when_the_one_before_is_visible(database_url: str) -> None:
    """Without the lock of the append function, the second append would not wait for the first."""
    with psycopg.connect(database_url) as first, psycopg.connect(database_url) as second:
        first.execute(APPEND, append_parameters([event()]))
        positions: list[int] = []

        def append() -> None:
            row = second.execute(APPEND, append_parameters([event()])).fetchone()
            assert row
            positions.append(row[0])
            second.commit()

        waiting = Thread(target=append)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        first.commit()
        waiting.join(5)
    assert positions == [1]


def test_a_reader_that_tails_the_log_never_passes_over_an_event(database_url: str) -> None:
    """Sixteen writers in three processes, and a reader that looks as often as it can."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=write_in_a_process, args=(database_url, writers, 60))
        for writers in (6, 5, 5)
    ]
    for process in processes:
        process.start()
    seen: list[int] = []
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        while True:
            over = not any(process.is_alive() for process in processes)
            rows = read_log(cursor, seen[-1] if seen else 0, 1_000)
            seen += [row[0] for row in rows]
            if over and not rows:
                break
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert seen == list(range(1, 16 * 60 * 2 + 1))


def write_in_a_process(url: str, writers: int, appends: int) -> None:
    """`writers` tasks append two events each time, `appends` times."""

    async def write() -> None:
        async with Writer(url) as writer:

            async def one() -> None:
                for _ in range(appends):
                    stream = new_id()
                    await writer.append([event(stream, 1), event(stream, 2)])

            await asyncio.gather(*(one() for _ in range(writers)))

    asyncio.run(write())


async def test_a_confirmation_records_nothing_and_nothing_is_wrong(database_url: str) -> None:
    async with Writer(database_url) as writer:
        await writer.append([event()])
        with capture_logs() as logs:
            await writer.confirm()
            assert await writer.append([event()]) == 2
        assert logs == []
    assert count(database_url) == 2
