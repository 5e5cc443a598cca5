"""Traces, by OpenTelemetry: one execution is one trace through HTTP, saga, projection and push.

A trace's id is the correlation id, which every event carries, and the id of its root span follows
from that; so no context is stored or passed on. Nothing is made where no endpoint is set.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from secrets import randbits
from time import time_ns
from uuid import UUID

from infrastructure.observability.spans import Parent, Span

PATH = "/v1/traces"  # of https://opentelemetry.io/docs/specs/otlp/#otlphttp-request


class Tracer:
    """Makes spans that end at this moment, and hands them to `sink`."""

    def __init__(self, sink: Callable[[Span], object]) -> None:
        self._sink = sink

    def execution(self, execution_id: UUID, placed: datetime, outcome: str) -> None:
        """The whole of an execution, from its placing on: the root of its trace."""
        began, root = int(placed.timestamp() * 1e9), _root(execution_id)
        attributes = {"shop.outcome": outcome}
        self._sink(Span(execution_id, root, None, "execution", began, time_ns(), attributes))

    def step(self, execution_id: UUID, name: str, began: int, events: tuple[str, ...] = ()) -> None:
        """Something that was done for an execution."""
        parent = _root(execution_id)
        self._sink(
            Span(execution_id, _span_id(), parent, name, began, time_ns(), {}, events),
        )

    def request(
        self,
        correlation_id: UUID,
        execution_id: UUID | None,
        name: str,
        began: int,
        *,
        request_id: str,
        parent: Parent | None = None,
    ) -> None:
        """A request: part of an execution's trace, or a trace of its own, or part of its caller's.

        An execution's trace stays its own: then the request is in both, and each names the other.
        """
        attributes = {"shop.request_id": request_id}
        trace, ended = execution_id or correlation_id, time_ns()
        root = _root(execution_id) if execution_id else None
        if parent is not None:
            link = Parent(execution_id, _root(execution_id)) if execution_id else None
            own = Span(
                parent.trace, _span_id(), parent.span, name, began, ended, attributes, (), link
            )
            self._sink(own)
        if parent is None or execution_id is not None:
            self._sink(Span(trace, _span_id(), root, name, began, ended, attributes, (), parent))


@contextmanager
def tracing(endpoint: str | None, process: str) -> Iterator[Tracer | None]:
    """A tracer that sends the spans of this process to the collector at `endpoint`, if one is set.

    What waits is sent on leaving.
    """
    if endpoint is None:
        yield None
        return
    from infrastructure.observability.otlp import Exporter  # noqa: PLC0415  # slow to import, seldom wanted

    url = endpoint if endpoint.endswith(PATH) else endpoint.rstrip("/") + PATH
    exporter = Exporter(url, process)
    try:
        yield Tracer(exporter.send)
    finally:
        exporter.close()


def _root(trace: UUID) -> int:
    """The id of an execution's root span, which everybody can tell who knows the execution."""
    return int.from_bytes(blake2b(trace.bytes, digest_size=8).digest())


def _span_id() -> int:
    return randbits(64) or 1
