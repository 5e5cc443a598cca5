"""Whether the process lives, whether the shop can serve, and what it measures."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.graphql.services import Services
from api.http.prometheus import metrics_text
from api.http.readiness import Readiness


def health_routes(services: Services) -> list[Route]:
    """GET /health/live, /health/ready and /metrics."""
    readiness = Readiness(services)

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        found = await readiness.findings()
        if found.condition is None or found.problems:
            return JSONResponse({"status": "not ready", "problems": found.problems}, 503)
        lag = max((lag.events for lag in found.condition.lags), default=0)
        said = {"status": "ready", "position": found.condition.recorded, "lag": lag}
        return JSONResponse(said | ({"warnings": found.warnings} if found.warnings else {}))

    async def metrics(_: Request) -> Response:
        text = metrics_text(services, await readiness.condition.get())
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", metrics),
    ]
