"""Work that takes turns and rests."""

import asyncio
from itertools import pairwise

import pytest

from api.graphql.dataloaders.turns import Turns
from infrastructure.errors import Overloaded


async def test_one_works_at_a_time_and_as_much_time_is_left_to_others() -> None:
    turns = Turns()
    loop = asyncio.get_running_loop()
    worked: list[tuple[float, float]] = []

    async def work() -> None:
        async with turns.turn():
            began = loop.time()
            await asyncio.sleep(0.02)
            worked.append((began, loop.time()))

    await asyncio.gather(*(work() for _ in range(5)))
    for (began, ended), (next_began, _) in pairwise(worked):
        assert next_began - ended >= (ended - began) * 0.9


async def test_who_failed_or_was_cancelled_leaves_the_turn_to_the_next() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.turn():
            raise ZeroDivisionError
    waiting = asyncio.create_task(turns.turn().__aenter__())
    await asyncio.sleep(0)
    waiting.cancel()
    async with turns.turn():
        pass


async def test_who_would_wait_too_long_is_told_when_to_come_again() -> None:
    turns = Turns(patience=0.02)
    async with turns.turn():
        with pytest.raises(Overloaded) as refused:
            async with turns.turn():
                pass
    assert refused.value.retry_after > 0
    await asyncio.sleep(0.1)  # a rest of a fiftieth of a second is over by now
    async with turns.turn():
        pass
