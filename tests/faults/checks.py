"""What must be true of a shop's log and read models, whatever has happened to the shop."""

from collections.abc import Iterable, Iterator
from typing import LiteralString
from uuid import UUID

import psycopg

from infrastructure.operations.audit import Finding, audit
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.read_models.rebuild import Connections

# Each finds what is wrong. They look at the log by themselves: nothing of the shop's code is asked.
ALWAYS: dict[str, LiteralString] = {
    "positions have gaps": (
        "SELECT count(*), max(position) FROM event_log HAVING count(*) <> max(position)"
    ),
    "versions have gaps": (
        "SELECT stream_id FROM event_log GROUP BY 1"
        " HAVING min(version) <> 1 OR max(version) <> count(*)"
    ),
    "an execution began more than once": (
        "SELECT data ->> 'execution_id' FROM event_log WHERE type = 'OrderPlaced'"
        " GROUP BY 1 HAVING count(*) > 1"
    ),
    "an execution ended more than once": (
        "SELECT data ->> 'execution_id' FROM event_log"
        " WHERE type IN ('OrderCompleted', 'OrderRejected', 'OrderCancelled')"
        " AND data ->> 'execution_id' IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    ),
    "an account was overdrawn": (
        "SELECT stream_id FROM ("
        "  SELECT stream_id, sum(CASE type"
        "   WHEN 'AccountOpened' THEN (data ->> 'opening_deposit')::bigint"
        "   WHEN 'Deposited' THEN (data ->> 'amount')::bigint"
        "   WHEN 'ChargeRefunded' THEN (data ->> 'amount')::bigint"
        "   WHEN 'ReturnRefunded' THEN (data ->> 'amount')::bigint"
        "   WHEN 'Withdrawn' THEN -(data ->> 'amount')::bigint"
        "   WHEN 'AccountCharged' THEN -(data ->> 'amount')::bigint"
        "  END) OVER (PARTITION BY stream_id ORDER BY version) AS balance FROM event_log"
        "  WHERE type IN ('AccountOpened', 'Deposited', 'ChargeRefunded', 'Withdrawn',"
        "   'AccountCharged', 'ReturnRefunded')) AS moments"
        " WHERE balance < 0"
    ),
    "more was reserved than there was": (
        "SELECT stream_id FROM ("
        "  SELECT stream_id, sum(CASE type"
        "   WHEN 'ProductListed' THEN (data ->> 'quantity')::bigint"
        "   WHEN 'StockAdjusted' THEN (data ->> 'by')::bigint"
        "   WHEN 'StockReserved' THEN -(data ->> 'quantity')::bigint"
        "   WHEN 'ReservationReleased' THEN (data ->> 'quantity')::bigint"
        "   WHEN 'StockReturned' THEN (data ->> 'quantity')::bigint"
        "  END) OVER (PARTITION BY stream_id ORDER BY version) AS available FROM event_log"
        "  WHERE type IN ('ProductListed', 'StockAdjusted', 'StockReserved',"
        "   'ReservationReleased', 'StockReturned')) AS moments"
        " WHERE available < 0"
    ),
}
SUMS: LiteralString = """
SELECT data ->> 'execution_id' AS execution,
    coalesce(sum((data ->> 'quantity')::bigint) FILTER (WHERE type = 'StockReserved'), 0)
        AS reserved,
    coalesce(sum((data ->> 'quantity')::bigint) FILTER (WHERE type = 'ReservationReleased'), 0)
        AS released,
    coalesce(sum((data ->> 'quantity')::bigint) FILTER (WHERE type = 'ReservationShipped'), 0)
        AS shipped,
    coalesce(sum((data ->> 'amount')::bigint) FILTER (WHERE type = 'AccountCharged'), 0)
        AS charged,
    coalesce(sum((data ->> 'amount')::bigint) FILTER (WHERE type = 'ChargeRefunded'), 0)
        AS refunded,
    coalesce(sum((data ->> 'total')::bigint) FILTER (WHERE type = 'OrderPlaced'), 0) AS total,
    count(*) FILTER (WHERE type = 'ShipmentPrepared') AS shipments,
    count(*) FILTER (WHERE type = 'OrderCompleted') AS completed,
    count(*) FILTER (WHERE type IN ('OrderRejected', 'OrderCancelled')) AS rejected
FROM event_log WHERE data ->> 'execution_id' IS NOT NULL GROUP BY 1
"""
SETTLED: dict[str, LiteralString] = {
    "an execution has no result, or two": (
        f"SELECT * FROM ({SUMS}) AS sums WHERE completed + rejected <> 1"
    ),
    "a completed order was not paid and shipped once": (
        f"SELECT * FROM ({SUMS}) AS sums WHERE completed = 1 AND (charged <> total OR refunded > 0"
        " OR shipments <> 1 OR shipped <> reserved OR released > 0)"
    ),
    "a rejected order was not undone": (
        f"SELECT * FROM ({SUMS}) AS sums WHERE rejected = 1"
        " AND (charged <> refunded OR released <> reserved OR shipped > 0)"
    ),
    "a read model is not where the log is": (
        "SELECT name, position FROM projections"
        " WHERE position <> (SELECT coalesce(max(position), 0) FROM event_log)"
    ),
    "an account shows another balance than the log": (
        "SELECT account_id, balance, in_log FROM accounts FULL JOIN ("
        "  SELECT stream_id AS account_id,"
        "   coalesce(sum((data ->> 'opening_deposit')::bigint), 0)"
        "   + coalesce(sum((data ->> 'amount')::bigint)"
        "     FILTER (WHERE type IN ('Deposited', 'ChargeRefunded', 'ReturnRefunded')), 0)"
        "   - coalesce(sum((data ->> 'amount')::bigint)"
        "     FILTER (WHERE type IN ('Withdrawn', 'AccountCharged')), 0) AS in_log"
        "  FROM event_log WHERE type IN ('AccountOpened', 'Deposited', 'Withdrawn',"
        "   'AccountCharged', 'ChargeRefunded', 'ReturnRefunded') GROUP BY 1) AS log"
        " USING (account_id)"
        " WHERE balance IS DISTINCT FROM in_log"
    ),
    "an account's transactions are not its balance": (
        "SELECT account_id, balance FROM accounts WHERE balance <> ("
        "  SELECT coalesce(sum(CASE WHEN reason IN"
        "   ('ORDER_PAYMENT', 'WITHDRAWAL') THEN -amount ELSE amount END), 0)"
        "  FROM transactions t WHERE t.account_id = accounts.account_id)"
    ),
    "a product shows other stock than the log": (
        "SELECT product_id, on_hand, reserved, log.* FROM products FULL JOIN ("
        "  SELECT stream_id AS product_id,"
        "   sum(CASE type WHEN 'StockAdjusted' THEN (data ->> 'by')::bigint"
        "    WHEN 'StockReturned' THEN (data ->> 'quantity')::bigint"
        "    WHEN 'ProductListed' THEN (data ->> 'quantity')::bigint"
        "    WHEN 'ReservationShipped' THEN -(data ->> 'quantity')::bigint END) AS there"
        "  FROM event_log WHERE type IN ('StockAdjusted', 'ProductListed', 'ReservationShipped',"
        "   'StockReturned')"
        "  GROUP BY 1) AS log USING (product_id)"
        " WHERE on_hand IS DISTINCT FROM there OR reserved <> 0"
    ),
    "an order shows another result than the log": (
        "SELECT order_id, status FROM orders JOIN ("
        "  SELECT DISTINCT ON (1) stream_id AS order_id, type FROM event_log"
        "  WHERE type IN ('OrderPlaced', 'OrderCompleted', 'OrderRejected', 'OrderCancelled')"
        "  ORDER BY 1, version DESC) AS last USING (order_id)"
        " WHERE status <> CASE type WHEN 'OrderPlaced' THEN 'PLACED'"
        "  WHEN 'OrderCompleted' THEN 'COMPLETED' WHEN 'OrderRejected' THEN 'FAILED'"
        "  ELSE 'CANCELLED' END"
    ),
    "an execution is kept as unfinished": "SELECT execution_id, step FROM processes",
    "an event is parked": "SELECT consumer, position, error FROM parked_events",
}
LOST: LiteralString = (
    "SELECT acknowledged FROM unnest(%s::uuid[]) AS acknowledged EXCEPT"
    " SELECT stream_id FROM event_log WHERE type = %s"
)
UNFINISHED: LiteralString = (
    "SELECT (SELECT max(notification_id) FROM stored_events) > ANY"
    " (SELECT position FROM projections)"
    " OR EXISTS (SELECT FROM executions WHERE finished_at IS NULL)"
)


def faults(
    url: str,
    *,
    settled: bool = True,
    created: Iterable[UUID] = (),
    placed: Iterable[UUID] = (),
) -> dict[str, list[object]]:
    """What is wrong with the shop at `url`; `created` and `placed` are the orders of which it has
    said that they are."""
    found: dict[str, list[object]] = {}
    with psycopg.connect(conninfo(url, "checks"), autocommit=True) as connection:
        for name, query in {**ALWAYS, **(SETTLED if settled else {})}.items():
            found[name] = [*connection.execute(query).fetchmany(5)]
        for kind, orders in (("OrderCreated", created), ("OrderPlaced", placed)):
            lost = connection.execute(LOST, (list(orders), kind)).fetchall()
            found[f"acknowledged and lost: {kind}"] = [*lost]
    if settled:
        found["the audit has findings"] = [*_findings(url)]
    return {name: rows for name, rows in found.items() if rows}


def _findings(url: str) -> Iterator[Finding]:
    """What the shop's own audit finds, which decides every command again."""
    with tool_connection(url, "checks") as reader, tool_connection(url, "checks") as writer:
        for step in audit(Connections(reader, writer)):
            if isinstance(step, Finding):
                yield step


def is_settled(url: str) -> bool:
    """Whether nothing is left to do."""
    with psycopg.connect(conninfo(url, "checks"), autocommit=True) as connection:
        return connection.execute(UNFINISHED).fetchone() == (False,)
