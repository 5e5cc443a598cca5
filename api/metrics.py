"""What is measured, for Prometheus. Label values are bounded: nothing that a client makes up."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
)

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
