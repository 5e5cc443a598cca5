"""What the runners measure, for Prometheus. Each publishes it in the database, with its heartbeats;
the API, which everybody can reach, shows it to whoever asks."""

from collections.abc import Iterator

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

from infrastructure.runtime.watched import Watched

EVENTS = (1, 3, 10, 30, 100, 300, 1_000, 3_000)
SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


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
