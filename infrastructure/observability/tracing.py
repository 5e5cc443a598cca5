"""Traces, by OpenTelemetry: one execution is one trace through HTTP, saga, projection and push.

A trace's id is the correlation id, which every event carries, and the id of its root span follows
from that; so no context is stored or passed on. Nothing is made where no endpoint is set.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from secrets import randbits
from time import time_ns
from uuid import UUID

from domain.message import message

PATH = "/v1/traces"  # of https://opentelemetry.io/docs/specs/otlp/#otlphttp-request


@message
class Span:
    """Something that has taken place; times are in nanoseconds since 1970. `parent` is a span's id
    in the same trace, None for a root."""

    trace: UUID
    id: int
    parent: int | None
    name: str
    began: int
    ended: int
    attributes: Mapping[str, str]
    events: tuple[str, ...] = ()


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

    def request(self, request_id: UUID, execution_id: UUID | None, name: str, began: int) -> None:
        """A request: part of an execution's trace, or a trace of its own."""
        trace = execution_id or request_id
        parent = _root(execution_id) if execution_id else None
        attributes = {"shop.request_id": str(request_id)}
        self._sink(Span(trace, _span_id(), parent, name, began, time_ns(), attributes))


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
