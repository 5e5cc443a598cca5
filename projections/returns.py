"""The returns as they are now: what is to come back, where each stands, what was refunded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from pydantic import TypeAdapter

from domain.events import (
    ReturnCompleted,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from domain.message import message
from domain.recorded import Recorded
from domain.values import ReceiptLine
from projections.projection import Projection, Statement, Table, statement

_LINES = TypeAdapter[tuple[ReceiptLine, ...]](tuple[ReceiptLine, ...])

SCHEMA: LiteralString = """
CREATE TABLE returns (
    return_id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL,
    lines jsonb NOT NULL,
    reason text NOT NULL,
    refund bigint NOT NULL,
    rejection text,
    due_at timestamptz NOT NULL,
    requested_at timestamptz NOT NULL,
    finished_at timestamptz,
    requested_position bigint NOT NULL UNIQUE,
    position bigint NOT NULL
);
CREATE INDEX ON returns (customer_id, requested_position DESC);
CREATE INDEX ON returns (order_id, requested_position DESC);
CREATE INDEX ON returns (position);
"""

_INSERT: LiteralString = """
INSERT INTO returns (return_id, order_id, customer_id, status, lines, reason, refund, rejection,
    due_at, requested_at, finished_at, requested_position, position)
SELECT return_id, order_id, customer_id, status, lines::jsonb, reason, refund, rejection, due_at,
    requested_at, finished_at, requested_position, position
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::bigint[],
    %b::text[], %b::timestamptz[], %b::timestamptz[], %b::timestamptz[], %b::bigint[],
    %b::bigint[])
    AS requested (return_id, order_id, customer_id, status, lines, reason, refund, rejection,
        due_at, requested_at, finished_at, requested_position, position)
"""

_UPDATE: LiteralString = """
UPDATE returns SET
    status = change.status,
    rejection = coalesce(change.rejection, returns.rejection),
    finished_at = coalesce(change.finished_at, returns.finished_at),
    position = greatest(returns.position, change.position)
FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::timestamptz[], %b::bigint[])
    AS change (return_id, status, rejection, finished_at, position)
WHERE returns.return_id = change.return_id
"""

_STATUS: dict[type, str] = {
    ReturnRequested: "REQUESTED",
    ReturnReceived: "RECEIVED",
    ReturnRejected: "REJECTED",
    ReturnExpired: "EXPIRED",
    ReturnCompleted: "COMPLETED",
}
_ENDS = frozenset({ReturnRejected, ReturnExpired, ReturnCompleted})


@dataclass(slots=True)
class _Change:
    """What a batch does to a return."""

    requested: Recorded | None = None
    status: str = ""
    rejection: str | None = None
    finished_at: datetime | None = None
    position: int = 0


def apply(events: Sequence[Recorded]) -> list[Statement]:
    """The rows that `events` add and change."""
    changes: dict[UUID, _Change] = {}
    for recorded in events:
        event: Any = recorded.event
        if type(event) in _STATUS:
            change = changes.setdefault(event.return_id, _Change())
            change.status, change.position = _STATUS[type(event)], recorded.position
            if isinstance(event, ReturnRequested):
                change.requested = recorded
            if isinstance(event, ReturnRejected):
                change.rejection = event.reason
            if type(event) in _ENDS:
                change.finished_at = recorded.recorded_at
    return statement(_INSERT, _added(changes)) + statement(_UPDATE, _changed(changes))


def _added(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for return_id, change in changes.items():
        if change.requested is not None:
            request: Any = change.requested.event
            yield (
                return_id,
                request.order_id,
                request.customer_id,
                change.status,
                _LINES.dump_json(request.lines).decode(),
                request.reason,
                request.refund,
                change.rejection,
                request.due_at,
                change.requested.recorded_at,
                change.finished_at,
                change.requested.position,
                change.position,
            )


def _changed(changes: dict[UUID, _Change]) -> Iterable[tuple[object, ...]]:
    for return_id, change in changes.items():
        if change.requested is None:
            yield (
                return_id,
                change.status,
                change.rejection,
                change.finished_at,
                change.position,
            )


PROJECTION = Projection(
    name="returns",
    version=1,
    schema=SCHEMA,
    tables=(Table("returns", ("return_id",)),),
    events=frozenset(_STATUS),
    apply=apply,
)


@message
class ReturnRow:
    """`lines`: objects of `product_id`, `quantity` and `unit_price`; money in minor units;
    `position`: of the last event about it."""

    return_id: UUID
    order_id: UUID
    customer_id: UUID
    status: str
    lines: list[dict[str, Any]]
    reason: str
    refund: int
    rejection: str | None
    due_at: datetime
    requested_at: datetime
    finished_at: datetime | None
    requested_position: int
    position: int
