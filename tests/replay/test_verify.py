"""What is not as the log says is found, named, and told how."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.events import ProductListed
from domain.recorded import Recorded
from infrastructure.read_models.rebuild import Connections, Progress
from infrastructure.read_models.verify import Compared, Difference, Found, compare, verify
from projections import PROJECTIONS, accounts, orders, products
from projections.projection import Projection, Statement, Table
from tests.replay.conftest import project
from tests.replay.histories import History, busy_shop, store

NAMES = [projection.name for projection in PROJECTIONS]


def found(steps: Iterator[Found]) -> tuple[list[Difference], Compared]:
    differences = []
    for step in steps:
        match step:
            case Difference():
                differences.append(step)
            case Compared():
                return differences, step
            case Progress():
                pass
    raise AssertionError("no result")


@pytest.mark.parametrize("projection", PROJECTIONS, ids=NAMES)
def test_what_nobody_touched_is_as_the_log_says(
    projection: Projection, past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    differences, result = found(verify(on, projection))
    assert differences == []
    assert result.position == len(past.recorded)
    for table in projection.tables:
        count = connection.execute(f"SELECT count(*) FROM {table.name}".encode()).fetchone()
        assert count == (result.rows[table.name],)


CHANGES = {
    "products": ("UPDATE products SET on_hand = on_hand + 2 WHERE product_id = %s", "on_hand"),
    "orders": ("UPDATE orders SET total = total + 2 WHERE order_id = %s", "total"),
    "executions": ("UPDATE executions SET name = name || 2 WHERE execution_id = %s", "name"),
    "accounts": ("UPDATE accounts SET balance = balance + 2 WHERE account_id = %s", "balance"),
    "transactions": ("UPDATE transactions SET amount = 2 WHERE account_id = %s", "amount"),
}


@pytest.mark.parametrize("table", CHANGES)
def test_a_row_that_was_changed_by_hand_is_named(
    table: str, past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    change, column = CHANGES[table]
    (projection,) = (p for p in PROJECTIONS if table in {t.name for t in p.tables})
    (key, *_) = next(t.key for t in projection.tables if t.name == table)
    query = f"SELECT {key}, {column} FROM {table} ORDER BY 1, position DESC LIMIT 1"
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    connection.execute(change.encode(), row[:1])
    differences, result = found(verify(on, projection))
    assert result.differences == len(differences) > 0
    assert {(d.table, d.key[key]) for d in differences} == {(table, str(row[0]))}
    assert row[1] in [d.log and d.log[column] for d in differences]
    assert all(d.live and d.live.keys() == {column} for d in differences)


def test_rows_that_are_missing_or_too_many_are_named(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    last = UUID(int=2**128 - 1)
    first = "SELECT account_id FROM accounts ORDER BY account_id LIMIT 1"
    connection.execute(f"DELETE FROM accounts WHERE account_id = ({first})".encode())
    connection.execute("INSERT INTO accounts VALUES (%s, %s, 1, 1)", (last, last))
    differences, _ = found(verify(on, accounts.PROJECTION))
    assert [(d.live is None, d.log is None) for d in differences] == [(True, False), (False, True)]


def test_everything_is_proved_while_the_shop_runs(database_url: str, on: Connections) -> None:
    """The log grows and the projector works on between fold and comparison."""
    history = busy_shop(900, products=6, customers=8)
    third = len(history.recorded) // 3
    store(database_url, history.recorded[:third])
    project(database_url)
    for projection in PROJECTIONS:
        steps = verify(on, projection)
        next(steps)
        if projection is PROJECTIONS[0]:
            store(database_url, history.recorded[third:])
        project(database_url)
        differences, result = found(steps)
        assert (differences, result.position) == ([], len(history.recorded))


def test_what_the_projector_has_not_seen_yet_does_not_count(
    past: History, database_url: str, on: Connections
) -> None:
    known = len(past.recorded)
    past.buy(past.customer(), {past.product(): 1}, "one more")
    store(database_url, past.recorded[known:])
    differences, result = found(verify(on, orders.PROJECTION))
    assert (differences, result.position) == ([], known)


def test_nothing_is_left_behind(past: History, database_url: str, on: Connections) -> None:
    for _ in range(2):
        for projection in PROJECTIONS:
            assert found(verify(on, projection))[0] == []
    with psycopg.connect(database_url) as other:
        schemas = other.execute(
            "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
        ).fetchone()
    assert schemas == (0,)
    assert on.reader.execute("SHOW search_path") is not None
    assert on.writer.execute("SELECT count(*) FROM stored_events").fetchone() is not None


# Code that is not deployed yet. -------------------------------------------------------------------


def dearer(events: Sequence[Recorded]) -> list[Statement]:
    return products.PROJECTION.apply(
        [
            replace(r, event=replace(r.event, price=r.event.price + 1))
            if isinstance(r.event, ProductListed)
            else r
            for r in events
        ]
    )


def test_what_changed_code_would_change_is_shown_before_it_is_deployed(
    past: History, on: Connections
) -> None:
    changed = replace(products.PROJECTION, version=2, apply=dearer)
    differences, result = found(compare(on, changed))
    assert 0 < len(differences) <= result.rows["products"]
    for difference in differences:
        assert difference.live is not None
        assert difference.log == {"price": difference.live["price"] + 1}


def test_columns_that_come_and_go_are_told_apart_from_rows_that_change(
    past: History, on: Connections
) -> None:
    change: LiteralString = (
        "ALTER TABLE products ADD loud text; ALTER TABLE products ALTER on_hand TYPE numeric;"
        "ALTER TABLE products ALTER image_url DROP NOT NULL; CREATE TABLE shelves (id integer)"
    )
    changed = replace(
        products.PROJECTION,
        schema=products.PROJECTION.schema + change,
        tables=(*products.PROJECTION.tables, Table("shelves", ("id",))),
    )
    differences, result = found(compare(on, changed))
    assert differences == []
    assert (result.only_live, result.only_log) == ((), ("products.loud", "shelves"))
    changed = replace(
        orders.PROJECTION, schema=orders.PROJECTION.schema + "ALTER TABLE orders ADD x text"
    )
    assert found(compare(on, changed))[1].only_log == ("orders.x",)
