"""Whether the process lives, whether the shop can serve, and what it measures."""

import asyncio
from collections.abc import Iterator
from math import inf

import psycopg
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.metrics import PROCESS
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
        if state.heartbeats.get(runner, inf) > HEARTBEAT_AGE:
            found[runner] = "does not run"
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


class _Now(Collector):
    """What is so at the moment of being asked; `recorded` is the last position in the log."""

    def __init__(self, services: Services, recorded: int) -> None:
        self._services = services
        self._recorded = recorded

    def collect(self) -> Iterator[Metric]:
        services = self._services
        writer = services.writer.statistics
        pool = services.pool.get_stats()
        gauges = {
            "shop_websocket_connections": services.connections.total,
            "shop_websocket_operations": services.subscriptions.total,
            "shop_read_model_lag_events": max(0, self._recorded - services.follower.position),
            "shop_log_position": self._recorded,
            "shop_appends_waiting": writer.waiting,
            "shop_read_pool_connections": pool.get("pool_size", 0),
            "shop_read_pool_waiting": pool.get("requests_waiting", 0),
        }
        counters = {
            "shop_appended_batches": writer.batches,
            "shop_appended_events": writer.events,
            "shop_append_conflicts": writer.conflicts,
            "shop_appends_refused": writer.refused,
        }
        for name, value in gauges.items():
            yield GaugeMetricFamily(name, name.replace("_", " "), value)
        for name, value in counters.items():
            yield CounterMetricFamily(name, name.replace("_", " "), value)


def metrics_text(services: Services, recorded: int) -> bytes:
    """All measurements of this process in Prometheus' text format."""
    now = CollectorRegistry()
    now.register(_Now(services, recorded))
    return generate_latest(PROCESS) + generate_latest(now)
