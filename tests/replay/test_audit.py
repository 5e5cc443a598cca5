"""What must not be is found: in the log itself, against the rules, in the sums."""

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from application.audit.provenance import answered
from application.place_order import react
from application.unit_of_work import EMPTY
from domain.commands import (
    AdjustStock,
    CancelOrder,
    Deposit,
    DiscontinueProduct,
    ReserveStock,
    Withdraw,
)
from domain.errors import DomainError
from domain.events import (
    AccountCharged,
    AccountOpened,
    ChargeDeclined,
    ChargeRefunded,
    Deposited,
    Event,
    OrderCompleted,
    OrderCreated,
    OrderPlaced,
    OrderRejected,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    ShipmentPrepared,
    StockReserved,
    StockShort,
)
from domain.recorded import Origin, Recorded
from infrastructure.command_handling.snapshots import save_snapshots
from infrastructure.event_store.codec import encode
from infrastructure.operations import audit as auditing
from infrastructure.operations.audit import Audited, Finding, audit
from infrastructure.read_models.rebuild import Connections, Progress
from tests.replay.histories import History, busy_shop, store

CHANGE = "UPDATE stored_events SET state = %s WHERE notification_id = %s"


def audited(
    on: Connections, expected: tuple[int, str] | None = None
) -> tuple[list[Finding], Audited]:
    findings = []
    for step in audit(on, expected):
        match step:
            case Finding():
                findings.append(step)
            case Audited():
                return findings, step
            case Progress():
                pass
    raise AssertionError("no result")


def checks(findings: list[Finding]) -> set[str]:
    return {finding.check for finding in findings}


def one(history: History, kind: type[Event], number: int = 0) -> Recorded:
    return [r for r in history.recorded if isinstance(r.event, kind)][number]


def test_a_shop_with_a_past_is_sound(past: History, on: Connections) -> None:
    findings, result = audited(on)
    assert findings == []
    assert result.events == len(past.recorded)
    balance = result.balance
    assert balance.money_in - balance.money_out == balance.in_accounts + balance.spent
    assert balance.received == balance.on_hand + balance.shipped
    assert (balance.reserved, balance.held) == (0, 0)
    assert min(balance.spent, balance.shipped) > 0


def test_nothing_depends_on_what_is_remembered(
    past: History, on: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = audited(on)
    monkeypatch.setattr(auditing, "REMEMBERED", 3)
    monkeypatch.setattr(auditing, "CHUNK", 7)
    assert audited(on) == ([], whole)


@pytest.mark.parametrize(
    "kind",
    [OrderCreated, StockReserved, AccountCharged, ProductListed, Deposited, OrderCompleted],
)
def test_an_event_that_was_deleted_is_found(
    kind: type[Event], past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    gone = one(past, kind, 1)
    connection.execute("DELETE FROM stored_events WHERE notification_id = %s", (gone.position,))
    findings, _ = audited(on)
    assert findings[0].check == "positions"
    assert findings[0].text == f"Position {gone.position} is missing of the log"


def test_what_was_paid_out_behind_a_hole_is_named(
    on: Connections, connection: Connection[TupleRow], database_url: str
) -> None:
    history = History()
    _, account = history.customer(10_00)
    history.send(Deposit(account, history.new_id(), 500_00))
    history.send(Withdraw(account, history.new_id(), 400_00))
    store(database_url, history.recorded)
    connection.execute("DELETE FROM stored_events WHERE topic = 'Deposited'")
    findings, _ = audited(on)
    assert [each.stream_id for each in findings if each.check == "money"] == [account]
    assert any("the account holds -39000 minor units" in each.text for each in findings)


def test_what_was_promised_behind_a_hole_is_named(
    on: Connections, connection: Connection[TupleRow], database_url: str
) -> None:
    history = History()
    board = history.product(quantity=0)
    history.send(AdjustStock(board, history.new_id(), 5, "Delivery"))
    history.buy(history.customer(), {board: 4}, "first")
    store(database_url, history.recorded)
    connection.execute("DELETE FROM stored_events WHERE topic = 'StockAdjusted'")
    findings, _ = audited(on)
    assert [each.stream_id for each in findings if each.check == "stock"] == [board]
    assert any("4 more are promised than are there" in each.text for each in findings)


def test_a_wish_may_be_heard_later_than_it_stands_in_the_log(
    on: Connections, database_url: str
) -> None:
    history = History()
    ada, board = history.customer(), history.product()
    order = history.order(ada, {board: 1})
    run = history.place(ada, order, "first")
    origin = Origin(ada[0], run, "the worker")
    process, [reserve] = react(None, history.recorded[-1].event)
    [wish] = history.send(CancelOrder(order))
    [reserved] = history.send(reserve, origin)
    process, [charge] = react(process, reserved.event)
    process, _ = react(process, wish.event)  # only now: the payment is asked for already
    happened = history.send(charge, origin)
    for each in happened:
        process, commands = react(process, each.event)
        for command in commands:
            happened += history.send(command, origin)
    assert process is None
    store(database_url, history.recorded)
    assert audited(on)[0] == []


def test_a_last_event_that_was_deleted_is_found(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    connection.execute(
        "DELETE FROM stored_events WHERE notification_id = %s", (len(past.recorded),)
    )
    findings, _ = audited(on)
    assert "positions" in checks(findings)
    assert any("the log ends at" in finding.text for finding in findings)


@pytest.mark.parametrize(
    "kind",
    [
        AccountOpened,
        AccountCharged,
        ChargeDeclined,
        Deposited,
        OrderCompleted,
        OrderCreated,
        OrderPlaced,
        OrderRejected,
        ProductListed,
        ReservationReleased,
        ReservationShipped,
        ShipmentPrepared,
        StockReserved,
        StockShort,
    ],
)
def test_an_event_that_is_there_twice_is_found(
    kind: type[Event], past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    again = one(past, kind)
    versions = [r.version for r in past.recorded if r.stream_id == again.stream_id]
    position = len(past.recorded) + 1
    doubled = replace(again, position=position, version=max(versions) + 1)
    store_at(connection, doubled)
    findings, _ = audited(on)
    assert position in {finding.position for finding in findings}


def store_at(connection: Connection[TupleRow], recorded: Recorded) -> None:
    connection.execute(
        "INSERT INTO stored_events VALUES (%s, %s, %s, %s, %s, %s)",
        (
            recorded.stream_id,
            recorded.version,
            type(recorded.event).__name__,
            encode(recorded.event, recorded.origin),
            recorded.position,
            recorded.recorded_at,
        ),
    )


AMOUNTS: dict[type[Any], str] = {
    AccountCharged: "amount",
    ChargeDeclined: "balance",
    OrderCreated: "total",
    OrderPlaced: "total",
    ReservationReleased: "quantity",
    ReservationShipped: "quantity",
    StockReserved: "unit_price",
    StockShort: "available",
}


@pytest.mark.parametrize("kind", AMOUNTS)
def test_an_amount_that_was_changed_is_found(
    kind: type[Event], past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    some = one(past, kind, 2)
    change(connection, some, AMOUNTS[kind], 1)
    findings, _ = audited(on)
    assert checks(findings) & {"rules", "executions"}


def change(connection: Connection[TupleRow], recorded: Recorded, field: str, by: int) -> None:
    body = orjson.loads(encode(recorded.event, recorded.origin))
    body["data"][field] += by
    connection.execute(CHANGE, (orjson.dumps(body), recorded.position))


def test_what_came_from_outside_is_checked_by_the_digest(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    _, before = audited(on)
    change(connection, one(past, Deposited), "amount", 1)
    findings, after = audited(on, (before.events, before.digest))
    assert after.digest != before.digest
    assert [f.text for f in findings if f.check == "digest"] == [
        f"The log up to position {before.events} is not the one whose digest was given"
    ]


def test_a_digest_holds_while_the_log_grows(
    past: History, database_url: str, on: Connections
) -> None:
    _, before = audited(on)
    past.buy(past.customer(), {past.product(): 1}, "one more")
    store(database_url, past.recorded[before.events :])
    assert audited(on, (before.events, before.digest))[0] == []
    findings, _ = audited(on, (10**6, before.digest))
    assert [f.text for f in findings] == [
        "The log ends before position 1000000, whose digest was given"
    ]


def test_an_event_that_does_not_load_is_found_and_told_once(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    first, second = one(past, StockReserved, 3), one(past, AccountCharged, 9)
    connection.execute(CHANGE, (b"{}", first.position))
    connection.execute(
        "UPDATE stored_events SET topic = 'Unheard' WHERE notification_id = %s", (second.position,)
    )
    findings, _ = audited(on)
    assert [(f.check, f.position, f.text) for f in findings] == [
        ("loads", first.position, "StockReserved cannot be loaded: it is not of its class"),
        ("loads", second.position, "Unheard cannot be loaded: it has no class"),
    ]


def test_an_event_in_the_wrong_stream_is_found(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    listed, opened = one(past, ProductListed), one(past, AccountOpened)
    stray = replace(
        opened, stream_id=listed.stream_id, position=len(past.recorded) + 1, version=999
    )
    store_at(connection, stray)
    findings, _ = audited(on)
    assert "versions" in checks(findings)
    connection.execute("DELETE FROM stored_events WHERE originator_version = 999")
    versions = [r.version for r in past.recorded if r.stream_id == listed.stream_id]
    store_at(connection, replace(stray, version=max(versions) + 1))
    findings, _ = audited(on)
    assert [f.check for f in findings] == ["streams"]


def test_an_execution_that_nobody_goes_on_with_is_found(
    past: History, database_url: str, on: Connections, connection: Connection[TupleRow]
) -> None:
    ada, known = past.customer(), len(past.recorded)
    placed = past.place(ada, past.order(ada, {past.product(): 1}), "left")
    store(database_url, past.recorded[known - 1 :])
    assert audited(on)[0] == []  # the process manager has not seen it yet
    connection.execute(
        "INSERT INTO notification_tracking VALUES ('process-manager', %s)", (len(past.recorded),)
    )
    (finding,) = audited(on)[0]
    assert (finding.check, finding.position) == ("executions", len(past.recorded))
    assert str(placed) in finding.text
    connection.execute(
        "INSERT INTO parked_events (consumer, position, belongs_to, parked_at)"
        " VALUES ('process-manager', 1, %s, now())",
        (placed,),
    )
    assert audited(on)[0] == []


def test_a_reservation_that_its_execution_left_behind_is_found(
    past: History, database_url: str, on: Connections
) -> None:
    known = len(past.recorded)
    board, ada = past.product(), past.customer()
    order = past.order(ada, {board: 1})
    run = past.run(ada, order, "done")
    past.send(ReserveStock(board, run, 3), Origin(None, run, "nobody"))
    store(database_url, past.recorded[known:])
    findings, _ = audited(on)
    assert [f.check for f in findings] == ["executions", "sums"]
    assert "which is not under way" in findings[0].text
    assert findings[1].text.startswith("3 things are reserved, but executions that run hold 0")


def test_refusals_that_stand_in_no_log_are_understood(
    past: History, database_url: str, on: Connections
) -> None:
    """A product that is not there refuses to be reserved; the saga undoes what it did."""
    known = len(past.recorded)
    ada, board, gone = past.customer(), past.product(), past.product()
    order = past.order(ada, {board: 1, gone: 1})
    past.recorded.pop(known + 2)
    for n, r in enumerate(past.recorded[known:], known + 1):
        past.recorded[n - 1] = replace(r, position=n)
    past._streams[gone] = EMPTY
    past.run(ada, order, "half of it")
    assert isinstance(past.recorded[-1].event, OrderRejected)
    store(database_url, past.recorded[known:])
    assert audited(on)[0] == []


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_executions_that_were_given_up_are_understood(
    steps: int, past: History, database_url: str, on: Connections
) -> None:
    known = len(past.recorded)
    ada, board, wheel = past.customer(), past.product(), past.product()
    past.give_up(ada, past.order(ada, {board: 2, wheel: 1}), "late", after=steps)
    assert isinstance(past.recorded[-1].event, OrderRejected)
    store(database_url, past.recorded[known:])
    assert audited(on)[0] == []


def test_snapshots_are_compared_with_what_their_events_lead_to(
    past: History, on: Connections, connection: Connection[TupleRow]
) -> None:
    streams = {one(past, ProductListed).stream_id, one(past, AccountOpened).stream_id}
    with connection.cursor() as cursor:
        save_snapshots(cursor, ((stream, past._streams[stream]) for stream in streams))
    findings, result = audited(on)
    assert (findings, result.snapshots) == ([], 2)
    changed = "UPDATE snapshots SET state = replace(convert_from(state, 'UTF8'), %s, %s)::bytea"
    connection.execute(changed, ("Board", "Bored"))
    (finding,) = audited(on)[0]
    assert finding.check == "snapshots"
    connection.execute("UPDATE snapshots SET version = version + 1000")
    findings, _ = audited(on)
    assert [f.check for f in findings] == ["snapshots"] * 2


def test_every_event_answers_a_command() -> None:
    """What the rules made happen, they make happen again when they are asked for it."""
    history = busy_shop(120, products=4, customers=5)
    product = one(history, ProductListed).stream_id
    history.send(DiscontinueProduct(product))
    streams: dict[UUID, Any] = {}
    kinds = set()
    for r in history.recorded:
        before = streams.get(r.stream_id, EMPTY)
        with suppress(DomainError):
            assert before.decide(answered(r.event)) == [r.event]
            kinds.add(type(r.event))
        streams[r.stream_id] = before.after(r.event, r.version, r.position)
    assert kinds == {type(r.event) for r in history.recorded}
    assert ChargeRefunded not in kinds
