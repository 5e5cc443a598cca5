"""One execution is one trace, as a collector of OpenTelemetry sees it."""

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from infrastructure.ids import execution_id
from infrastructure.observability.order_metrics import OrderMeasures
from infrastructure.observability.spans import Parent
from infrastructure.observability.tracing import tracing
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.api.mutations import PLACE_ORDER, RESULT, create, place
from tests.api.shop import Api, Shop, settings_for
from tests.faults.waiting import until
from tests.infrastructure.conftest import running


class Collector:
    """Keeps the spans that it is sent, with the names of the services that they came from."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def take(self, request: ExportTraceServiceRequest) -> None:
        for sent in request.resource_spans:
            [service] = [a for a in sent.resource.attributes if a.key == "service.name"]
            for scope in sent.scope_spans:
                self.spans += [(service.value.string_value, span) for span in scope.spans]

    def trace(self, id: UUID) -> list[tuple[str, Span]]:
        """The spans of one trace."""
        return [(service, span) for service, span in self.spans if span.trace_id == id.bytes]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()
    thread.join()


@pytest.fixture
def shop(database_url: str, collector: Collector) -> Iterator[Shop]:
    settings = settings_for(database_url, otlp_endpoint=collector.address)
    with ExitStack() as stack:
        saga, shown = (
            stack.enter_context(tracing(settings.otlp_endpoint, name))
            for name in ("process-manager", "projector")
        )
        projector = Projector(observe=lambda registry: OrderMeasures(registry, shown).applied)
        for consumer in (ProcessManager(tracer=saga), projector):
            stack.enter_context(running(database_url, consumer))
        api = stack.enter_context(Api(settings).running())
        yield Shop(database_url, settings, api, stack)


async def test_an_execution_is_one_trace(shop: Shop, collector: Collector) -> None:
    board, ada = await shop.product(), await shop.customer()
    order = await create(ada, "10.00", {board: 1})
    async with ada.follow(RESULT, name="first") as result:
        await place(ada, order, "first")
        await result.next()
        trace = execution_id(ada.user_id, "first")
        wanted = {
            ("shop-api", "placeOrder"),
            ("shop-process-manager", "saga"),
            ("shop-projector", "projection"),
            ("shop-projector", "execution"),
            ("shop-api", "push"),
        }
        await until(lambda: {(s, span.name) for s, span in collector.trace(trace)} == wanted)
    spans = [span for _, span in collector.trace(trace)]
    [root] = [span for span in spans if not span.parent_span_id]
    assert root.name == "execution"
    assert {span.parent_span_id for span in spans if span is not root} == {root.span_id}
    assert len({span.span_id for span in spans}) == len(spans)
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)
    [saga] = [span for span in spans if span.name == "saga"]
    assert [event.name for event in saga.events] == [
        "StockReserved",
        "AccountCharged",
        "ShipmentPrepared",
        "ReservationShipped",
        "ChargeSettled",
        "OrderCompleted",
    ]


async def test_any_other_request_is_a_trace_of_its_own(shop: Shop, collector: Collector) -> None:
    await shop.visitor().ask("{ products { totalCount } }")
    await until(lambda: bool(collector.spans))
    [(service, span)] = collector.spans
    assert (service, span.name, span.parent_span_id) == ("shop-api", "products", b"")
    [request_id] = [a.value.string_value for a in span.attributes if a.key == "shop.request_id"]
    assert span.trace_id == UUID(request_id).bytes


CALLER, SPAN = UUID(int=7 << 64 | 1), 0x00F067AA0BA902B7
TRACEPARENT = f"00-{CALLER.hex}-{SPAN:016x}-01"


async def test_a_request_is_part_of_its_callers_trace(shop: Shop, collector: Collector) -> None:
    body = {"query": "{ products { totalCount } }"}
    await shop.visitor().post(body, headers={"traceparent": TRACEPARENT})
    await until(lambda: bool(collector.spans))
    [(_, span)] = collector.spans
    assert span.trace_id == CALLER.bytes
    assert span.parent_span_id == SPAN.to_bytes(8)


async def test_an_execution_and_its_callers_trace_lead_to_each_other(
    shop: Shop, collector: Collector
) -> None:
    board, ada = await shop.product(), await shop.customer()
    order = await create(ada, "10.00", {board: 1})
    placing = {"orderId": order, "executionName": "first"}
    body = {"query": PLACE_ORDER, "variables": {"input": placing}}
    await ada.post(body, headers={"traceparent": TRACEPARENT})
    execution = execution_id(ada.user_id, "first")

    def spans(trace: UUID) -> list[Span]:
        return [span for _, span in collector.trace(trace) if span.name == "placeOrder"]

    await until(lambda: bool(spans(CALLER) and spans(execution)))
    [there], [here] = spans(CALLER), spans(execution)
    assert there.parent_span_id == SPAN.to_bytes(8)
    assert [link.trace_id for link in there.links] == [execution.bytes]
    assert [(link.trace_id, link.span_id) for link in here.links] == [
        (CALLER.bytes, SPAN.to_bytes(8))
    ]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        TRACEPARENT[:-1] + "0",  # not to be recorded
        TRACEPARENT + "-more",
        f"ff{TRACEPARENT[2:]}",
        f"00-{UUID(int=0).hex}-{SPAN:016x}-01",
        f"00-{CALLER.hex}-{0:016x}-01",
        TRACEPARENT.upper(),
    ],
)
def test_what_is_no_trace_to_go_on_with_is_passed_over(header: str) -> None:
    assert Parent.of(header) is None


def test_later_versions_may_say_more() -> None:
    assert Parent.of(f" cc{TRACEPARENT[2:]}-more ") == Parent(CALLER, SPAN)
