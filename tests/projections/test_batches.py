"""What must hold for any log, however it is cut into batches."""

from random import Random
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.account import Account
from domain.order import Order
from domain.recorded import Recorded
from domain.stock import Stock
from projections import PROJECTIONS
from tests.projections.shops import Shop, lively_shop
from tests.projections.tables import all_rows, apply

seeds = st.integers(0, 2**32).map(Random)
shops = st.builds(lively_shop, seeds, st.integers(0, 150))
with_database = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100
)


def filled(
    connection: psycopg.Connection, log: list[Recorded], cuts: list[int]
) -> dict[str, list[dict[str, Any]]]:
    with connection.transaction(force_rollback=True):
        apply(connection, log, cuts)
        return all_rows(connection)


@given(shops, seeds)
@with_database
def test_batches_of_any_size_fill_the_same_rows(
    connection: psycopg.Connection, shop: Shop, random: Random
) -> None:
    one_by_one = filled(connection, shop.log, list(range(1, len(shop.log))))
    cuts = random.sample(range(len(shop.log) + 1), min(3, len(shop.log)))
    assert filled(connection, shop.log, cuts) == one_by_one
    assert filled(connection, shop.log, []) == one_by_one


@given(shops)
@with_database
def test_the_rows_say_what_the_aggregates_say(connection: psycopg.Connection, shop: Shop) -> None:
    found = filled(connection, shop.log, [])
    told = {
        **{row["product_id"]: _stock(row) for row in found["products"]},
        **{row["account_id"]: row["balance"] for row in found["accounts"]},
        **{row["order_id"]: row["status"] for row in found["orders"]},
    }
    assert told == {stream: _said(found.state) for stream, found in shop.streams.items()}


@given(shops)
@with_database
def test_transactions_add_up(connection: psycopg.Connection, shop: Shop) -> None:
    balances: dict[Any, int] = {}
    for row in filled(connection, shop.log, [])["transactions"]:
        spent = row["reason"] in {"WITHDRAWAL", "ORDER_PAYMENT"}
        before = balances.get(row["account_id"], 0)
        balances[row["account_id"]] = row["balance"]
        assert row["amount"] > 0
        assert row["balance"] == before + (-row["amount"] if spent else row["amount"])


def test_events_of_others_are_ignored() -> None:
    happened = [event for n in range(40) for event in lively_shop(Random(n), 120).log]
    for projection in PROJECTIONS:
        others = [event for event in happened if type(event.event) not in projection.events]
        assert others
        assert projection.apply(others) == []
        # And what this file shows is shown for every event that the projection reads.
        assert projection.events <= {type(event.event) for event in happened}


def _stock(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(row[k] for k in ("name", "price", "on_hand", "reserved", "discontinued"))


def _said(state: Stock | Account | Order) -> object:
    match state:
        case Stock():
            return state.name, state.price, state.on_hand, state.reserved, state.discontinued
        case Account():
            return state.balance
        case Order():
            return state.status.value
