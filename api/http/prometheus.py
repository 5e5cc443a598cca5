"""What Prometheus is told: by this process, by the runners, and by the database."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from psycopg_pool import AsyncConnectionPool

from api.graphql.services import Services
from api.metrics import PROCESS
from infrastructure.observability.metrics import TaskCollector
from infrastructure.operations.health import Condition


def metrics_text(services: Services, condition: Condition | None) -> bytes:
    """All measurements in Prometheus' text format; of this process alone where the database does
    not answer."""
    now = CollectorRegistry()
    now.register(_OfProcess(services))
    now.register(TaskCollector("shop", services.watched))
    if condition is not None:
        now.register(_OfShop(condition))
    return generate_latest(PROCESS) + generate_latest(now)


class _OfProcess(Collector):
    """What is so in this process at the moment of being asked."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        services = self._services
        writer = services.writer.statistics
        yield _gauge("shop_websocket_connections", "Open.", services.connections.total)
        yield _gauge(
            "shop_websocket_operations",
            "Subscriptions that are open, and other operations under way on websockets.",
            services.subscriptions.total,
        )
        yield _gauge("shop_connections", "Of clients, open.", services.room.open)
        yield _gauge("shop_most_connections", "That there is room for.", services.room.most)
        yield _counter("shop_connections_refused", "For want of room.", services.room.refused)
        yield _gauge(
            "shop_operations_under_way", "Queries and mutations.", services.operations.total
        )
        yield _counter(
            "shop_operations_refused",
            "Because too many were under way, or the runners too late.",
            services.operations.refused + services.visitors.refused + services.backlog.refused,
        )
        yield _gauge("shop_appends_waiting", "For the next batch.", writer.waiting)
        yield _counter("shop_appended_batches", "Transactions.", writer.batches)
        yield _counter("shop_appended_events", "Events in them.", writer.events)
        yield _counter("shop_append_conflicts", "Decided again.", writer.conflicts)
        yield _counter("shop_appends_refused", "Too many waited.", writer.refused)
        yield _gauge("shop_read_position", "What can be read here.", services.follower.position)
        yield from _labelled(
            "pool",
            (
                ("primary", _use(services.pool)),
                ("reads", _use(services.reads)),
                ("browsing", _use(services.browsing)),
            ),
            shop_pool_used="Connections that somebody uses.",
            shop_pool_idle="Connections that nobody uses.",
            shop_pool_waiting="Who waits for a connection.",
        )


class _OfShop(Collector):
    """What every API process would say."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition

    def collect(self) -> Iterator[Metric]:
        condition = self._condition
        yield _gauge("shop_log_position", "The last event's.", condition.recorded)
        yield from _labelled(
            "consumer",
            ((lag.consumer, (lag.events, lag.seconds)) for lag in condition.lags),
            shop_consumer_lag_events="Events that the consumer has not seen.",
            shop_consumer_lag_seconds="The age of the first of them.",
        )
        yield from _labelled(
            "consumer",
            ((parked.consumer, (parked.failed, parked.waiting)) for parked in condition.parked),
            shop_parked_failed_events="Events that cannot be processed.",
            shop_parked_waiting_events="Events that wait behind those.",
        )
        yield from _labelled(
            "runner",
            (
                (runner.name, (runner.epoch, runner.silence, float(runner.failure is not None)))
                for runner in condition.runners
            ),
            shop_runner_epoch="How often somebody has begun to lead.",
            shop_runner_silence_seconds="Since the last sign of life.",
            shop_runner_failing="1 where it cannot work.",
        )
        unfinished = condition.unfinished
        yield _gauge("shop_executions_unfinished", "Under way.", unfinished.executions)
        yield _gauge("shop_executions_stuck", "Beyond their time limit.", unfinished.stuck)
        yield _gauge(
            "shop_oldest_execution_seconds", "The age of the oldest of them.", unfinished.oldest
        )
        mails = condition.mails
        yield _gauge("shop_mails_waiting", "That have not left yet.", mails.waiting)
        yield _gauge("shop_oldest_mail_seconds", "The age of the oldest of them.", mails.oldest)
        yield from _labelled(
            "stage",
            # Told though there are none: what is absent can neither rise nor be looked for.
            ((stage, (count,)) for stage, count in {"": 0, **dict(mails.given_up)}.items()),
            shop_mails_given_up="Refused for good, or too often, by how far they came.",
        )
        yield from _merged(runner.figures for runner in condition.runners)


def _use(pool: AsyncConnectionPool) -> tuple[float, ...]:
    stats = pool.get_stats()
    size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
    return size - idle, idle, stats.get("requests_waiting", 0)


def _merged(texts: Iterable[str]) -> Iterable[Metric]:
    """What the runners have published; Prometheus wants each metric in one piece."""
    metrics: dict[str, Metric] = {}
    for text in texts:
        for metric in text_string_to_metric_families(text):
            metrics.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            metrics[metric.name].samples += metric.samples
    return metrics.values()


def _labelled(
    label: str, rows: Iterable[tuple[str, tuple[float, ...]]], **metrics: str
) -> Iterator[Metric]:
    """A gauge for each of `metrics`, with the values of `rows` in that order."""
    found = list(rows)
    for number, (name, text) in enumerate(metrics.items()):
        gauge = GaugeMetricFamily(name, text, labels=[label])
        for value, figures in found:
            gauge.add_metric([value], figures[number])
        yield gauge


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)
