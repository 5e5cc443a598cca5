"""Spans to an OpenTelemetry collector, by OTLP over HTTP, in the background."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from infrastructure.observability.spans import Parent, Span

QUEUE = 20_000  # spans that wait to be sent; what comes when it is full is dropped
EVERY = 1_000  # milliseconds between two sendings
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Exporter:
    """Makes the SDK's spans by hand: its own tracer would not let us choose their ids."""

    def __init__(self, url: str, process: str) -> None:
        self._resource = Resource.create({"service.name": f"shop-{process}"})
        self._spans = BatchSpanProcessor(
            OTLPSpanExporter(url), max_queue_size=QUEUE, schedule_delay_millis=EVERY
        )

    def send(self, span: Span) -> None:
        """Put it into the queue; drop it where that is full."""
        self._spans.on_end(
            ReadableSpan(
                span.name,
                _context(span, span.id),
                None if span.parent is None else _context(span, span.parent),
                self._resource,
                span.attributes,
                [Event(name, timestamp=span.ended) for name in span.events],
                [Link(_context_of(span.link))] if span.link else (),
                kind=SpanKind.SERVER if "shop.request_id" in span.attributes else SpanKind.INTERNAL,
                start_time=span.began,
                end_time=span.ended,
            )
        )

    def close(self) -> None:
        """Send what waits."""
        self._spans.shutdown()  # type: ignore[no-untyped-call]  # has no annotations


def _context(span: Span, id: int) -> SpanContext:
    return SpanContext(span.trace.int, id, is_remote=False, trace_flags=SAMPLED)


def _context_of(other: Parent) -> SpanContext:
    return SpanContext(other.trace.int, other.span, is_remote=True, trace_flags=SAMPLED)
