"""What has to run for ever: that its end is seen, and that it begins again."""

import asyncio
from collections.abc import Callable
from time import sleep

import pytest
import structlog

from infrastructure.runtime import watched as module
from infrastructure.runtime.watched import LastingTask, Watched

PATIENCE = 5.0  # seconds


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.005)


class Beating:
    """Runs for ever, and counts how often it was begun; `error` ends it once."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.begun = 0
        self._errors = [error] if error else []

    async def run(self) -> None:
        self.begun += 1
        if self._errors:
            raise self._errors.pop()
        await asyncio.Event().wait()


def the_task(name: str) -> "asyncio.Task[object]":
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == name]
    return task


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "TRIED", 0.05)


@pytest.mark.usefixtures("_soon")
async def test_what_fails_is_told_counted_and_begun_again() -> None:
    watched, beating = Watched(), Beating(ZeroDivisionError("by zero"))
    with structlog.testing.capture_logs() as lines:
        task = watched.task("heart", beating.run)
        await until(lambda: watched.failures)
    assert watched.failures == {"heart": "ZeroDivisionError: by zero"}
    [line] = [line for line in lines if line["event"] == "ended, and must not"]
    assert (line["task"], line["reason"]) == ("heart", "ZeroDivisionError: by zero")
    await until(lambda: not watched.failures)
    assert (beating.begun, task.ends) == (2, 1)
    await task.stop()


@pytest.mark.usefixtures("_soon")
async def test_what_somebody_cancels_begins_again() -> None:
    watched, beating = Watched(), Beating()
    task = watched.task("heart", beating.run)
    await until(lambda: beating.begun)
    the_task("heart").cancel()
    await until(lambda: watched.failures)
    assert watched.failures == {"heart": "it was cancelled"}
    await until(lambda: not watched.failures)
    await task.stop()
    assert beating.begun == 2


@pytest.mark.usefixtures("_soon")
async def test_what_returns_has_ended_too() -> None:
    watched = Watched()

    async def run() -> None:
        await asyncio.sleep(0)

    task = watched.task("heart", run)
    await until(lambda: task.ends > 2)
    assert watched.failures == {"heart": "it returned"}
    await task.stop()


async def test_what_ends_again_and_again_waits_longer_each_time() -> None:
    lasting = module.Lasting("heart")
    pauses = [lasting.ended(None) for _ in range(12)]
    assert pauses[0] <= module.FIRST_PAUSE * 1.5
    assert pauses[5] > module.FIRST_PAUSE * 10
    assert pauses[-1] >= module.LONGEST_PAUSE / 2
    assert max(pauses) <= module.LONGEST_PAUSE * 1.5


async def test_what_was_told_to_stop_stays_away() -> None:
    watched, beating = Watched(), Beating()
    task = watched.task("heart", beating.run)
    await until(lambda: beating.begun)
    await task.stop()
    assert (beating.begun, task.ends, watched.failures) == (1, 0, {})


async def test_what_may_end_by_itself_is_waited_for() -> None:
    stop, watched = asyncio.Event(), Watched()

    async def run() -> None:
        await stop.wait()

    task = watched.task("heart", run, until=stop)
    stop.set()
    await task.finish()
    assert task.ends == 0


@pytest.mark.usefixtures("_soon")
async def test_what_is_away_when_it_has_to_finish_is_begun_once_more() -> None:
    done: list[str] = []

    async def run() -> None:
        if not done:
            done.append("failed")
            raise ZeroDivisionError
        done.append("finished")

    task: LastingTask = Watched().task("heart", run)
    await until(lambda: task.ends)
    await task.finish()
    assert done == ["failed", "finished"]


def test_a_thread_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    begun: list[int] = []

    def run() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise SystemExit
        sleep(60)

    watched = Watched()
    thread = watched.thread("heart", run)
    for _ in range(500):
        if len(begun) == 2:
            break
        sleep(0.01)
    assert len(begun) == 2
    assert thread.ends == 1
    assert "heart" in watched.failures
