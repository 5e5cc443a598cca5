"""Reads that share statements."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from api.graphql.dataloaders.batching import AT_ONCE, Gathered
from infrastructure.errors import Unavailable


class Source:
    """Answers a number with its square, negative ones with nothing; 13 breaks it. It waits until
    `go` is set."""

    def __init__(self) -> None:
        self.statements: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def read(self, keys: Sequence[int]) -> dict[int, int]:
        self.statements.append(list(keys))
        await self.go.wait()
        if 13 in keys:
            raise ZeroDivisionError
        return {key: key * key for key in keys if key >= 0}


async def test_who_asks_at_the_same_time_shares_a_statement() -> None:
    source = Source()
    squares = Gathered(source.read, None)
    assert await asyncio.gather(*map(squares.load, [2, 3, 2, -1])) == [4, 9, 4, None]
    assert source.statements == [[2, 3, -1]]


async def test_who_asks_while_statements_are_under_way_goes_with_the_next() -> None:
    source = Source()
    source.go.clear()
    squares = Gathered(source.read, None)
    asked = []
    for key in range(6):
        asked.append(squares.load(key))
        await asyncio.sleep(0.001)
    assert source.statements == [[key] for key in range(AT_ONCE)]
    source.go.set()
    assert [await each for each in asked] == [key * key for key in range(6)]
    assert source.statements[AT_ONCE:] == [list(range(AT_ONCE, 6))]


async def test_nothing_is_remembered() -> None:
    source = Source()
    squares = Gathered(source.read, None)
    assert [await squares.load(5), await squares.load(5)] == [25, 25]
    assert source.statements == [[5], [5]]


async def test_who_asks_again_while_the_answer_is_under_way_gets_a_later_one() -> None:
    source = Source()
    source.go.clear()
    squares = Gathered(source.read, None)
    first = squares.load(5)
    await asyncio.sleep(0.001)
    second = squares.load(5)
    assert second is not first
    source.go.set()
    assert [await first, await second] == [25, 25]
    assert source.statements == [[5], [5]]


async def test_lanes_do_not_go_together_and_are_forgotten() -> None:
    source = Source()
    squares = Gathered(source.read, None, lane=lambda key: key % 2)
    assert await asyncio.gather(*map(squares.load, range(4))) == [0, 1, 4, 9]
    assert source.statements == [[0, 2], [1, 3]]
    await asyncio.sleep(0)
    assert not squares._lanes


async def test_no_statement_takes_more_than_it_may() -> None:
    source = Source()
    squares = Gathered(source.read, None, most=2)
    assert await asyncio.gather(*map(squares.load, range(5))) == [0, 1, 4, 9, 16]
    assert source.statements == [[0, 1], [2, 3], [4]]


async def test_a_failure_reaches_all_whom_it_concerns_and_nobody_else() -> None:
    source = Source()
    squares = Gathered(source.read, None)
    together = await asyncio.gather(*map(squares.load, [12, 13]), return_exceptions=True)
    assert [type(each) for each in together] == [ZeroDivisionError] * 2
    assert await squares.load(12) == 144


@pytest.mark.parametrize("pauses", [0, 1, 2])
async def test_who_stops_waiting_takes_the_answer_from_nobody(pauses: int) -> None:
    source = Source()
    source.go.clear()
    squares = Gathered(source.read, None)

    async def wait() -> int | None:
        return await squares.load(7)

    gone, stays = asyncio.create_task(wait()), asyncio.create_task(wait())
    for _ in range(pauses):
        await asyncio.sleep(0)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    source.go.set()
    async with asyncio.timeout(5):
        assert await stays == 49
    assert await squares.load(8) == 64


async def test_who_has_asked_is_answered_though_the_statement_is_cancelled() -> None:
    source = Source()
    source.go.clear()
    squares = Gathered(source.read, None)
    under_way = squares.load(1)
    await asyncio.sleep(0.001)
    squares.load(2)
    await asyncio.sleep(0.001)
    waiting = squares.load(3)
    for task in list(squares._tasks):
        task.cancel()
    with pytest.raises(Unavailable):
        await under_way
    source.go.set()
    async with asyncio.timeout(5):
        assert await waiting == 9
