"""The outbox: mails that were asked for and have not left, as operators and metrics see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg.rows import TupleRow, args_row

from domain.message import message
from infrastructure.errors import NotThere
from infrastructure.ids import new_id

Kind = Literal["SIGN_UP", "VERIFY", "RESET"]

_LIST: LiteralString = """
SELECT mail_id, kind, email_key, created_at, attempts, stage, last_error, given_up_at
FROM outbox_mails WHERE given_up_at IS NOT NULL OR NOT %s ORDER BY mail_id
"""
_RETRY: LiteralString = """
UPDATE outbox_mails SET given_up_at = NULL, attempts = 0, due_at = created_at
WHERE given_up_at IS NOT NULL AND mail_id = ANY(%s)
"""
_WAITING: LiteralString = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
FROM outbox_mails WHERE given_up_at IS NULL
"""
_GIVEN_UP: LiteralString = """
SELECT coalesce(stage, ''), count(*) FROM outbox_mails WHERE given_up_at IS NOT NULL
GROUP BY 1 ORDER BY 1
"""


@message
class OutboxEntry:
    """A mail that has not left. `email` is where it goes, `stage` how far it came with the mail
    server when it failed, `error` what was said then; `given_up_at` is None while it is tried."""

    mail_id: UUID
    kind: Kind
    email: str
    created_at: datetime
    attempts: int
    stage: str | None
    error: str | None
    given_up_at: datetime | None


@message
class MailsUnsent:
    """`oldest`: the age of the one that has waited longest, in seconds; `given_up`: how many at
    which stage."""

    waiting: int
    oldest: float
    given_up: list[tuple[str, int]]


async def put_in_outbox(
    connection: AsyncConnection, kind: Kind, email_key: str, now: datetime
) -> None:
    """Have the courier send a mail, once the caller's transaction is committed."""
    await connection.execute(
        "INSERT INTO outbox_mails (mail_id, kind, email_key, created_at, due_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (new_id(), kind, email_key, now, now),
    )
    await connection.execute("NOTIFY outbox_mails")


async def mails_unsent(connection: AsyncConnection[TupleRow]) -> MailsUnsent:
    """How many there are. Raises psycopg.Error."""
    [(waiting, oldest)] = await (await connection.execute(_WAITING)).fetchall()
    given_up = await (await connection.execute(_GIVEN_UP)).fetchall()
    return MailsUnsent(waiting, max(0.0, oldest), [(stage, count) for stage, count in given_up])


def outbox(connection: Connection[TupleRow], *, given_up: bool = False) -> list[OutboxEntry]:
    """What has not left, oldest first; only what was given up, on demand."""
    with connection.cursor(row_factory=args_row(OutboxEntry)) as cursor:
        return cursor.execute(_LIST, (given_up,)).fetchall()


def given_up_mail(connection: Connection[TupleRow], mail_id: UUID) -> OutboxEntry:
    """Raises NotThere."""
    for mail in outbox(connection, given_up=True):
        if mail.mail_id == mail_id:
            return mail
    raise NotThere(f"No mail {mail_id} was given up")


def retry_mails(connection: Connection[TupleRow], mails: Sequence[OutboxEntry]) -> None:
    """Send what was given up, as if it had not been tried; with a code made then."""
    with connection.transaction():
        connection.execute(_RETRY, ([mail.mail_id for mail in mails],))
        connection.execute("NOTIFY outbox_mails")


def drop_mails(connection: Connection[TupleRow], mails: Sequence[OutboxEntry]) -> None:
    """Forget what was given up."""
    connection.execute(
        "DELETE FROM outbox_mails WHERE given_up_at IS NOT NULL AND mail_id = ANY(%s)",
        ([mail.mail_id for mail in mails],),
    )
