"""What the rows of the read models say after a story."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg

from domain.commands import (
    AdjustStock,
    CancelOrder,
    ChangeProduct,
    CreateOrder,
    Deposit,
    DiscontinueProduct,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    Withdraw,
)
from domain.events import (
    AccountCharged,
    ChargeRefunded,
    OrderPlaced,
    OrderRejected,
    ReservationReleased,
    ShipmentPrepared,
    StockReserved,
)
from domain.values import Address, OrderItem, OrderLine, ProcessingFailed
from tests.projections.shops import OPENED, Shop
from tests.projections.tables import apply, rows

BOARD, WHEEL = UUID(int=1), UUID(int=2)
ADA, ACCOUNT = UUID(int=3), UUID(int=4)
ORDER, RUN, NEXT_RUN = UUID(int=5), UUID(int=6), UUID(int=7)
SOME_ID = UUID(int=8)
ITEMS = (
    OrderItem(BOARD, "Bo\"ard's ☃", "/b.svg", 50, 2),
    OrderItem(WHEEL, "Wheel", "/w.svg", 5, 4),
)
ADDRESS = Address("PL", "Kraków", "30-001", "Długa", "7", None)


def shop(boards: int = 10, wheels: int = 10, money: int = 200, total: int = 120) -> Shop:
    """A shop in which Ada has an order."""
    return Shop().send(
        ListProduct(BOARD, "Board", "/b.svg", 50, boards),
        ListProduct(WHEEL, "Wheel", "/w.svg", 5, wheels),
        OpenAccount(ACCOUNT, ADA, money),
        CreateOrder(ORDER, ADA, ACCOUNT, ITEMS, ADDRESS, total),
    )


def only(connection: psycopg.Connection[Any], table: str) -> dict[str, Any]:
    [row] = rows(connection, table)
    return row


def steps(row: dict[str, Any]) -> list[str]:
    return [step["type"] for step in row["steps"]]


def test_a_product_is_as_its_last_events_made_it(connection: psycopg.Connection) -> None:
    done = Shop().send(
        ListProduct(BOARD, "Board", "/b.svg", 50, 10),
        ChangeProduct(BOARD, "Deck", None, 60),
        AdjustStock(BOARD, SOME_ID, 5, "found"),
        DiscontinueProduct(BOARD),
    )
    apply(connection, done.log)
    assert only(connection, "products") == {
        "product_id": BOARD,
        "name": "Deck",
        "image_url": "/b.svg",
        "price": 60,
        "on_hand": 15,
        "reserved": 0,
        "discontinued": True,
        "created_at": OPENED + timedelta(seconds=1),
        "created_position": 1,
        "position": 4,
    }


def test_an_order_that_completes(connection: psycopg.Connection) -> None:
    done = shop().send(PlaceOrder(ORDER, RUN, "first")).run()
    apply(connection, done.log)
    order, execution = only(connection, "orders"), only(connection, "executions")
    prepared = next(e for e in done.log if type(e.event) is ShipmentPrepared)
    assert order["status"] == "COMPLETED"
    assert order["shipment_id"] == RUN
    assert order["shipment_prepared_at"] == prepared.recorded_at
    assert order["updated_at"] == done.log[-1].recorded_at
    assert order["problem"] is None
    assert order["items"][0] == {
        "product_id": str(BOARD),
        "name": "Bo\"ard's ☃",
        "image_url": "/b.svg",
        "unit_price": 50,
        "quantity": 2,
    }
    assert order["shipping_address"] == {
        "country": "PL",
        "city": "Kraków",
        "post_code": "30-001",
        "street": "Długa",
        "house_number": "7",
        "local_number": None,
    }
    assert execution["status"] == "SUCCEEDED"
    assert execution["finished_at"] == done.log[-1].recorded_at
    assert steps(execution) == [
        "STARTED",
        "STOCK_RESERVED",
        "STOCK_RESERVED",
        "PAYMENT_TAKEN",
        "SHIPMENT_PREPARED",
        "SUCCEEDED",
    ]
    assert execution["steps"][1] == {
        "type": "STOCK_RESERVED",
        "product_id": str(BOARD),
        "at": "2026-05-01T08:00:06.000000+00:00",
        "position": 6,
    }
    products = rows(connection, "products")
    assert [(p["on_hand"], p["reserved"]) for p in products] == [(8, 0), (6, 0)]


def test_an_order_that_is_short_of_products(connection: psycopg.Connection) -> None:
    apply(connection, shop(wheels=3).send(PlaceOrder(ORDER, RUN, "first")).run().log)
    order, execution = only(connection, "orders"), only(connection, "executions")
    assert order["status"] == execution["status"] == "FAILED"
    assert order["shipment_id"] is None
    assert order["problem"] == execution["problem"]
    assert order["problem"] == {
        "code": "PRODUCTS_UNAVAILABLE",
        "products": [
            {"product_id": str(WHEEL), "name": "Wheel", "requested": 4, "available": 3},
        ],
    }
    assert steps(execution) == [
        "STARTED",
        "STOCK_RESERVED",
        "STOCK_REFUSED",
        "STOCK_RELEASED",
        "FAILED",
    ]


def test_an_order_of_a_wrong_price(connection: psycopg.Connection) -> None:
    apply(connection, shop(total=119).send(PlaceOrder(ORDER, RUN, "first")).run().log)
    execution = only(connection, "executions")
    assert execution["problem"] == {
        "code": "WRONG_ORDER_PRICE",
        "provided": 119,
        "calculated": 120,
    }
    assert "PRICE_REFUSED" in steps(execution)


def test_an_order_beyond_the_balance_that_is_placed_again(connection: psycopg.Connection) -> None:
    done = shop(money=20).send(PlaceOrder(ORDER, RUN, "first")).run()
    apply(connection, done.log)
    failed = only(connection, "orders")
    assert failed["problem"] == {"code": "INSUFFICIENT_FUNDS", "balance": 20, "required": 120}
    known = len(done.log)
    done.send(Deposit(ACCOUNT, SOME_ID, 100), PlaceOrder(ORDER, NEXT_RUN, "second"))
    apply(connection, done.log[known:])
    again = only(connection, "orders")
    assert (again["status"], again["problem"]) == ("PLACED", None)
    known = len(done.log)
    apply(connection, done.run().log[known:])
    assert only(connection, "orders")["status"] == "COMPLETED"
    first, second = rows(connection, "executions")
    assert (first["status"], second["status"]) == ("FAILED", "SUCCEEDED")
    assert only(connection, "accounts")["balance"] == 0


def test_an_execution_is_compensating_between_the_refusal_and_the_end(
    connection: psycopg.Connection,
) -> None:
    done = shop(wheels=3).send(PlaceOrder(ORDER, RUN, "first"))
    found = []
    for event in done.log:
        apply(connection, [event])
    while done.todo:
        known = len(done.log)
        done.step()
        apply(connection, done.log[known:])
        found.append(only(connection, "executions")["status"])
    assert found == ["RUNNING", "COMPENSATING", "COMPENSATING", "FAILED"]


def test_a_failed_order_that_is_cancelled_keeps_its_problem(connection: psycopg.Connection) -> None:
    done = shop(money=20).send(PlaceOrder(ORDER, RUN, "first")).run().send(CancelOrder(ORDER))
    apply(connection, done.log)
    order = only(connection, "orders")
    assert (order["status"], order["problem"]["code"]) == ("CANCELLED", "INSUFFICIENT_FUNDS")


def test_a_failure_after_the_shipment_leaves_no_shipment(connection: psycopg.Connection) -> None:
    done = shop()
    lines = (OrderLine(BOARD, 2),)
    done.record(ORDER, OrderPlaced(ORDER, RUN, "first", ADA, ACCOUNT, lines, 120))
    done.record(BOARD, StockReserved(BOARD, RUN, 2, 50))
    done.record(ACCOUNT, AccountCharged(ACCOUNT, RUN, ORDER, 120))
    done.record(ORDER, ShipmentPrepared(ORDER, RUN))
    done.record(ACCOUNT, ChargeRefunded(ACCOUNT, RUN, ORDER, 120))
    done.record(ORDER, OrderRejected(ORDER, RUN, ProcessingFailed("The parcel is lost.")))
    done.record(BOARD, ReservationReleased(BOARD, RUN, 2))
    apply(connection, done.log, cuts=[9])
    order, execution = only(connection, "orders"), only(connection, "executions")
    assert (order["status"], order["shipment_id"], order["shipment_prepared_at"]) == (
        "FAILED",
        None,
        None,
    )
    # What comes after the end adds its step, and the execution stays ended.
    assert execution["status"] == "FAILED"
    assert steps(execution)[-2:] == ["FAILED", "STOCK_RELEASED"]
    refund = rows(connection, "transactions")[-1]
    assert refund["transaction_id"] == uuid5(RUN, "refund")
    assert (refund["reason"], refund["amount"], refund["balance"]) == ("ORDER_REFUND", 120, 200)
    assert refund["order_id"] == ORDER


def test_transactions_have_running_balances(connection: psycopg.Connection) -> None:
    done = Shop().send(
        OpenAccount(ACCOUNT, ADA, 100),
        OpenAccount(BOARD, WHEEL, 0),
        Deposit(ACCOUNT, UUID(int=11), 50),
        Withdraw(ACCOUNT, UUID(int=12), 30),
    )
    apply(connection, done.log)
    found = rows(connection, "transactions")
    assert [(t["transaction_id"], t["reason"], t["amount"], t["balance"]) for t in found] == [
        (ACCOUNT, "OPENING_DEPOSIT", 100, 100),
        (UUID(int=11), "DEPOSIT", 50, 150),
        (UUID(int=12), "WITHDRAWAL", 30, 120),
    ]
    balances = {row["owner_id"]: row["balance"] for row in rows(connection, "accounts")}
    assert balances == {ADA: 120, WHEEL: 0}
