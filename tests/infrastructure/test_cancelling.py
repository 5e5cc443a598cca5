"""A customer cancels while the execution runs: it ends in exactly one of two worlds."""

from contextlib import suppress
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from application.unit_of_work import EMPTY, UnitOfWork
from domain.commands import CancelOrder
from domain.errors import Conflict
from domain.recorded import Origin
from infrastructure.event_store.store import (
    APPEND,
    READ_STREAMS,
    append_parameters,
    decode_row,
    encoded,
)
from infrastructure.ids import new_id
from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.faults.checks import faults
from tests.infrastructure.interrupted import finish, interrupted, leading, run
from tests.infrastructure.test_crashes import Story
from tests.replay.histories import History, store

STEPS = 12  # more than a run of three items has at one hop a commit


def cancel(connection: Connection[TupleRow], order: UUID) -> bool:
    """As the API does it; whether it was still possible."""
    rows = connection.execute(READ_STREAMS, ([order], [0]), binary=True).fetchall()
    loaded = EMPTY
    for row in rows:
        recorded = decode_row(row)
        loaded = loaded.after(recorded.event, recorded.version, recorded.position)
    work = UnitOfWork({order: loaded})
    try:
        work.handle(CancelOrder(order), Origin(None, new_id(), "test"))
    except Conflict:
        return False
    connection.execute(APPEND, append_parameters(encoded(work.events)), binary=True)
    return True


@pytest.mark.parametrize("money", [1_000_00, 1], ids=["enough money", "too little money"])
def test_whenever_it_is_cancelled_all_is_done_or_all_is_undone(
    money: int, database_url: str
) -> None:
    history = History()
    customer = history.customer(money=money)
    products = [history.product() for _ in range(3)]
    orders = []
    for n in range(STEPS):
        orders.append(history.order(customer, dict.fromkeys(products, 1)))
        history.place(customer, orders[n], f"order {n}")
    store(database_url, history.recorded)
    manager, cancelled = ProcessManager(hops=1), set()
    with (
        leading(database_url, manager) as lead,
        psycopg.connect(conninfo(database_url, "customer"), autocommit=True) as connection,
    ):
        manager.recover(lead)
        for order in orders:  # one after each further step
            if cancel(connection, order):
                cancelled.add(order)
            manager.work(lead)
        finish(manager, lead)
    run(database_url, Projector())
    assert faults(database_url) == {}
    with psycopg.connect(conninfo(database_url, "test")) as connection:
        ends: dict[UUID, str] = dict(
            connection.execute("SELECT order_id, status FROM orders").fetchall()
        )
        problems = connection.execute(
            "SELECT DISTINCT problem ->> 'code' FROM executions WHERE order_id = ANY(%s)"
            " ORDER BY 1",
            (list(cancelled),),
        ).fetchall()
    assert ends == {order: "CANCELLED" if order in cancelled else "COMPLETED" for order in orders}
    if money > 1:
        assert problems == [("CANCELLED",)]
        assert 0 < len(cancelled) < STEPS
    else:  # what failed before is cancelled as it always could be
        assert problems == [("CANCELLED",), ("INSUFFICIENT_FUNDS",)]
        assert len(cancelled) == STEPS


@pytest.mark.parametrize("hops", [0, 1])
def test_whatever_it_is_recorded_before_it_is_heard_sooner_or_later(
    hops: int, database_url: str
) -> None:
    cancelled: list[bool] = []
    with psycopg.connect(conninfo(database_url, "customer"), autocommit=True) as connection:
        connection.execute("SET lock_timeout = '50ms'")  # the worker itself may hold up the append
        statement, happened = 0, [True]
        while happened:
            order = Story("COMPLETED").begin(connection)["order"]

            def want_it_undone(_: object, order: UUID = order) -> None:
                with suppress(LockNotAvailable):
                    cancelled.append(cancel(connection, order))

            with interrupted(statement, want_it_undone) as happened:
                run(database_url, ProcessManager(hops=hops))
            statement += 1
    run(database_url, Projector())
    assert set(cancelled) == {True, False}
    assert faults(database_url) == {}
