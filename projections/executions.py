"""Executions of the place-order saga with their steps: a table of the orders projection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row
from pydantic import TypeAdapter

from domain.events import (
    AccountCharged,
    CancellationRequested,
    ChargeDeclined,
    ChargeRefunded,
    OrderCancelled,
    OrderCompleted,
    OrderPlaced,
    OrderRejected,
    PriceRefused,
    ReservationReleased,
    ShipmentPrepared,
    StockReserved,
    StockShort,
)
from domain.message import message
from domain.recorded import Recorded
from domain.values import Cancelled, Problem
from projections.projection import Statement, statement
from projections.window import Window

_STEPS: dict[type, str] = {
    OrderPlaced: "STARTED",
    StockReserved: "STOCK_RESERVED",
    StockShort: "STOCK_REFUSED",
    PriceRefused: "PRICE_REFUSED",
    AccountCharged: "PAYMENT_TAKEN",
    ChargeDeclined: "PAYMENT_REFUSED",
    ReservationReleased: "STOCK_RELEASED",
    ShipmentPrepared: "SHIPMENT_PREPARED",
    CancellationRequested: "CANCELLATION_REQUESTED",
    OrderCompleted: "SUCCEEDED",
    OrderRejected: "FAILED",
    OrderCancelled: "FAILED",
}
_STOCK = frozenset({StockReserved, StockShort, ReservationReleased})
_COMPENSATING = frozenset(
    {
        StockShort,
        PriceRefused,
        ChargeDeclined,
        ReservationReleased,
        ChargeRefunded,
        CancellationRequested,
    }
)
EVENTS = frozenset({*_STEPS, ChargeRefunded})

PROBLEM: TypeAdapter[Problem] = TypeAdapter(Problem)

SCHEMA: LiteralString = """
CREATE TABLE executions (
    execution_id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    steps jsonb NOT NULL,
    problem jsonb,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    started_position bigint NOT NULL UNIQUE,
    position bigint NOT NULL
);
CREATE INDEX ON executions (order_id, started_position);
CREATE INDEX ON executions (position);
"""

_INSERT: LiteralString = """
INSERT INTO executions (execution_id, order_id, customer_id, name, status, steps, problem,
    started_at, finished_at, started_position, position)
SELECT execution_id, order_id, customer_id, name, status, steps::jsonb, problem::jsonb, started_at,
    finished_at, started_position, position
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[],
    %b::timestamptz[], %b::timestamptz[], %b::bigint[], %b::bigint[])
    AS started (execution_id, order_id, customer_id, name, status, steps, problem, started_at,
        finished_at, started_position, position)
"""

# What arrives after the end, in a saga that was given up, adds its step and changes no status.
_UPDATE: LiteralString = """
UPDATE executions SET
    status = CASE WHEN executions.finished_at IS NULL
        THEN coalesce(change.status, executions.status) ELSE executions.status END,
    steps = executions.steps || change.steps::jsonb,
    problem = CASE WHEN executions.finished_at IS NULL
        THEN change.problem::jsonb ELSE executions.problem END,
    finished_at = coalesce(executions.finished_at, change.finished_at),
    position = greatest(executions.position, change.position)
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::bigint[])
    AS change (execution_id, status, steps, problem, finished_at, position)
WHERE executions.execution_id = change.execution_id
"""


@dataclass(slots=True)
class _Change:
    """What a batch does to an execution; `steps` are JSON objects, to be joined to one array."""

    steps: list[str]
    placed: OrderPlaced | None = None
    started_at: datetime | None = None
    started_position: int = 0
    status: str | None = None
    problem: str | None = None
    finished_at: datetime | None = None
    position: int = 0

    def finish(self, status: str, at: datetime, problem: str | None = None) -> None:
        """End it, once."""
        if self.finished_at is None:
            self.status, self.finished_at, self.problem = status, at, problem

    def compensate(self) -> None:
        """A step was refused or undone."""
        if self.finished_at is None:
            self.status = "COMPENSATING"


class Fold:
    """What a batch does to executions."""

    def __init__(self) -> None:
        self._runs: dict[UUID, _Change] = {}
        self._at: datetime | None = None
        self._time = ""

    def add(self, recorded: Recorded) -> None:
        """Take in an event of a type of `EVENTS`, in log order."""
        event: Any = recorded.event
        if event.execution_id is None:  # cancelled while none ran
            return
        run = self._runs.get(event.execution_id)
        if run is None:
            run = self._runs[event.execution_id] = _Change([])
        run.position = recorded.position
        kind = type(event)
        if kind in _STEPS:
            run.steps.append(self._step(event, recorded))
        if kind is OrderPlaced:
            run.placed, run.status = event, "RUNNING"
            run.started_at, run.started_position = recorded.recorded_at, recorded.position
        elif kind is OrderCompleted:
            run.finish("SUCCEEDED", recorded.recorded_at)
        elif kind is OrderCancelled:
            cancelled = PROBLEM.dump_json(Cancelled()).decode()
            run.finish("FAILED", recorded.recorded_at, cancelled)
        elif kind is OrderRejected:
            run.finish("FAILED", recorded.recorded_at, PROBLEM.dump_json(event.problem).decode())
        elif kind in _COMPENSATING:
            run.compensate()

    def _step(self, event: Any, recorded: Recorded) -> str:
        if recorded.recorded_at is not self._at:
            self._at, self._time = recorded.recorded_at, _iso(recorded.recorded_at)
        product = f'"{event.product_id}"' if type(event) in _STOCK else "null"
        return (
            f'{{"type":"{_STEPS[type(event)]}","product_id":{product},'
            f'"at":"{self._time}","position":{recorded.position}}}'
        )

    def statements(self) -> list[Statement]:
        """The rows that are added and changed."""
        return statement(_INSERT, _added(self._runs)) + statement(_UPDATE, _changed(self._runs))


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _added(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for execution_id, change in changes.items():
        placed = change.placed
        if placed is not None:
            yield (
                execution_id,
                placed.order_id,
                placed.customer_id,
                placed.execution_name,
                change.status,
                "[" + ",".join(change.steps) + "]",
                change.problem,
                change.started_at,
                change.finished_at,
                change.started_position,
                change.position,
            )


def _changed(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for execution_id, change in changes.items():
        if change.placed is None:
            yield (
                execution_id,
                change.status,
                "[" + ",".join(change.steps) + "]",
                change.problem,
                change.finished_at,
                change.position,
            )


@message
class ExecutionRow:
    """`steps`: objects of `type`, `product_id` (or None), `at` (ISO 8601) and `position`;
    `problem`: a `domain.values.Problem` as an object; `position`: of the last event about it."""

    execution_id: UUID
    order_id: UUID
    customer_id: UUID
    name: str
    status: str
    steps: list[dict[str, Any]]
    problem: dict[str, Any] | None
    started_at: datetime
    finished_at: datetime | None
    started_position: int
    position: int


_SELECT: LiteralString = """SELECT execution_id, order_id, customer_id, name, status, steps,
    problem, started_at, finished_at, started_position, position FROM executions"""
_COUNT: LiteralString = "SELECT count(*) FROM executions"


async def executions_by_ids(
    connection: AsyncConnection[TupleRow], ids: Sequence[UUID]
) -> list[ExecutionRow]:
    """Those that there are, in any order."""
    async with connection.cursor(row_factory=args_row(ExecutionRow), binary=True) as cursor:
        await cursor.execute(_SELECT + " WHERE execution_id = ANY(%b::uuid[])", (list(ids),))
        return await cursor.fetchall()


async def executions_by_orders(
    connection: AsyncConnection[TupleRow], order_ids: Sequence[UUID]
) -> list[ExecutionRow]:
    """All executions of these orders, newest first."""
    query = _SELECT + " WHERE order_id = ANY(%b::uuid[]) ORDER BY started_position DESC"
    async with connection.cursor(row_factory=args_row(ExecutionRow), binary=True) as cursor:
        await cursor.execute(query, (list(order_ids),))
        return await cursor.fetchall()


async def executions_page(
    connection: AsyncConnection[TupleRow], statuses: Sequence[str] | None, window: Window
) -> list[ExecutionRow]:
    """Those of the window, by the positions at which they began; statuses of None are all."""
    condition, values = _condition(statuses)
    end, bounds = window.rows("started_position")
    async with connection.cursor(row_factory=args_row(ExecutionRow), binary=True) as cursor:
        await cursor.execute(_SELECT + condition + end, (*values, *bounds))
        return await cursor.fetchall()


async def count_executions(
    connection: AsyncConnection[TupleRow], statuses: Sequence[str] | None
) -> int:
    """How many there are in all."""
    condition, values = _condition(statuses)
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_COUNT + condition, values)
        row = await cursor.fetchone()
        return row[0] if row else 0


def _condition(statuses: Sequence[str] | None) -> tuple[LiteralString, list[object]]:
    if statuses is None:
        return " WHERE true", []
    return " WHERE status = ANY(%b::text[])", [list(statuses)]
