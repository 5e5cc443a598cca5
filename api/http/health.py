"""Whether the process lives, whether the shop can serve, and what it measures."""

import asyncio

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.graphql.services import Services
from api.http.prometheus import metrics_text
from infrastructure.operations.health import Condition, condition_of

PATIENCE = 2.0  # seconds
LONGEST_SILENCE = 10.0  # seconds; a runner that leads gives a sign of life every second
MOST_LAG = 30.0  # seconds
RUNNERS = ("process-manager", "projector")
HELPERS = ("courier",)  # orders go through without them; where one has been seen, it has to work


def troubles(condition: Condition) -> dict[str, str]:
    """What keeps the shop from serving, by what it is about."""
    found: dict[str, str] = {}
    runners = {runner.name: runner for runner in condition.runners}
    for name in (*RUNNERS, *(name for name in HELPERS if name in runners)):
        runner = runners.get(name)
        if runner is not None and runner.failure is not None:
            found[name] = f"cannot work: {runner.failure}"
        elif runner is None or runner.silence > LONGEST_SILENCE:
            found[name] = "does not run"
    for lag in condition.lags:
        if lag.seconds > MOST_LAG:
            found.setdefault(lag.consumer, f"is {lag.seconds:.0f} seconds late")
    return found


def health_routes(services: Services) -> list[Route]:
    """GET /health/live, /health/ready and /metrics."""

    async def condition() -> Condition | None:
        try:
            async with (
                asyncio.timeout(PATIENCE),
                services.watching.connection(PATIENCE) as connection,
            ):
                return await condition_of(connection)
        except (psycopg.Error, PoolTimeout, TimeoutError):
            return None

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        found = await condition()
        problems = {name: f"has ended: {why}" for name, why in services.watched.failures.items()}
        problems |= {"database": "does not answer"} if found is None else troubles(found)
        if found is None or problems:
            return _not_ready(problems)
        lag = max((lag.events for lag in found.lags), default=0)
        return JSONResponse({"status": "ready", "position": found.recorded, "lag": lag})

    async def metrics(_: Request) -> Response:
        text = metrics_text(services, await condition())
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", metrics),
    ]


def _not_ready(found: dict[str, str]) -> Response:
    return JSONResponse({"status": "not ready", "problems": found}, 503)
