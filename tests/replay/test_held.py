"""What an event holds up that a read model cannot take: so much that rows are right in the end, and
steps keep their numbers all the while."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.consumers.parked import parked_events, retry
from infrastructure.consumers.runner import ELECT, Lead
from infrastructure.postgres.connections import conninfo
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Connections
from infrastructure.read_models.verify import Compared, verify
from projections import PROJECTIONS
from tests.projections.tables import all_rows
from tests.replay.histories import History, store

TABLES = "orders, executions, accounts, transactions, products, product_names"
BEGIN_ANEW = (
    f"TRUNCATE {TABLES}, parked_events, repaired_rows",
    "UPDATE projections SET position = 0",
)
HIDE = "UPDATE stored_events SET topic = 'Unheard' || topic WHERE notification_id = %s"
SHOW = "UPDATE stored_events SET topic = substr(topic, 8) WHERE notification_id = %s"


def a_past() -> History:
    """Two customers who meet at a product, one of whom fails, pays in and tries again."""
    history = History()
    board, wheel = history.product(), history.product()
    ada, bob = history.customer(1_000_00), history.customer(5_00)
    order = history.order(bob, {board: 1, wheel: 2})
    history.run(bob, order, "poor")
    history.buy(ada, {board: 2}, "rich")
    history.buy(ada, {board: 1, wheel: 1}, "again")
    history.run(bob, order, "still poor")
    return history


@pytest.fixture
def history(database_url: str) -> History:
    history = a_past()
    store(database_url, history.recorded)
    return history


@pytest.fixture
def lead(database_url: str) -> Iterator[Lead]:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        row = connection.execute(ELECT, {"name": "projector", "holder": "test"}).fetchone()
        assert row is not None
        yield Lead("projector", row[0], connection)


def project(lead: Lead, batch: int = 2_000) -> Projector:
    projector = Projector(batch=batch)
    projector.recover(lead)
    while projector.work(lead):
        pass
    return projector


def begin_anew(connection: Connection[TupleRow]) -> None:
    for statement in BEGIN_ANEW:
        connection.execute(statement)


def steps(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[Any]]:
    return {row["name"]: row["steps"] for row in rows["executions"]}


@pytest.mark.parametrize("batch", [3, 2_000])
def test_rows_are_right_whatever_was_held_up_and_steps_keep_their_numbers(
    history: History, lead: Lead, batch: int
) -> None:
    project(lead)
    right = all_rows(lead.connection)
    assert {row["status"] for row in right["executions"]} == {"SUCCEEDED", "FAILED"}
    for recorded in history.recorded:
        begin_anew(lead.connection)
        lead.connection.execute(HIDE, (recorded.position,))
        project(lead, batch)
        for name, told in steps(all_rows(lead.connection)).items():
            assert told == steps(right)[name][: len(told)], recorded
        lead.connection.execute(SHOW, (recorded.position,))
        retry(lead.connection, parked_events(lead.connection), "test", None)
        projector = project(lead, batch)
        projector.heartbeat(lead)
        assert all_rows(lead.connection) == right, recorded
        assert parked_events(lead.connection, waiting=True) == []


def test_a_copy_holds_up_the_same(history: History, lead: Lead, on: Connections) -> None:
    for recorded in history.recorded[4::6]:
        begin_anew(lead.connection)
        lead.connection.execute(HIDE, (recorded.position,))
        project(lead)
        for projection in PROJECTIONS:
            *_, compared = verify(on, projection)
            assert isinstance(compared, Compared)
            assert compared.differences == 0, (recorded, projection.name)
        lead.connection.execute(SHOW, (recorded.position,))


def test_other_executions_at_the_same_product_go_on(history: History, lead: Lead) -> None:
    reserved = next(r for r in history.recorded if type(r.event).__name__ == "StockReserved")
    lead.connection.execute(HIDE, (reserved.position,))
    project(lead)
    done = {row["name"]: row["status"] for row in all_rows(lead.connection)["executions"]}
    assert (done["poor"], done["rich"], done["again"]) == ("RUNNING", "SUCCEEDED", "SUCCEEDED")
