"""One order as a small shop of its own, for a test that reproduces what happened to it.

Its own events are kept with their times. Of its products and its account only what the order met is
kept: what others did to them in between becomes one adjustment each, so that every decision comes
out as it did. Whose order it was, and where it went, cannot be told from it.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from application.deciders import ACCOUNT, STOCK
from application.unit_of_work import EMPTY, Loaded
from domain.account import Account
from domain.events import (
    AccountOpened,
    Deposited,
    Event,
    OrderCreated,
    OrderPlaced,
    ProductChanged,
    ProductDiscontinued,
    ProductListed,
    StockAdjusted,
    Withdrawn,
)
from domain.recorded import Origin, Recorded
from domain.stock import Stock
from infrastructure.event_store.codec import encode
from infrastructure.event_store.jsonl import Digest, line_of, row_of
from infrastructure.event_store.store import decode_row
from infrastructure.history.order_history import order_rows, read, stream_rows
from infrastructure.ids import execution_id
from infrastructure.operations.transfer import Seal, check_file

OTHERS = "what others did meanwhile"


async def order_fixture(connection: AsyncConnection[TupleRow], order_id: UUID) -> list[Recorded]:
    """The order's events with all that they need, as a log of its own. Raises NotThere."""
    story = [read(row) for row in await order_rows(connection, order_id)]
    created = story[0].event
    assert isinstance(created, OrderCreated)  # noqa: S101  # `order_rows` has looked
    streams: dict[UUID, list[Recorded]] = {}
    for stream in (created.account_id, *(item.product_id for item in created.items)):
        streams[stream] = [read(row) for row in await stream_rows(connection, stream)]
    return list(_Fixture(story, streams).events())


def fixture_lines(fixture: list[Recorded]) -> Iterator[bytes]:
    """The lines of a file that `events import` and `read_fixture` read."""
    digest = Digest()
    for r in fixture:
        topic, state = type(r.event).__name__, encode(r.event, r.origin)
        line = line_of((r.position, r.stream_id, r.version, topic, state, r.recorded_at))
        digest.add(line)
        yield line
    yield Seal(len(fixture), digest.text(), 0, digest.text()).line()


def read_fixture(path: Path) -> list[Recorded]:
    """The events of a small file. Raises ReplayError where it is not whole, or OSError."""
    seal = check_file(path)
    lines = path.read_bytes().splitlines(keepends=True)
    return [decode_row(row_of(line)) for line in lines[: seal.events]]


class _Fixture:
    def __init__(self, story: list[Recorded], streams: dict[UUID, list[Recorded]]) -> None:
        self._story = story
        self._streams = {stream: iter(events) for stream, events in streams.items()}
        self._next = {stream: next(events, None) for stream, events in self._streams.items()}
        self._real = dict.fromkeys(streams, EMPTY)
        self._told = dict.fromkeys([*streams, story[0].stream_id], EMPTY)
        self._runs = {r.event.execution_id for r in story if isinstance(r.event, OrderPlaced)}
        self._hidden = _Pseudonyms(story)
        self._position = 0

    def events(self) -> Iterator[Recorded]:
        for recorded in self._story:
            for stream in self._streams:
                if recorded is self._story[0] or stream == recorded.stream_id:
                    yield from self._meanwhile(stream, recorded)
            yield self._tell(recorded.event, recorded)

    def _meanwhile(self, stream: UUID, until: Recorded) -> Iterator[Recorded]:
        """What brings the stream to where it was before `until`."""
        real = self._real[stream]
        while (event := self._next[stream]) is not None and event.position < until.position:
            real = real.after(event.event, event.version, event.position)
            self._next[stream] = next(self._streams[stream], None)
        self._real[stream] = real
        for missing in _missing(stream, real, self._told[stream], self._runs):
            origin = Origin(None, until.origin.correlation_id, OTHERS)
            yield self._tell(missing, replace(until, stream_id=stream, origin=origin))

    def _tell(self, event: Event, at: Recorded) -> Recorded:
        told = self._told[at.stream_id]
        self._position += 1
        after = told.after(event, told.version + 1, self._position)
        self._told[at.stream_id] = after
        self._hidden.place(at, after.version)
        return Recorded(
            self._hidden.event(event),
            self._position,
            self._hidden.id(at.stream_id),
            after.version,
            at.recorded_at,
            self._hidden.origin(at.origin),
        )


def _missing(stream: UUID, real: Loaded, told: Loaded, runs: set[UUID]) -> Iterator[Event]:
    if real.decider is STOCK:
        known = told.state if told.decider else Stock()
        yield from _missing_of_product(stream, real.state, known, runs)
    elif real.decider is ACCOUNT:
        yield from _missing_of_account(
            stream, real.state, told.state if told.decider else Account()
        )


def _missing_of_product(
    product_id: UUID, real: Stock, told: Stock, runs: set[UUID]
) -> Iterator[Event]:
    others = sum(n for run, n in real.reservations.items() if run not in runs)
    on_hand = real.on_hand - others  # what others have reserved might as well not be there
    if told.listing is None:
        yield ProductListed(product_id, real.name, real.image_url, real.price, on_hand)
    else:
        if on_hand != told.on_hand:
            yield StockAdjusted(product_id, uuid4(), on_hand - told.on_hand, OTHERS)
        if (real.name, real.image_url, real.price) != (told.name, told.image_url, told.price):
            yield ProductChanged(product_id, real.name, real.image_url, real.price)
    if real.discontinued and not told.discontinued:
        yield ProductDiscontinued(product_id)


def _missing_of_account(account_id: UUID, real: Account, told: Account) -> Iterator[Event]:
    if told.opening is None:
        assert real.opening is not None  # noqa: S101  # a stream begins with it
        yield AccountOpened(account_id, real.opening.owner_id, real.balance)
    elif real.balance > told.balance:
        yield Deposited(account_id, uuid4(), real.balance - told.balance)
    elif real.balance < told.balance:
        yield Withdrawn(account_id, uuid4(), told.balance - real.balance)


class _Pseudonyms:
    """Other ids for people, accounts and executions, the same throughout and never again; and no
    address."""

    def __init__(self, story: list[Recorded]) -> None:
        self._secret = uuid4()
        created = story[0].event
        assert isinstance(created, OrderCreated)  # noqa: S101  # as above
        self._ids = {
            person: self._new(person) for person in (created.customer_id, created.account_id)
        }
        self._names: dict[str, str] = {}
        self._places: dict[str, str] = {}
        for recorded in story:
            if isinstance(recorded.event, OrderPlaced):
                name = self._names[recorded.event.execution_name] = f"run {len(self._names) + 1}"
                customer = self._ids[created.customer_id]
                self._ids[recorded.event.execution_id] = execution_id(customer, name)

    def _new(self, id: UUID) -> UUID:
        return uuid5(self._secret, str(id))

    def id(self, id: UUID) -> UUID:
        return self._ids.get(id, id)

    def place(self, real: Recorded, version: int) -> None:
        """Remember where an event is now, for those that it caused."""
        self._places[f"{real.stream_id}/{real.version}"] = f"{self.id(real.stream_id)}/{version}"

    def origin(self, origin: Origin) -> Origin:
        actor = None if origin.actor_id is None else self._new(origin.actor_id)
        if origin.actor_id in self._ids:
            actor = self._ids[origin.actor_id]
        correlation = self._ids.get(origin.correlation_id) or self._new(origin.correlation_id)
        return Origin(actor, correlation, self._places.get(origin.causation_id, "request"))

    def event(self, event: Event) -> Event:
        changes: dict[str, Any] = {}
        for field in fields(event):
            value = getattr(event, field.name)
            if isinstance(value, UUID):
                changes[field.name] = self.id(value)
        if isinstance(event, OrderPlaced):
            changes["execution_name"] = self._names[event.execution_name]
        if isinstance(event, OrderCreated):
            changes["shipping_address"] = replace(
                event.shipping_address,
                city="City",
                post_code="00-000",
                street="Street",
                house_number="1",
                local_number=None,
            )
        return replace(event, **changes)
