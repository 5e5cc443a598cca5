"""What is stored can be read for ever: one file of JSON, or several, for each event.

The files are never edited. A class that changes needs an upcast in
`application.upcasts` and a further file, such as
`ProductListed-2.json` for its second version; the files that are there must still load.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from application.deciders import DECIDER_OF_EVENT
from domain import events
from domain.events import Event
from domain.values import (
    Address,
    Cancelled,
    InsufficientFunds,
    OrderItem,
    OrderLine,
    Problem,
    ProcessingFailed,
    ProductsUnavailable,
    ReceiptLine,
    Shortage,
    WrongPrice,
)
from infrastructure.event_store.codec import CODEC, EVENT_TYPES, event_from_json, event_to_json

PRODUCT = UUID("01940000-0000-7000-8000-000000000001")
OTHER_PRODUCT = UUID("01940000-0000-7000-8000-000000000002")
ACCOUNT = UUID("01940000-0000-7000-8000-000000000003")
CUSTOMER = UUID("01940000-0000-7000-8000-000000000004")
ORDER = UUID("01940000-0000-7000-8000-000000000005")
RUN = UUID("01940000-0000-5000-8000-000000000006")
REQUEST = UUID("01940000-0000-7000-8000-000000000007")

IMAGE = "/images/skateboard.svg?size=2"
ITEMS = (
    OrderItem(PRODUCT, "Skateboard „Łódź” 🛹", IMAGE, 4999, 2),
    OrderItem(OTHER_PRODUCT, "Wheel", "/images/wheel.svg", 500, 4),
)
LINES = (OrderLine(PRODUCT, 2), OrderLine(OTHER_PRODUCT, 4))
HOUSE = Address("PL", "Kraków", "30-001", "Długa", "7")
FLAT = Address("PL", "Kraków", "30-001", "Długa", "7", "3a")
RECEIPT = (ReceiptLine(PRODUCT, 2, 4999), ReceiptLine(OTHER_PRODUCT, 4, 500))
RETURN = UUID("01940000-0000-7000-8000-000000000008")
DUE = datetime(2026, 12, 31, 23, 59, 59, 250000, tzinfo=UTC)
SHORTAGES = (Shortage(PRODUCT, "Skateboard", 2, 0), Shortage(OTHER_PRODUCT, "Wheel", 4, 3))

STORED: dict[str, Event] = {
    "ProductListed": events.ProductListed(PRODUCT, "Skateboard „Łódź” 🛹", IMAGE, 4999, 10),
    "ProductChanged": events.ProductChanged(PRODUCT, "Longboard", IMAGE, 10**17),
    "ProductDiscontinued": events.ProductDiscontinued(PRODUCT),
    "StockAdjusted": events.StockAdjusted(PRODUCT, REQUEST, -3, 'Lost, or "borrowed"'),
    "StockReserved": events.StockReserved(PRODUCT, RUN, 2, 4999),
    "StockShort": events.StockShort(PRODUCT, RUN, "Skateboard", 2, 0),
    "ReservationReleased": events.ReservationReleased(PRODUCT, RUN, 2),
    "ReservationShipped": events.ReservationShipped(PRODUCT, RUN, 2),
    "AccountOpened": events.AccountOpened(ACCOUNT, CUSTOMER, 100000),
    "Deposited": events.Deposited(ACCOUNT, REQUEST, 2500),
    "Withdrawn": events.Withdrawn(ACCOUNT, REQUEST, 1),
    "AccountCharged": events.AccountCharged(ACCOUNT, RUN, ORDER, 11998),
    "ChargeDeclined": events.ChargeDeclined(ACCOUNT, RUN, 11998, 100),
    "ChargeRefunded": events.ChargeRefunded(ACCOUNT, RUN, ORDER, 11998),
    "ChargeSettled": events.ChargeSettled(ACCOUNT, RUN),
    "OrderCreated": events.OrderCreated(ORDER, CUSTOMER, ACCOUNT, ITEMS, FLAT, 11998),
    "OrderCreated-house": events.OrderCreated(ORDER, CUSTOMER, ACCOUNT, ITEMS[:1], HOUSE, 9998),
    "OrderPlaced": events.OrderPlaced(ORDER, RUN, "first try", CUSTOMER, ACCOUNT, LINES, 11998),
    "PriceRefused": events.PriceRefused(ORDER, RUN, 11998, 12000),
    "ShipmentPrepared": events.ShipmentPrepared(ORDER, RUN),
    "OrderCompleted": events.OrderCompleted(ORDER, RUN, ()),
    "OrderCompleted-2": events.OrderCompleted(ORDER, RUN, RECEIPT),
    "OrderRejected": events.OrderRejected(ORDER, RUN, ProductsUnavailable(SHORTAGES)),
    "OrderRejected-price": events.OrderRejected(ORDER, RUN, WrongPrice(11998, 12000)),
    "OrderRejected-funds": events.OrderRejected(ORDER, RUN, InsufficientFunds(100, 11998)),
    "OrderRejected-failed": events.OrderRejected(ORDER, RUN, ProcessingFailed("It broke.")),
    "OrderRejected-cancelled": events.OrderRejected(ORDER, RUN, Cancelled("Lost parcel.")),
    "OrderCancelled": events.OrderCancelled(ORDER, None),
    "OrderCancelled-2": events.OrderCancelled(ORDER, None),
    "OrderCancelled-2-execution": events.OrderCancelled(ORDER, RUN),
    "OrderChanged": events.OrderChanged(ORDER, REQUEST, ITEMS[:1], HOUSE, 9998),
    "CancellationRequested": events.CancellationRequested(ORDER, RUN, None),
    "CancellationRequested-operator": events.CancellationRequested(ORDER, RUN, "Lost parcel."),
    "ReturnRequested": events.ReturnRequested(
        ORDER, RETURN, CUSTOMER, ACCOUNT, RECEIPT, 11998, "Too „wobbly”", DUE
    ),
    "ReturnReceived": events.ReturnReceived(ORDER, RETURN),
    "ReturnRejected": events.ReturnRejected(ORDER, RETURN, "Broken in two."),
    "ReturnExpired": events.ReturnExpired(ORDER, RETURN),
    "ReturnCompleted": events.ReturnCompleted(ORDER, RETURN),
    "StockReturned": events.StockReturned(PRODUCT, RETURN, 2),
    "ReturnRefunded": events.ReturnRefunded(ACCOUNT, RETURN, ORDER, 11998),
}

FILES = {path.stem: path for path in (Path(__file__).parent / "golden").glob("*.json")}


def topic(stem: str) -> str:
    return stem.split("-", maxsplit=1)[0]


def version(stem: str) -> int:
    part = stem.split("-", maxsplit=2)[1:2]
    return int(part[0]) if part and part[0].isdecimal() else 1


def stored_event(stem: str) -> Event:
    return event_from_json(topic(stem), json.loads(FILES[stem].read_text("utf-8")), version(stem))


def test_every_version_of_an_event_has_a_file() -> None:
    versions = {(topic(stem), version(stem)) for stem in FILES}
    assert versions == {
        (name, n) for name in EVENT_TYPES for n in range(1, CODEC.version(name) + 1)
    }


def test_every_event_has_a_file_and_every_file_an_event() -> None:
    assert FILES.keys() == STORED.keys()
    assert {topic(stem) for stem in FILES} == {cls.__name__ for cls in get_args(Event)}


def test_every_problem_that_an_order_can_be_rejected_with_has_a_file() -> None:
    rejections = (stored for stored in STORED.values() if isinstance(stored, events.OrderRejected))
    assert {type(rejected.problem) for rejected in rejections} == set(get_args(Problem))


@pytest.mark.parametrize("stem", FILES)
def test_what_was_stored_is_read_as_it_was_meant(stem: str) -> None:
    assert stored_event(stem) == STORED[stem]


@pytest.mark.parametrize("stem", [s for s in STORED if version(s) == CODEC.version(topic(s))])
def test_an_event_is_stored_as_it_always_was(stem: str) -> None:
    assert type(STORED[stem]).__name__ == topic(stem)
    assert event_to_json(STORED[stem]) == json.loads(FILES[stem].read_text("utf-8"))


@pytest.mark.parametrize("stem", FILES)
def test_what_was_stored_evolves_an_aggregate(stem: str) -> None:
    event = stored_event(stem)
    DECIDER_OF_EVENT[type(event)].fold([event])
