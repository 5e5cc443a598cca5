"""How the shop is: how far the consumers have come, whether their runners work, what is stuck."""

import asyncio
from math import ceil
from typing import LiteralString, Self

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.message import message
from infrastructure.errors import Overloaded
from infrastructure.identity.outbox import MailsUnsent, mails_unsent
from infrastructure.process_managers.table import WORKED_UNTIL
from infrastructure.runtime.watched import LastingTask, Watched

log = structlog.get_logger()

POLL = 0.5  # seconds
LONGEST_RETRY = 30  # seconds

# The age of the first event that a consumer has not seen is how late it is.
LAGS: LiteralString = """
SELECT consumer, (SELECT coalesce(max(notification_id), 0) FROM stored_events) - c.position,
    greatest(0, coalesce(extract(epoch FROM clock_timestamp() - e.recorded_at), 0))::float8
FROM (
    SELECT 'process-manager' AS consumer, coalesce((SELECT notification_id
        FROM notification_tracking WHERE application_name = 'process-manager'), 0) AS position
    UNION ALL SELECT 'projector:' || name, position FROM projections
) AS c LEFT JOIN event_log e ON e.position = c.position + 1
ORDER BY consumer
"""
RUNNERS: LiteralString = """
SELECT name, epoch, extract(epoch FROM clock_timestamp() - heartbeat)::float8, failure,
    coalesce(figures, '')
FROM runners LEFT JOIN runner_figures USING (name) ORDER BY name
"""
PARKED: LiteralString = """
SELECT consumer, count(error), count(*) - count(error) FROM parked_events
WHERE consumer NOT LIKE '%/%'  -- a copy that is not live holds up nobody
GROUP BY 1 ORDER BY 1
"""
UNFINISHED: LiteralString = f"""
SELECT count(*), count(*) FILTER (WHERE due_at <= {WORKED_UNTIL}),
    coalesce(extract(epoch FROM clock_timestamp() - min(started_at)), 0)::float8
FROM processes
"""
RECORDED: LiteralString = "SELECT coalesce(max(notification_id), 0) FROM stored_events"


@message
class Lag:
    """How far a consumer is behind the log; `seconds` is the age of the next event for it."""

    consumer: str
    events: int
    seconds: float


@message
class RunnerState:
    """`silence` is in seconds since its last sign of life; `failure` is why it cannot work;
    `figures` is what it measures, in Prometheus' text format."""

    name: str
    epoch: int
    silence: float
    failure: str | None
    figures: str


@message
class Parked:
    """`failed` events could not be processed, `waiting` ones stand behind those."""

    consumer: str
    failed: int
    waiting: int


@message
class Unfinished:
    """Executions under way; `stuck` are beyond their time limit; `oldest` in seconds."""

    executions: int
    stuck: int
    oldest: float


@message
class Condition:
    """`recorded` is the last position in the log."""

    recorded: int
    lags: list[Lag]
    runners: list[RunnerState]
    parked: list[Parked]
    unfinished: Unfinished
    mails: MailsUnsent


async def condition_of(connection: AsyncConnection) -> Condition:
    """How the shop is now. Raises psycopg.Error."""
    recorded = await (await connection.execute(RECORDED)).fetchone()
    unfinished = connection.cursor(row_factory=args_row(Unfinished))
    runners = connection.cursor(row_factory=args_row(RunnerState))
    parked = connection.cursor(row_factory=args_row(Parked))
    [under_way] = await (await unfinished.execute(UNFINISHED)).fetchall()
    return Condition(
        recorded[0] if recorded else 0,
        await lags_of(connection),
        await (await runners.execute(RUNNERS)).fetchall(),
        await (await parked.execute(PARKED)).fetchall(),
        under_way,
        await mails_unsent(connection),
    )


async def lags_of(connection: AsyncConnection) -> list[Lag]:
    """How far each consumer is behind. Raises psycopg.Error."""
    cursor = connection.cursor(row_factory=args_row(Lag))
    return await (await cursor.execute(LAGS)).fetchall()


class Backlog:
    """One an API process, for asyncio: knows, give or take half a second, how late the consumers
    are, and refuses what would only wait behind what waits already."""

    def __init__(
        self, pool: AsyncConnectionPool, most: float, *, watched: Watched | None = None
    ) -> None:
        """`most`: how many seconds late is too late."""
        self._pool = pool
        self.most = most
        self._late = 0.0
        self._watched = watched or Watched()
        self._task: LastingTask | None = None
        self.refused = 0

    async def __aenter__(self) -> Self:
        self._task = self._watched.task("backlog", self._watch)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await self._task.stop()

    def admit(self) -> None:
        """Raises Overloaded where the consumers are too late."""
        if self._late > self.most:
            self.refused += 1
            raise Overloaded(min(ceil(self._late), LONGEST_RETRY))

    async def _watch(self) -> None:
        while True:
            try:
                async with self._pool.connection() as connection:
                    self._late = max(lag.seconds for lag in await lags_of(connection))
            except (psycopg.Error, PoolTimeout) as error:
                # Without its database the shop refuses everything anyway.
                await log.awarning("cannot see the backlog", error=str(error).strip())
            await asyncio.sleep(POLL)
