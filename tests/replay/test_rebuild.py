"""Read models are rebuilt beside the live ones, gone on with, switched to and taken back."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from time import sleep
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import ProductListed
from domain.recorded import Recorded
from infrastructure.errors import InTheWay, NotMigrated, NotThere
from infrastructure.operations.migrate import migrate
from infrastructure.postgres.connections import tool_connection
from infrastructure.read_models.copy_table import kept
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Connections, deploy, rebuild, roll_back
from infrastructure.read_models.verify import Compared, compare, verify
from projections import PROJECTIONS, accounts, orders, products
from projections.projection import Projection, Statement, Table, statement
from tests.cli.running import eventually
from tests.infrastructure.conftest import running
from tests.replay.conftest import project, until
from tests.replay.histories import History, busy_shop, store

NAMES = [projection.name for projection in PROJECTIONS]


def rows(connection: Connection[TupleRow], schema: str, table: str) -> list[TupleRow]:
    query = f"SELECT * FROM {schema}.{table} ORDER BY 1, 2"
    return connection.execute(query.encode()).fetchall()


def everything(connection: Connection[TupleRow]) -> dict[str, list[TupleRow]]:
    return {
        table.name: rows(connection, projection.name, table.name)
        for projection in PROJECTIONS
        for table in projection.tables
    }


def differences(on: Connections, projection: Projection) -> int:
    *_, last = verify(on, projection)
    assert isinstance(last, Compared)
    return last.differences


@pytest.mark.parametrize("projection", PROJECTIONS, ids=NAMES)
def test_a_rebuilt_read_model_has_the_same_rows(
    projection: Projection, past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    before = everything(connection)
    *_, last = rebuild(on, projection)
    assert (last.position, last.goal) == (len(past.recorded),) * 2
    assert everything(connection) == before
    for table in projection.tables:
        assert rows(connection, f"{projection.name}_previous", table.name) == before[table.name]


def test_what_a_rebuild_finds_wrong_it_puts_right(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    before = everything(connection)
    connection.execute("UPDATE orders SET status = 'PENDING'")
    connection.execute("DELETE FROM executions")
    list(rebuild(on, orders.PROJECTION))
    assert everything(connection) == before


def test_the_shop_goes_on_after_a_rebuild(
    past: History, database_url: str, on: Connections
) -> None:
    for projection in PROJECTIONS:
        list(rebuild(on, projection))
    known = len(past.recorded)
    past.buy(past.customer(), {past.product(): 1}, "one more")
    store(database_url, past.recorded[known:])
    project(database_url)
    for projection in PROJECTIONS:
        assert differences(on, projection) == 0


def test_a_rebuild_goes_on_where_it_was_stopped(
    database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    history = busy_shop(2_600, products=6, customers=8)
    store(database_url, history.recorded)
    project(database_url)
    before = everything(connection)
    steps = rebuild(on, orders.PROJECTION)
    reached = 0
    while reached == 0:
        reached = next(steps).position
    assert isinstance(steps, Generator)
    steps.close()
    copy = kept(connection, "orders", "next")
    assert copy is not None
    assert reached <= copy.position < len(history.recorded)
    assert everything(connection) == before
    connection.execute("UPDATE orders_next.orders SET total = 7")  # what is there is not made again
    first = next(again := rebuild(on, orders.PROJECTION))
    assert first.position >= copy.position
    list(again)
    assert connection.execute("SELECT count(*) > 0 FROM orders WHERE total = 7").fetchone() == (
        True,
    )
    list(rebuild(on, orders.PROJECTION, anew=True))
    assert everything(connection) == before


def test_killed_at_any_moment_it_leaves_the_live_one_as_it_was(
    database_url: str, connection: Connection[TupleRow]
) -> None:
    history = busy_shop(1_500, products=6, customers=8)
    store(database_url, history.recorded)
    project(database_url)
    before = everything(connection)
    script = (
        "from api.cli.projections import app\n"
        "from infrastructure.read_models import parallel_fill as filling\n"
        "filling.WORTH_IT, filling.STRETCH, filling._processors = 1_000, 700, lambda: 4\n"
        "import sys; print('ready', flush=True); sys.stdin.readline()\n"
        "app(['rebuild', 'orders'])"
    )
    environment = {**os.environ, "SHOP_DATABASE_URL": database_url}
    chance = random.Random(5)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            process.stdin.write(b"\n")
            process.stdin.flush()
            sleep(chance.uniform(0.05, 1.5))
            process.send_signal(signal.SIGKILL)
        assert everything(connection) == before
    with (
        tool_connection(database_url, "test") as reader,
        tool_connection(database_url, "test") as writer,
    ):
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'shop projections' AND datname = current_database()"
        )

        def done() -> bool:
            try:
                list(rebuild(Connections(reader, writer), orders.PROJECTION))
            except InTheWay:  # what was killed last may have one more transaction under way
                return False
            return True

        eventually(done)
    assert everything(connection) == before


def test_two_rebuilds_of_one_read_model_are_refused(
    past: History, database_url: str, on: Connections
) -> None:
    steps = rebuild(on, orders.PROJECTION)
    next(steps)
    with (
        tool_connection(database_url, "test") as reader,
        tool_connection(database_url, "test") as writer,
    ):
        second = Connections(reader, writer)
        with pytest.raises(InTheWay, match="Somebody else is rebuilding orders"):
            list(rebuild(second, orders.PROJECTION))
        list(rebuild(second, products.PROJECTION))
        list(steps)
        list(rebuild(second, orders.PROJECTION))


def test_an_earlier_copy_is_brought_up_to_date_and_taken_back(
    past: History, database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    list(rebuild(on, orders.PROJECTION))
    connection.execute("UPDATE orders SET total = 7")
    known = len(past.recorded)
    past.buy(past.customer(), {past.product(): 1}, "one more")
    store(database_url, past.recorded[known:])
    project(database_url)
    list(roll_back(on, orders.PROJECTION))
    assert differences(on, orders.PROJECTION) == 0
    list(roll_back(on, orders.PROJECTION))
    assert differences(on, orders.PROJECTION) > 0


def test_without_an_earlier_copy_there_is_nothing_to_take_back(
    past: History, on: Connections
) -> None:
    with pytest.raises(NotThere, match="No earlier copy of accounts is kept"):
        list(roll_back(on, accounts.PROJECTION))


def test_an_earlier_copy_of_other_code_is_left_to_that_code(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    list(rebuild(on, orders.PROJECTION))
    connection.execute("UPDATE projection_copies SET fingerprint = 'older'")
    with pytest.raises(InTheWay, match="made by other code"):
        list(roll_back(on, orders.PROJECTION))


# Deploying changed code. --------------------------------------------------------------------------


def shouted(events: Sequence[Recorded]) -> list[Statement]:
    listed = [r.event for r in events if isinstance(r.event, ProductListed)]
    query: LiteralString = (
        "INSERT INTO products SELECT id, name, upper(name)"
        " FROM unnest(%b::uuid[], %b::text[]) AS p (id, name)"
    )
    return statement(query, ((event.product_id, event.name) for event in listed))


LOUD = replace(
    products.PROJECTION,
    version=products.PROJECTION.version + 1,
    schema="CREATE TABLE products (product_id uuid PRIMARY KEY, name text, loud text);",
    tables=(Table("products", ("product_id",)),),
    apply=shouted,
)


def test_a_changed_read_model_is_rebuilt_when_it_is_deployed(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    names = [name for (name,) in connection.execute("SELECT name FROM products ORDER BY name")]
    done = list(deploy(on, [LOUD if p.name == "products" else p for p in PROJECTIONS]))
    assert {step.name for step in done} == {"products"}
    loud = [text for (text,) in connection.execute("SELECT loud FROM products ORDER BY name")]
    assert loud == [name.upper() for name in names]
    found = connection.execute("SELECT version FROM projections WHERE name = 'products'")
    assert found.fetchone() == (LOUD.version,)


def test_the_release_before_takes_its_copy_back(
    past: History, database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    before = everything(connection)
    list(deploy(on, [LOUD if p.name == "products" else p for p in PROJECTIONS]))
    connection.execute("UPDATE products_previous.products SET price = 7")  # tells it from a new one
    migrate(database_url)
    assert connection.execute("SELECT DISTINCT price FROM products").fetchall() == [(7,)]
    connection.execute("DROP SCHEMA products_previous CASCADE")
    assert everything(connection)["orders"] == before["orders"]


def test_nobody_fills_what_other_code_has_made(
    past: History, database_url: str, on: Connections
) -> None:
    list(deploy(on, [LOUD if p.name == "products" else p for p in PROJECTIONS]))
    with pytest.raises(NotMigrated, match="products"):
        project(database_url)
    with pytest.raises(InTheWay, match="made by other code"):
        list(verify(on, products.PROJECTION))
    migrate(database_url)
    project(database_url)


def test_a_projector_of_the_new_release_takes_over_at_the_switch(
    past: History, database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    release = [LOUD, *(p for p in PROJECTIONS if p.name != "products")]

    def leader_is_at(position: int) -> bool:
        found = connection.execute("SELECT min(position) FROM projections").fetchone()
        return found == (position,)

    with (
        running(database_url, Projector()),
        running(database_url, Projector(release)),
    ):
        known = len(past.recorded)
        past.product()
        store(database_url, past.recorded[known:], notify=True)
        until(lambda: leader_is_at(known + 1))
        list(deploy(on, release))
        past.product()
        store(database_url, past.recorded[known + 1 :], notify=True)
        until(lambda: leader_is_at(known + 2))
    last = past.recorded[-1].event
    assert isinstance(last, ProductListed)
    loud = connection.execute("SELECT loud FROM products WHERE name = %s", (last.name,))
    assert loud.fetchone() == (last.name.upper(),)


def test_a_new_read_model_is_as_far_as_the_others_at_once(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    shout = replace(LOUD, name="shout", tables=(Table("products", ("product_id",)),))
    list(deploy(on, [*PROJECTIONS, shout]))
    found = connection.execute("SELECT DISTINCT position FROM projections")
    assert found.fetchall() == [(len(past.recorded),)]
    assert rows(connection, "shout", "products")


def test_a_read_model_that_is_gone_is_put_aside(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    before = everything(connection)
    list(deploy(on, [products.PROJECTION, orders.PROJECTION]))
    found = connection.execute("SELECT name FROM projections ORDER BY name").fetchall()
    assert found == [("orders",), ("products",)]
    assert rows(connection, "accounts_previous", "accounts") == before["accounts"]
    list(deploy(on, PROJECTIONS))
    assert everything(connection) == before


def test_deploying_the_same_code_does_nothing(past: History, on: Connections) -> None:
    assert list(deploy(on, PROJECTIONS)) == []


# Events that cannot be applied. -------------------------------------------------------------------


def poison(connection: Connection[TupleRow], after: UUID) -> int:
    row = connection.execute(
        "INSERT INTO stored_events SELECT originator_id, originator_version + 1, 'Unheard', '{}',"
        " (SELECT max(notification_id) + 1 FROM stored_events), now() FROM stored_events"
        " WHERE originator_id = %s ORDER BY originator_version DESC LIMIT 1"
        " RETURNING notification_id",
        (after,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_what_cannot_be_applied_is_put_aside_as_the_live_one_has_it(
    past: History, database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    board = past.product()
    store(database_url, past.recorded[-1:])
    position = poison(connection, board)
    past.recorded.append(replace(past.recorded[-1], position=position))  # its place is taken
    known = len(past.recorded)
    past.buy(past.customer(), {past.product(): 1}, "one more")
    store(database_url, past.recorded[known:])
    project(database_url)
    parked = "SELECT consumer, position, error IS NULL FROM parked_events ORDER BY 1, 2"
    before, aside = everything(connection), connection.execute(parked).fetchall()
    assert (f"projector:{NAMES[0]}", position, False) in aside
    for projection in PROJECTIONS:
        *_, last = rebuild(on, projection)
        assert last.position == len(past.recorded)
    assert everything(connection) == before
    live = "SELECT consumer, position, error IS NULL FROM parked_events WHERE consumer !~ '/'"
    assert sorted(connection.execute(live).fetchall()) == aside
    for projection in PROJECTIONS:
        *_, result = compare(on, projection)
        assert isinstance(result, Compared)
        assert (result.differences, result.unapplied, result.parked) == (0, 1, 1)


def test_code_that_can_apply_less_is_not_switched_to(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    def refuse(events: Sequence[Recorded]) -> list[Statement]:
        if any(recorded.position == 50 for recorded in events):
            raise ZeroDivisionError("of all things")
        return orders.PROJECTION.apply(events)

    event = type(past.recorded[49].event)
    worse = replace(
        orders.PROJECTION,
        version=orders.PROJECTION.version + 1,
        apply=refuse,
        events=orders.PROJECTION.events | {event},
    )
    before = everything(connection)
    with pytest.raises(InTheWay, match=r"position 50.*ZeroDivisionError: of all things"):
        list(deploy(on, [worse if p.name == "orders" else p for p in PROJECTIONS]))
    assert everything(connection) == before
    deployed = "SELECT version FROM projections WHERE name = 'orders'"
    assert connection.execute(deployed).fetchone() == (orders.PROJECTION.version,)
    better = replace(worse, apply=orders.PROJECTION.apply)
    list(deploy(on, [better if p.name == "orders" else p for p in PROJECTIONS]))
    assert connection.execute(deployed).fetchone() == (worse.version,)
    assert everything(connection) == before


def test_what_could_not_be_applied_is_mended_by_a_rebuild(
    past: History, database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    last = past.recorded[-1]
    connection.execute("DELETE FROM stored_events WHERE notification_id = %s", (last.position,))
    connection.execute("UPDATE projections SET position = %s", (last.position - 1,))
    connection.execute(
        "TRUNCATE orders, executions, products, product_names, accounts, transactions"
    )
    connection.execute("UPDATE projections SET position = 0")
    stream = last.stream_id
    position = poison(connection, stream)
    assert position == last.position
    project(database_url)
    assert connection.execute("SELECT count(*) FROM parked_events").fetchone() == (
        len(PROJECTIONS),
    )
    connection.execute("DELETE FROM stored_events WHERE notification_id = %s", (position,))
    store(database_url, [last])
    for projection in PROJECTIONS:
        list(rebuild(on, projection))
        assert differences(on, projection) == 0
    live = "SELECT count(*) FROM parked_events WHERE consumer !~ '/'"
    assert connection.execute(live).fetchone() == (0,)


def test_a_projector_that_does_not_pause_is_said_so(
    past: History, database_url: str, on: Connections
) -> None:
    on.writer.execute("SET lock_timeout = '200ms'")
    with psycopg.connect(database_url) as busy:
        busy.execute("SELECT FROM runners WHERE name = 'projector' FOR UPDATE")
        with pytest.raises(InTheWay, match="The projector does not pause"):
            list(rebuild(on, orders.PROJECTION))
    list(rebuild(on, orders.PROJECTION))
