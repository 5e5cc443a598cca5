"""What is measured, for Prometheus. Label values are bounded: nothing that a client makes up."""

from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.services import Services

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

PROCESS = CollectorRegistry()
ProcessCollector(registry=PROCESS)
REQUESTS = Histogram(
    "shop_http_request_seconds",
    "HTTP requests by how long they took.",
    ["method", "status"],
    buckets=SECONDS,
    registry=PROCESS,
)
FIELDS = Counter(
    "shop_graphql_fields_total",
    "Root fields of the operations that were executed.",
    ["kind", "field"],
    registry=PROCESS,
)


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
