"""What the runners measure, for Prometheus. Each publishes it in the database, with its heartbeats;
the API, which everybody can reach, shows it to whoever asks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from time import time
from uuid import UUID

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.events import OrderCancelled, OrderCompleted, OrderPlaced, OrderRejected
from domain.message import message
from domain.recorded import Recorded
from infrastructure.runtime.watched import Watched

EVENTS = (1, 3, 10, 30, 100, 300, 1_000, 3_000)
SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
WAITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)
MOST_UNFINISHED = 100_000  # executions of which is remembered when they were placed


@message
class Ended:
    """An execution that has come to its end; `placed` is when it began, as far as that is known."""

    execution_id: UUID
    placed: datetime
    outcome: str


prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # has no annotations


class TaskCollector(Collector):
    """How the tasks and threads are that have to live as long as a process does."""

    def __init__(self, prefix: str, watched: Watched) -> None:
        self._prefix = prefix
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        """How often each has ended, and whether it is away."""
        ends = CounterMetricFamily(
            f"{self._prefix}_task_ends",
            "How often what has to run for ever has ended, and begun again.",
            labels=["task"],
        )
        away = GaugeMetricFamily(
            f"{self._prefix}_task_away", "1 while it does not run.", labels=["task"]
        )
        for lasting in self._watched:
            ends.add_metric([lasting.name], lasting.ends)
            away.add_metric([lasting.name], float(lasting.failure is not None))
        return iter((ends, away))


class ProcessMeasures:
    """What every process measures that works behind the API."""

    def __init__(self, name: str, watched: Watched) -> None:
        prefix = f"shop_{name.replace('-', '_')}"
        self.registry = CollectorRegistry()
        ProcessCollector(prefix, registry=self.registry)
        self.registry.register(TaskCollector(prefix, watched))

    def text(self) -> str:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry).decode()


class Measures:
    """What every consumer measures."""

    def __init__(self, consumer: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(f"shop_{consumer.replace('-', '_')}", registry=self.registry)
        self.events = Histogram(
            "shop_batch_events",
            "Events that were processed together, in one transaction.",
            ["consumer"],
            buckets=EVENTS,
            registry=self.registry,
        ).labels(consumer)
        self.seconds = Histogram(
            "shop_batch_seconds",
            "How long that took, commit included.",
            ["consumer"],
            buckets=SECONDS,
            registry=self.registry,
        ).labels(consumer)

    def text(self) -> str:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry).decode()


class ProcessManagerMeasures(Measures):
    """What the process manager measures."""

    def __init__(self) -> None:
        super().__init__("process-manager")
        self.conflicts = Counter(
            "shop_process_manager_conflicts_total",
            "Batches that were decided again, because somebody else was quicker.",
            registry=self.registry,
        )


class ProjectorMeasures(Measures):
    """What the projector measures: it is the last to see an order, and sees all of them."""

    def __init__(self) -> None:
        super().__init__("projector")
        self._results = Counter(
            "shop_orders_total",
            "Orders that have come to their end, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._waits = Histogram(
            "shop_placed_to_result_seconds",
            "From the placing of an order until its result can be read.",
            buckets=WAITS,
            registry=self.registry,
        )
        self._placed: dict[UUID, datetime] = {}

    def applied(self, events: Sequence[Recorded]) -> list[Ended]:
        """These have just been committed; the answer is which executions have ended by that."""
        ended = []
        for recorded in events:
            match recorded.event:
                case OrderPlaced(execution_id=execution_id):
                    self._placed[execution_id] = recorded.recorded_at
                    if len(self._placed) > MOST_UNFINISHED:
                        del self._placed[next(iter(self._placed))]
                case OrderCompleted(execution_id=execution_id):
                    ended.append(self._ended(recorded, execution_id, "completed"))
                case OrderCancelled(execution_id=UUID() as execution_id):
                    ended.append(self._ended(recorded, execution_id, "cancelled"))
                case OrderRejected(execution_id=execution_id, problem=problem):
                    ended.append(self._ended(recorded, execution_id, problem.code.lower()))
                case _:
                    pass
        return ended

    def _ended(self, result: Recorded, execution_id: UUID, outcome: str) -> Ended:
        self._results.labels(outcome).inc()
        placed = self._placed.pop(execution_id, None)
        if placed is not None:  # otherwise it was placed before this process began
            self._waits.observe(max(0.0, time() - placed.timestamp()))
        return Ended(execution_id, placed or result.recorded_at, outcome)
