"""An order is taken out of a shop as a fixture: the same decisions, and nobody's name in it."""

import json
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.commands import AdjustStock, ChangeProduct, Deposit, DiscontinueProduct, Withdraw
from domain.events import OrderCreated, OrderPlaced, StockShort
from domain.recorded import Recorded
from infrastructure.errors import NotThere, ReplayError
from infrastructure.history.as_of import AsOf, order_as_of
from infrastructure.history.fixture import fixture_lines, order_fixture, read_fixture
from infrastructure.ids import execution_id
from infrastructure.operations.audit import Audited, audit
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.read_models.rebuild import Connections
from tests.replay.histories import ADDRESS, History, derived, store


async def taken_out(url: str, order: UUID) -> list[Recorded]:
    connection = await AsyncConnection.connect(conninfo(url, "test"), autocommit=True)
    async with connection:
        return await order_fixture(connection, order)


def saved(fixture: list[Recorded], path: Path) -> Path:
    path.write_bytes(b"".join(fixture_lines(fixture)))
    return path


async def test_every_order_comes_out_as_it_did(
    past: History, database_url: str, tmp_path: Path
) -> None:
    """Each fixture, alone in a shop, breaks no rule: what was decided in it is decided again."""
    orders = [r.stream_id for r in past.recorded if isinstance(r.event, OrderCreated)]
    for order in orders:
        fixture = await taken_out(database_url, order)
        assert read_fixture(saved(fixture, tmp_path / "order.jsonl")) == fixture
        with psycopg.connect(database_url, autocommit=True) as connection:
            before = await order_as_of_url(database_url, order)
            connection.execute("ALTER TABLE stored_events RENAME TO kept_events")
            connection.execute("CREATE TABLE stored_events (LIKE kept_events INCLUDING ALL)")
            connection.execute("TRUNCATE notification_tracking")
            connection.execute("UPDATE projections SET position = 0")
            store(database_url, fixture)
            assert findings(database_url) == []
            assert await order_as_of_url(database_url, order) == before
            connection.execute("DROP TABLE stored_events CASCADE")
            connection.execute("ALTER TABLE kept_events RENAME TO stored_events")


async def order_as_of_url(url: str, order: UUID) -> tuple[object, ...]:
    """What must be the same though the people are others."""
    connection = await AsyncConnection.connect(conninfo(url, "test"), autocommit=True)
    async with connection:
        found = await order_as_of(connection, order, AsOf())
    steps = [[(s["type"], s["product_id"], s["at"]) for s in e.steps] for e in found.executions]
    row = found.order
    return row.status, row.items, row.total, row.problem, row.updated_at, found.version, steps


def findings(url: str) -> list[object]:
    with tool_connection(url, "test") as reader, tool_connection(url, "test") as writer:
        steps = list(audit(Connections(reader, writer)))
    assert isinstance(steps[-1], Audited)
    return [step for step in steps if type(step).__name__ == "Finding"]


async def test_what_others_did_is_one_adjustment(database_url: str) -> None:
    history = History()
    ada, bob = history.customer(money=50_00), history.customer()
    board, wheel = history.product(quantity=5), history.product(price=1_00)
    order = history.order(ada, {board: 4, wheel: 1})
    for n in range(3):
        history.buy(bob, {board: 1}, f"bob's {n}")
    history.send(ChangeProduct(wheel, price=2_00))
    history.send(Deposit(ada[1], history.new_id(), 7))
    history.send(Deposit(ada[1], history.new_id(), 8))
    history.run(ada, order, "too many")
    history.send(AdjustStock(board, history.new_id(), 50, "Delivery"))
    history.send(Withdraw(ada[1], history.new_id(), 20_00))
    history.run(ada, order, "too dear")
    history.send(DiscontinueProduct(board))
    history.run(ada, order, "too late")
    store(database_url, history.recorded)
    fixture = await taken_out(database_url, order)
    told = [type(r.event).__name__ for r in fixture]
    assert told[:4] == ["AccountOpened", "ProductListed", "ProductListed", "OrderCreated"]
    assert told.count("StockAdjusted") == 2
    assert told.count("ProductDiscontinued") == told.count("ProductChanged") == 1
    assert [r.event.available for r in fixture if isinstance(r.event, StockShort)] == [2, 0]
    assert [r.position for r in fixture] == list(range(1, len(fixture) + 1))


async def test_nobody_can_be_told_from_it(past: History, database_url: str) -> None:
    created = next(r for r in past.recorded if isinstance(r.event, OrderPlaced))
    assert isinstance(created.event, OrderPlaced)
    fixture = await taken_out(database_url, created.stream_id)
    text = b"".join(fixture_lines(fixture)).decode()
    people = [created.event.customer_id, created.event.account_id, created.origin.actor_id]
    for secret in (*people, created.event.execution_id, created.event.execution_name):
        assert str(secret) not in text
    for part in (ADDRESS.city, ADDRESS.street, ADDRESS.post_code):
        assert json.dumps(part, ensure_ascii=False) not in text
    placed = next(r.event for r in fixture if isinstance(r.event, OrderPlaced))
    assert placed.execution_id == execution_id(placed.customer_id, placed.execution_name)
    assert {r.origin.actor_id for r in fixture if r.origin.actor_id} == {placed.customer_id}
    again = await taken_out(database_url, created.stream_id)
    assert {r.origin.actor_id for r in again} & {placed.customer_id} == set()


async def test_causes_are_found_where_they_are_now(past: History, database_url: str) -> None:
    order = next(r.stream_id for r in past.recorded if isinstance(r.event, OrderPlaced))
    fixture = await taken_out(database_url, order)
    places = {f"{r.stream_id}/{r.version}" for r in fixture}
    caused = [r for r in fixture if hasattr(r.event, "execution_id")]
    assert all(r.origin.causation_id in places for r in caused[1:])


async def test_there_must_be_such_an_order(
    past: History, database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(NotThere):
        await taken_out(database_url, derived("nothing"))
    (empty := tmp_path / "empty.jsonl").touch()
    with pytest.raises(ReplayError, match="is not whole"):
        read_fixture(empty)
