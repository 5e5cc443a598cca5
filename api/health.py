"""Whether the process lives, whether the shop can serve, and what it measures."""

import asyncio

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.metrics import metrics_text
from api.services import Services
from domain.message import message

PATIENCE = 2.0  # seconds
HEARTBEAT_AGE = 10.0  # seconds; a runner that leads gives a sign of life every second
MOST_LAG = 10_000  # events
RUNNERS = ("process-manager", "projector")

STATE = """
SELECT coalesce((SELECT max(notification_id) FROM stored_events), 0),
    coalesce((SELECT min(position) FROM projections), 0),
    (SELECT json_object_agg(name, extract(epoch FROM clock_timestamp() - heartbeat))
        FROM runners)
"""


@message
class State:
    """`recorded` and `projected` are positions in the log; `heartbeats` are ages in seconds."""

    recorded: int
    projected: int
    heartbeats: dict[str, float]


async def state_of(services: Services) -> State:
    """How the shop is. Raises psycopg.OperationalError, PoolTimeout or TimeoutError."""
    async with asyncio.timeout(PATIENCE), services.pool.connection(PATIENCE) as connection:
        row = await (await connection.execute(STATE)).fetchone()
    recorded, projected, heartbeats = row or (0, 0, None)
    return State(recorded, projected, heartbeats or {})


def troubles(state: State) -> dict[str, str]:
    """What keeps the shop from serving, by what it is about."""
    found: dict[str, str] = {}
    for runner in RUNNERS:
        age = state.heartbeats.get(runner)
        if age is None:
            found[runner] = "never ran"
        elif age > HEARTBEAT_AGE:
            found[runner] = f"gave no sign of life for {age:.0f} seconds"
    lag = state.recorded - state.projected
    if lag > MOST_LAG:
        found["readModels"] = f"are {lag} events behind"
    return found


def health_routes(services: Services) -> list[Route]:
    """GET /health/live, /health/ready and /metrics."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        try:
            state = await state_of(services)
        except (psycopg.Error, PoolTimeout, TimeoutError):
            return _not_ready({"database": "does not answer"})
        if found := troubles(state):
            return _not_ready(found)
        lag = state.recorded - state.projected
        return JSONResponse({"status": "ready", "position": state.recorded, "lag": lag})

    async def metrics(_: Request) -> Response:
        try:
            recorded = (await state_of(services)).recorded
        except (psycopg.Error, PoolTimeout, TimeoutError):
            recorded = services.follower.position
        return Response(metrics_text(services, recorded), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", metrics),
    ]


def _not_ready(found: dict[str, str]) -> Response:
    return JSONResponse({"status": "not ready", "problems": found}, 503)
