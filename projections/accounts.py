"""The customers' accounts: their balances, and every change of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID, uuid5

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row

from domain.events import (
    AccountCharged,
    AccountOpened,
    ChargeRefunded,
    Deposited,
    ReturnRefunded,
    Withdrawn,
)
from domain.message import message
from domain.recorded import Recorded
from projections.projection import Followed, Projection, Statement, Table, statement
from projections.window import Window

SCHEMA: LiteralString = """
CREATE TABLE accounts (
    account_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    balance bigint NOT NULL,
    position bigint NOT NULL
);
CREATE INDEX ON accounts (owner_id);
CREATE INDEX ON accounts (position);
CREATE TABLE transactions (
    account_id uuid,
    position bigint,
    transaction_id uuid NOT NULL,
    reason text NOT NULL,
    amount bigint NOT NULL,
    balance bigint NOT NULL,
    order_id uuid,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, position)
);
-- What customers brought and took has ids of its own, which they may have chosen.
CREATE INDEX ON transactions (transaction_id) WHERE reason IN ('DEPOSIT', 'WITHDRAWAL');
"""

_OPEN: LiteralString = """
INSERT INTO accounts (account_id, owner_id, balance, position)
SELECT account_id, owner_id, 0, position
FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[]) AS opened (account_id, owner_id, position)
"""

_ENTER: LiteralString = """
INSERT INTO transactions (account_id, position, transaction_id, reason, amount, balance, order_id,
    at)
SELECT account_id, entry.position, transaction_id, reason, abs(change),
    accounts.balance + sum(change) OVER (PARTITION BY account_id ORDER BY entry.position), order_id,
    at
FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[], %b::text[], %b::bigint[], %b::uuid[],
    %b::timestamptz[])
    AS entry (account_id, position, transaction_id, reason, change, order_id, at)
JOIN accounts USING (account_id)
"""

_BALANCE: LiteralString = """
UPDATE accounts SET
    balance = balance + change,
    position = greatest(accounts.position, changed.position)
FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[]) AS changed (account_id, change, position)
WHERE accounts.account_id = changed.account_id
"""


def apply(events: Sequence[Recorded]) -> list[Statement]:
    """The accounts opened, the transactions with their running balances, then the new balances."""
    opened: list[tuple[object, ...]] = []
    entries: list[tuple[object, ...]] = []
    changes: dict[UUID, tuple[int, int]] = {}
    for recorded in events:
        event = recorded.event
        if type(event) is AccountOpened:
            opened.append((event.account_id, event.owner_id, recorded.position))
        entry = _entry(recorded)
        if entry is not None and entry[2] != 0:
            transaction_id, reason, change, order_id = entry
            account_id = recorded.stream_id
            entries.append(
                (
                    account_id,
                    recorded.position,
                    transaction_id,
                    reason,
                    change,
                    order_id,
                    recorded.recorded_at,
                )
            )
            before = changes.get(account_id)
            after = change if before is None else before[0] + change
            changes[account_id] = (after, recorded.position)
    return (
        statement(_OPEN, opened)
        + statement(_ENTER, entries)
        + statement(_BALANCE, ((account_id, *change) for account_id, change in changes.items()))
    )


def _entry(recorded: Recorded) -> tuple[UUID, str, int, UUID | None] | None:
    """The transaction's id, its reason, what it adds to the balance, and the order it is for."""
    match recorded.event:
        case AccountCharged() as event:
            return event.execution_id, "ORDER_PAYMENT", -event.amount, event.order_id
        case ChargeRefunded() as event:
            refund_id = uuid5(event.execution_id, "refund")
            return refund_id, "ORDER_REFUND", event.amount, event.order_id
        case ReturnRefunded() as event:
            return uuid5(event.return_id, "refund"), "RETURN_REFUND", event.amount, event.order_id
        case Deposited() as event:
            return event.transfer_id, "DEPOSIT", event.amount, None
        case Withdrawn() as event:
            return event.transfer_id, "WITHDRAWAL", -event.amount, None
        case AccountOpened() as event:
            return event.account_id, "OPENING_DEPOSIT", event.opening_deposit, None
        case _:
            return None


PROJECTION = Projection(
    name="accounts",
    version=2,
    schema=SCHEMA,
    tables=(
        Table("accounts", ("account_id",)),
        Table("transactions", ("account_id", "position")),
    ),
    events=frozenset(
        {AccountOpened, Deposited, Withdrawn, AccountCharged, ChargeRefunded, ReturnRefunded}
    ),
    apply=apply,
    followed=Followed("account", "accounts", "account_id"),
)


@message
class AccountRow:
    """`balance` in minor units; `position` is that of the last event that changed it."""

    account_id: UUID
    owner_id: UUID
    balance: int
    position: int


@message
class TransactionRow:
    """`amount` is positive, `balance` that of the account after it; both in minor units."""

    account_id: UUID
    position: int
    transaction_id: UUID
    reason: str
    amount: int
    balance: int
    order_id: UUID | None
    at: datetime


_ACCOUNTS: LiteralString = "SELECT account_id, owner_id, balance, position FROM accounts"
_TRANSACTION: LiteralString = """SELECT entry.account_id, entry.position, transaction_id, reason,
    amount, balance, order_id, at"""
_OF_ACCOUNT: LiteralString = """ FROM unnest(%b::uuid[]) AS account (id) CROSS JOIN LATERAL (
    SELECT * FROM transactions WHERE account_id = account.id"""
_TRANSFERS: LiteralString = """ FROM transactions AS entry
    WHERE transaction_id = ANY(%b::uuid[]) AND reason IN ('DEPOSIT', 'WITHDRAWAL')"""
# Each event has made one transaction at most, in the stream of its account.
_AT_POSITIONS: LiteralString = """ FROM unnest(%b::bigint[]) AS wanted (position)
    JOIN stored_events ON notification_id = wanted.position
    JOIN transactions AS entry ON entry.account_id = originator_id
        AND entry.position = wanted.position"""


async def accounts_by_owners(
    connection: AsyncConnection[TupleRow], owner_ids: Sequence[UUID]
) -> list[AccountRow]:
    """Those that there are, in any order."""
    async with connection.cursor(row_factory=args_row(AccountRow), binary=True) as cursor:
        await cursor.execute(_ACCOUNTS + " WHERE owner_id = ANY(%b::uuid[])", (list(owner_ids),))
        return await cursor.fetchall()


async def accounts_by_ids(
    connection: AsyncConnection[TupleRow], ids: Sequence[UUID]
) -> list[AccountRow]:
    """Those that there are, in any order."""
    async with connection.cursor(row_factory=args_row(AccountRow), binary=True) as cursor:
        await cursor.execute(_ACCOUNTS + " WHERE account_id = ANY(%b::uuid[])", (list(ids),))
        return await cursor.fetchall()


async def transaction_at(
    connection: AsyncConnection[TupleRow], account_id: UUID, position: int
) -> TransactionRow | None:
    """The transaction that the event at `position` made."""
    async with connection.cursor(row_factory=args_row(TransactionRow), binary=True) as cursor:
        await cursor.execute(
            _TRANSACTION + " FROM transactions AS entry WHERE account_id = %b AND position = %b",
            (account_id, position),
        )
        return await cursor.fetchone()


async def transaction_by_id(
    connection: AsyncConnection[TupleRow], account_id: UUID, transaction_id: UUID
) -> TransactionRow | None:
    """The account's transaction of that id: for who repeats a transfer made long ago."""
    async with connection.cursor(row_factory=args_row(TransactionRow), binary=True) as cursor:
        await cursor.execute(
            _TRANSACTION + " FROM transactions AS entry WHERE account_id = %b"
            " AND transaction_id = %b",
            (account_id, transaction_id),
        )
        return await cursor.fetchone()


async def transactions_at(
    connection: AsyncConnection[TupleRow], positions: Sequence[int]
) -> list[TransactionRow]:
    """The transactions that the events at these positions made, of any account, in any order."""
    async with connection.cursor(row_factory=args_row(TransactionRow), binary=True) as cursor:
        await cursor.execute(_TRANSACTION + _AT_POSITIONS, (list(positions),))
        return await cursor.fetchall()


async def transfers_by_ids(
    connection: AsyncConnection[TupleRow], ids: Sequence[UUID]
) -> list[TransactionRow]:
    """The deposits and withdrawals of these ids, of any account, in any order."""
    async with connection.cursor(row_factory=args_row(TransactionRow), binary=True) as cursor:
        await cursor.execute(_TRANSACTION + _TRANSFERS, (list(ids),))
        return await cursor.fetchall()


async def transactions_after(
    connection: AsyncConnection[TupleRow], account_id: UUID, position: int, limit: int
) -> list[TransactionRow]:
    """The account's first `limit` transactions after the position, oldest first."""
    async with connection.cursor(row_factory=args_row(TransactionRow), binary=True) as cursor:
        await cursor.execute(
            _TRANSACTION + " FROM transactions AS entry WHERE account_id = %b AND position > %b"
            " ORDER BY position LIMIT %b",
            (account_id, position, limit),
        )
        return await cursor.fetchall()


async def transactions_pages(
    connection: AsyncConnection[TupleRow],
    account_ids: Sequence[UUID],
    window: Window,
) -> list[TransactionRow]:
    """For each account its transactions of the window."""
    end, bounds = window.rows("position")
    query = _TRANSACTION + _OF_ACCOUNT + end + ") AS entry" + window.order("entry.position")
    async with connection.cursor(row_factory=args_row(TransactionRow), binary=True) as cursor:
        await cursor.execute(query, (list(account_ids), *bounds))
        return await cursor.fetchall()


async def count_transactions(
    connection: AsyncConnection[TupleRow], account_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """How many each account has; an account without any is not in the answer."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(
            "SELECT account_id, count(*) FROM transactions WHERE account_id = ANY(%b::uuid[])"
            " GROUP BY account_id",
            (list(account_ids),),
        )
        return dict(await cursor.fetchall())
