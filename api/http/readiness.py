"""Whether customers can do what they come for: asked by doing it, as far as that leaves no trace.

However many ask, it is done once a second at most, and nobody is kept waiting for longer than two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import field
from time import monotonic
from typing import Any, Generic, TypeVar
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from api.graphql.services import Services
from domain.message import message
from infrastructure.operations.health import Condition, condition_of

PATIENCE = 2.0  # seconds
FRESH = 1.0  # seconds for which an answer is good
LONGEST_SILENCE = 10.0  # seconds; a runner that leads gives a sign of life every second
RUNNERS = ("process-manager", "projector")
HELPERS = ("courier",)  # orders go through without them; where one has been seen, it has to work
NOBODY = UUID(int=0)
LONGEST_REASON = 200  # characters

T = TypeVar("T")


@message
class Findings:
    """`condition` is None where the database does not tell; `problems` say what cannot be done,
    `warnings` what may come to that."""

    condition: Condition | None
    problems: dict[str, str]
    warnings: dict[str, str] = field(default_factory=dict)


class Shared(Generic[T]):
    """What `ask` answers, for all who want to know within a moment. For asyncio."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._ask = ask
        self._began = 0.0
        self._asking: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The answer, at most `FRESH` seconds old when it was asked for."""
        asking = self._asking
        if asking is None or (asking.done() and monotonic() - self._began > FRESH):
            self._began = monotonic()
            self._asking = asking = asyncio.create_task(self._ask())
        return await asyncio.shield(asking)


class Readiness:
    """One an API process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._probes = {
            "appending": services.writer.confirm,
            "signing in": services.identity.probe,
            "reading": services.rows.probe,
            "being pushed to": self._hears,
        }
        self.condition = Shared(self._condition)
        self._findings = Shared(self._find)

    async def findings(self) -> Findings:
        """How the shop is, and what has ended in this process at this moment."""
        # Also what had ended when it was asked, and has begun again while the probes were waiting.
        ended = dict(self._services.watched.failures)
        found = await self._findings.get()
        ended |= self._services.watched.failures
        problems = {name: f"has ended: {why}" for name, why in ended.items()}
        room = self._services.room
        short = {} if room.warning is None else {"file descriptors": room.warning}
        if room.is_full:
            return Findings(found.condition, problems | short | found.problems)
        return Findings(found.condition, problems | found.problems, short)

    async def _find(self) -> Findings:
        answers = [asyncio.create_task(_problem(probe)) for probe in self._probes.values()]
        condition = await self.condition.get()
        said = await asyncio.gather(*answers)
        if condition is None:  # nothing else can be then
            return Findings(None, {"database": "does not answer"})
        probed = zip(self._probes, said, strict=True)
        problems = {name: problem for name, problem in probed if problem is not None}
        return Findings(condition, problems | troubles(condition, self._services.backlog.most))

    async def _condition(self) -> Condition | None:
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._services.watching.connection(PATIENCE) as connection,
            ):
                return await condition_of(connection)
        except (psycopg.Error, PoolTimeout, TimeoutError):
            return None

    async def _hears(self) -> None:
        async with self._services.watching.connection(PATIENCE) as connection:
            await self._services.follower.probe(connection)


def troubles(condition: Condition, most_lag: float) -> dict[str, str]:
    """What keeps the shop from serving, by what it is about; where a consumer is more than
    `most_lag` seconds late, mutations are refused."""
    found: dict[str, str] = {}
    runners = {runner.name: runner for runner in condition.runners}
    for name in (*RUNNERS, *(name for name in HELPERS if name in runners)):
        runner = runners.get(name)
        if runner is not None and runner.failure is not None:
            found[name] = f"cannot work: {runner.failure}"
        elif runner is None or runner.silence > LONGEST_SILENCE:
            found[name] = "does not run"
    for lag in condition.lags:
        if lag.seconds > most_lag:
            found.setdefault(lag.consumer, f"is {lag.seconds:.0f} seconds late")
    return found


async def _problem(probe: Callable[[], Awaitable[object]]) -> str | None:
    """Why it cannot be done, in one line."""
    try:
        async with asyncio.timeout(PATIENCE):
            await probe()
    except TimeoutError:
        return "does not answer"
    except Exception as error:  # whatever it is: customers would meet it too
        cause = error.__cause__ or error
        return f"{type(cause).__name__}: {cause}".partition("\n")[0][:LONGEST_REASON]
    return None
