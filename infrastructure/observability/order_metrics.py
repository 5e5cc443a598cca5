"""What became of orders, and how long that took, as the projector sees it: it is the last to see an
order, and sees all of them."""

from collections.abc import Sequence
from datetime import datetime
from time import time
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

from domain.events import OrderCancelled, OrderCompleted, OrderPlaced, OrderRejected
from domain.recorded import Recorded
from infrastructure.observability.tracing import Tracer

WAITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
MOST_UNFINISHED = 100_000  # executions of which is remembered when they were placed


class OrderMeasures:
    """What the projector measures of orders, and tells the tracer of executions."""

    def __init__(self, registry: CollectorRegistry, tracer: Tracer | None = None) -> None:
        self._tracer = tracer
        self._results = Counter(
            "shop_orders_total",
            "Orders that have come to their end, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._waits = Histogram(
            "shop_placed_to_result_seconds",
            "From the placing of an order until its result can be read.",
            buckets=WAITS,
            registry=registry,
        )
        self._placed: dict[UUID, datetime] = {}

    def applied(self, events: Sequence[Recorded], began: int) -> None:
        """These have just been committed, by what began at this moment (ns since 1970)."""
        if self._tracer is not None:
            executions = dict.fromkeys(getattr(e.event, "execution_id", None) for e in events)
            for execution_id in filter(None, executions):
                self._tracer.step(execution_id, "projection", began)
        for recorded in events:
            match recorded.event:
                case OrderPlaced(execution_id=execution_id):
                    self._placed[execution_id] = recorded.recorded_at
                    if len(self._placed) > MOST_UNFINISHED:
                        del self._placed[next(iter(self._placed))]
                case OrderCompleted(execution_id=execution_id):
                    self._ended(recorded, execution_id, "completed")
                case OrderCancelled(execution_id=UUID() as execution_id):
                    self._ended(recorded, execution_id, "cancelled")
                case OrderRejected(execution_id=execution_id, problem=problem):
                    self._ended(recorded, execution_id, problem.code.lower())
                case _:
                    pass

    def _ended(self, result: Recorded, execution_id: UUID, outcome: str) -> None:
        self._results.labels(outcome).inc()
        placed = self._placed.pop(execution_id, None)
        if placed is not None:  # otherwise it was placed before this process began
            self._waits.observe(max(0.0, time() - placed.timestamp()))
        if self._tracer is not None:
            self._tracer.execution(execution_id, placed or result.recorded_at, outcome)
