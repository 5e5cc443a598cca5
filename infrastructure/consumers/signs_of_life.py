"""Signs of life of what works without being elected: any number may, and one of them speaks."""

import asyncio
import os
import socket

import structlog
from psycopg_pool import AsyncConnectionPool

from infrastructure.observability.metrics import ProcessMeasures
from infrastructure.postgres.connections import AWAY
from infrastructure.runtime.watched import Watched

log = structlog.get_logger()

EVERY = 1.0  # seconds

# Whoever speaks goes on until it has failed or fallen silent: then the next one does.
SIGN = """
INSERT INTO runners AS r (name, epoch, holder, backend_pid, heartbeat, failure)
VALUES (%(name)s, 1, %(holder)s, pg_backend_pid(), clock_timestamp(), %(failure)s)
ON CONFLICT (name) DO UPDATE SET epoch = r.epoch + (r.holder <> excluded.holder)::int,
    holder = excluded.holder, backend_pid = excluded.backend_pid, heartbeat = excluded.heartbeat,
    failure = excluded.failure
WHERE r.holder = excluded.holder OR r.failure IS NOT NULL
    OR r.heartbeat < clock_timestamp() - interval '5 seconds'
"""
FIGURES = """
INSERT INTO runner_figures SELECT name, %(figures)s FROM runners
WHERE name = %(name)s AND holder = %(holder)s
ON CONFLICT (name) DO UPDATE SET figures = excluded.figures
"""


class SignsOfLife:
    """Lets everybody see that this process works, or why not, and what it measures."""

    def __init__(
        self, pool: AsyncConnectionPool, name: str, watched: Watched, *, every: float = EVERY
    ) -> None:
        """`every`: how many seconds there are between two signs."""
        self._pool = pool
        self._name = name
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._watched = watched
        self._measures = ProcessMeasures(name, watched)
        self._every = every

    async def run(self, stop: asyncio.Event) -> None:
        """Give them until `stop`."""
        while not stop.is_set():
            try:
                await self._tell()
            except AWAY as error:
                await log.awarning("cannot give a sign of life", error=type(error).__name__)
            try:
                async with asyncio.timeout(self._every):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _tell(self) -> None:
        failures = self._watched.failures
        said = {
            "name": self._name,
            "holder": self._holder,
            "failure": "; ".join(f"{name}: {why}" for name, why in failures.items()) or None,
            "figures": self._measures.text(),
        }
        async with self._pool.connection() as connection:
            await connection.execute(SIGN, said)
            await connection.execute(FIGURES, said)
