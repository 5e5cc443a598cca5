"""Reads that share statements: whoever asks while one is under way goes with the next.

As with the writer's group commit, a busy process sends few large statements instead of many small
ones, and an idle one answers at once. Nothing is remembered: a statement is sent after everybody
has asked whom it answers, so what was written before is seen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from infrastructure.errors import Unavailable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Read = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]

AT_ONCE = 2  # statements: while one is read here, PostgreSQL works at the other


class Asked(Generic[V]):
    """An answer to come. Any number may await it, and whoever is cancelled takes it from nobody."""

    __slots__ = ("_answer", "_error", "_waiting", "done")

    def __init__(self) -> None:
        self.done = False
        self._answer: V
        self._error: Exception | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def __await__(self) -> Generator[Any, None, V]:
        if not self.done:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            yield from waiting
        return self.result()

    def result(self) -> V:
        """What came. To be called when it is `done`; raises what the statement raised."""
        if self._error is not None:
            raise self._error
        return self._answer

    def answer(self, answer: V) -> None:
        """Let those go on who wait."""
        self._answer = answer
        self._wake()

    def fail(self, error: Exception) -> None:
        """Raise this where it is awaited."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        self.done = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


class Gathered(Generic[K, V]):
    """Answers keys by `read`, and those that it does not find with `absent`. One a process.

    Only keys of the same `lane` go together, at most `most` of them. For asyncio.
    """

    def __init__(
        self,
        read: Read[K, V],
        absent: V,
        *,
        lane: Callable[[K], Hashable] = lambda _: None,
        most: int = 500,
    ) -> None:
        self._read = read
        self._absent = absent
        self._lane = lane
        self._most = most
        self._lanes: dict[Hashable, _Lane[K, V]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> Asked[V]:
        """The key's answer, by a statement that is not sent yet."""
        name = self._lane(key)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
        asked = lane.gathered.get(key)
        if asked is None:
            asked = lane.gathered[key] = Asked()
            if lane.statements < AT_ONCE and not lane.due:
                lane.due = True  # not at once: others may ask before the loop comes round
                asyncio.get_running_loop().call_soon(self._begin, name, lane)
        return asked

    def _begin(self, name: Hashable, lane: "_Lane[K, V]") -> None:
        lane.due = False
        lane.statements += 1
        task = asyncio.create_task(self._answer(name, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, name: Hashable, lane: "_Lane[K, V]") -> None:
        try:
            while lane.gathered:
                await self._answer_next(lane)
        finally:
            lane.statements -= 1
            if lane.gathered and not lane.due:  # it was ended: the others must not wait for ever
                lane.due = True
                asyncio.get_running_loop().call_soon(self._begin, name, lane)
            if not (lane.statements or lane.due):
                del self._lanes[name]

    async def _answer_next(self, lane: "_Lane[K, V]") -> None:
        if len(lane.gathered) > self._most:
            keys = list(lane.gathered)[: self._most]
            batch = {key: lane.gathered.pop(key) for key in keys}
        else:
            batch, lane.gathered = lane.gathered, {}
        try:
            found = await self._read(list(batch))
        except Exception as error:  # whoever has asked gets it
            _fail(batch, error)
        except BaseException:
            _fail(batch, Unavailable())
            raise
        else:
            for key, asked in batch.items():
                asked.answer(found.get(key, self._absent))


def _fail(batch: Mapping[K, Asked[V]], error: Exception) -> None:
    for asked in batch.values():
        asked.fail(error)


class _Lane(Generic[K, V]):
    """What has gathered, how many statements are under way, and whether another one is to begin."""

    __slots__ = ("due", "gathered", "statements")

    def __init__(self) -> None:
        self.gathered: dict[K, Asked[V]] = {}
        self.statements = 0
        self.due = False
