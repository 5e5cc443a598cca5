"""Tasks and threads that have to live as long as their process.

What ends before it was told to is logged with its reason, counted, and begun again after a pause
that grows: nothing that has to run for ever ends in silence.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterator
from time import monotonic, sleep
from typing import Any

import structlog

log = structlog.get_logger()

FIRST_PAUSE = 0.1  # seconds before it begins again; doubled each time that it ends
LONGEST_PAUSE = 15.0
HEALTHY = 10.0  # seconds after which what ran is not held its last end against
TRIED = 1.0  # seconds that it must have run again before it counts as being there

Run = Callable[[], Coroutine[Any, Any, None]]


class Lasting:
    """One of them: how it is. `ends` counts how often it has ended and should not have."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ends = 0
        self._reason = ""
        self._in_a_row = 0
        self._began: float | None = None

    @property
    def failure(self) -> str | None:
        """Why it is not there, or only just is again; None where all is well."""
        if not self.ends:
            return None
        tried = self._began is not None and monotonic() - self._began >= TRIED
        return None if tried else self._reason

    def begins(self) -> None:
        """It runs from now on."""
        self._began = monotonic()

    def ended(self, error: BaseException | None) -> float:
        """It has ended, by `error` or by itself: the seconds to wait before it begins again."""
        ran = monotonic() - self._began if self._began is not None else 0.0
        self._began = None
        self.ends += 1
        self._in_a_row = 1 if ran > HEALTHY else self._in_a_row + 1
        self._reason = _reason(error)
        pause = min(FIRST_PAUSE * 2.0 ** min(self._in_a_row - 1, 20), LONGEST_PAUSE)
        pause *= random.uniform(0.5, 1.5)  # noqa: S311  # jitter, no secret
        log.error(
            "ended, and must not",
            task=self.name,
            reason=self._reason,
            begins_again_in=round(pause, 2),
            exc_info=error if isinstance(error, Exception) else None,
        )
        return pause


class LastingTask(Lasting):
    """A task. Whoever ends it, it is begun again by a callback of the loop, which nobody ends."""

    def __init__(self, name: str, run: Run, until: asyncio.Event | None) -> None:
        super().__init__(name)
        self._run = run
        self._until = until or asyncio.Event()
        self._stopping = False
        self._timer: asyncio.TimerHandle | None = None
        self._begin()

    async def stop(self) -> None:
        """End it, and return when it has ended."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        self._task.cancel()
        await asyncio.wait([self._task])

    async def finish(self) -> None:
        """Return when it has ended by itself, as from now on it may."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._begin()
        await asyncio.wait([self._task])

    def _begin(self) -> None:
        self._timer = None
        self.begins()
        self._task = asyncio.create_task(self._run(), name=self.name)
        self._task.add_done_callback(self._look)

    def _look(self, task: "asyncio.Task[None]") -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if (self._stopping or self._until.is_set()) and (error is None or task.cancelled()):
            return
        pause = self.ended(error)
        if not self._stopping:
            self._timer = asyncio.get_running_loop().call_later(pause, self._begin)


class Watched:
    """All that has to live as long as a process does: one a process."""

    def __init__(self) -> None:
        self._all: list[Lasting] = []

    def task(self, name: str, run: Run, *, until: asyncio.Event | None = None) -> LastingTask:
        """Run it in a task until it is told to stop, or ends by itself after `until` is set."""
        lasting = LastingTask(name, run, until)
        self._all.append(lasting)
        return lasting

    def thread(self, name: str, run: Callable[[], object]) -> Lasting:
        """Run it in a thread, which ends with the process."""
        lasting = Lasting(name)
        self._all.append(lasting)

        def keep_running() -> None:
            while True:
                lasting.begins()
                try:
                    run()
                except BaseException as error:  # whatever it was: it is told, and begins again
                    pause = lasting.ended(error)
                else:
                    pause = lasting.ended(None)
                sleep(pause)

        threading.Thread(target=keep_running, name=name, daemon=True).start()
        return lasting

    def include(self, lasting: Lasting) -> None:
        """Look after what was begun elsewhere, too."""
        self._all.append(lasting)

    def __iter__(self) -> Iterator[Lasting]:
        return iter(self._all)

    @property
    def failures(self) -> dict[str, str]:
        """Why something is not there, by its name."""
        return {each.name: each.failure for each in self._all if each.failure is not None}


def _reason(error: BaseException | None) -> str:
    if error is None:
        return "it returned"
    if isinstance(error, asyncio.CancelledError):
        return "it was cancelled"
    return f"{type(error).__name__}: {error}".removesuffix(": ")
