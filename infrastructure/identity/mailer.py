"""The courier empties the outbox: it makes each mail when it is due, and sends it until it is gone.

Only here is looked up whether an address has an account; to ask for a mail costs the same for any.
A mail may be sent twice (a mail server's yes can be lost), with another code: the later one counts.
What a mail server refuses for good is not tried again: `shop mails` lists it, and sends it anew.
"""

import asyncio
import random
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import LiteralString
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.message import message
from infrastructure.clock import Clock, utc_now
from infrastructure.identity.one_time_codes import MailCodes, Purpose
from infrastructure.identity.outbox import Kind
from infrastructure.identity.users import parse_address
from infrastructure.mail.transports import (
    Letter,
    MailFolder,
    NotSent,
    Smtp,
    already_verified_letter,
    compose,
    known_address_letter,
    reset_letter,
    sender_of,
    verification_letter,
)
from infrastructure.postgres import patience
from infrastructure.postgres.connections import AWAY, conninfo

log = structlog.get_logger()

BATCH = 8  # mails sent at a time
MOST_ATTEMPTS = 20  # over some seven hours
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=30)
LONGEST_ERROR = 500  # characters
# Whoever has taken a mail to send it has it for so long. Then it is another's, or its own again.
LEASE = timedelta(minutes=2)


@message
class OutboxMail:
    """A mail to be sent; `attempts` counts this one."""

    mail_id: UUID
    kind: Kind
    email_key: str
    attempts: int


@message
class Recipient:
    """`signed_up_at`: the last time, where that was `sign_ups` times without being verified."""

    user_id: UUID
    email: str
    email_verified: bool
    sign_ups: int
    signed_up_at: datetime


# Of two that say the same, the later is enough: its code would replace the other's.
SUPERSEDED: LiteralString = """
DELETE FROM outbox_mails o USING outbox_mails later
WHERE o.email_key = later.email_key AND (o.kind = 'RESET') = (later.kind = 'RESET')
  AND o.mail_id < later.mail_id
  AND o.given_up_at IS NULL AND later.given_up_at IS NULL
"""
TAKE: LiteralString = """
UPDATE outbox_mails SET attempts = attempts + 1, due_at = %(now)s + %(lease)s
WHERE mail_id IN (
    SELECT mail_id FROM outbox_mails WHERE given_up_at IS NULL AND due_at <= %(now)s
    ORDER BY due_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)
RETURNING mail_id, kind, email_key, attempts
"""


class Courier:
    """Sends what is in the table `outbox_mails`; any number of processes may run one."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        transport: Smtp | MailFolder,
        codes: MailCodes,
        *,
        url: str,
        mail_from: str,
        poll: float = 1.0,
        clock: Clock = utc_now,
    ) -> None:
        """`url`: of the database; `poll`: seconds between looks at the outbox, at the most."""
        self._pool = pool
        self._transport = transport
        self._codes = codes
        self._conninfo = conninfo(url, "courier")
        self._mail_from = mail_from
        self._sender = sender_of(mail_from)
        self._poll = poll
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due, until `stop`; a database that cannot be reached is waited for."""
        while not stop.is_set():
            try:
                async with await patience.AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as listener:
                    await listener.execute("LISTEN outbox_mails")
                    while not stop.is_set():
                        while await self.deliver() and not stop.is_set():
                            pass
                        async for _ in listener.notifies(timeout=self._poll, stop_after=1):
                            pass
            except AWAY as error:
                await log.awarning("courier waits for the database", error=type(error).__name__)
                await asyncio.sleep(self._poll)

    async def deliver(self) -> int:
        """Try to send a batch of what is due; how many those were."""
        async with self._pool.connection() as connection:
            await connection.execute(SUPERSEDED)
            cursor = connection.cursor(row_factory=args_row(OutboxMail))
            await cursor.execute(TAKE, {"now": self._clock(), "lease": LEASE, "batch": BATCH})
            mails = await cursor.fetchall()
        outcomes = await asyncio.gather(*map(self._deliver, mails), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return len(mails)

    async def _deliver(self, mail: OutboxMail) -> None:
        try:
            recipient = await self._recipient(mail.email_key)
            if recipient is not None:
                await self._transport.send(
                    self._sender,
                    parse_address(recipient.email).ascii,
                    lambda: self._make(mail, recipient),
                    mail.mail_id,
                )
        except (psycopg.Error, PoolTimeout):
            raise  # nothing can be written down either; the lease ends, and it is tried again
        except NotSent as error:
            await self._failed(mail, str(error), error)
        except Exception as error:  # whatever is wrong with one mail, the others have to leave
            await self._failed(mail, f"{type(error).__name__}: {error}")
        else:
            async with self._pool.connection() as connection:
                await connection.execute(
                    "DELETE FROM outbox_mails WHERE mail_id = %s", (mail.mail_id,)
                )

    async def _failed(self, mail: OutboxMail, error: str, why: NotSent | None = None) -> None:
        refused = why is not None and why.for_good
        give_up = refused or mail.attempts >= MOST_ATTEMPTS
        now = self._clock()
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE outbox_mails SET due_at = %s, stage = %s, last_error = %s, given_up_at = %s"
                " WHERE mail_id = %s",
                (
                    now + _pause(mail.attempts),
                    why.stage if why else None,
                    error[:LONGEST_ERROR],
                    now if give_up else None,
                    mail.mail_id,
                ),
            )
        about = {
            "mail_id": str(mail.mail_id),
            "attempts": mail.attempts,
            "stage": why.stage if why else None,
        }
        if why is not None and refused and why.concerns_all:
            # No recipient was named yet, so what the server said holds no address of one.
            await log.aerror("the mail server takes no mails of ours", reply=error, **about)
        else:
            await log.awarning("mail given up" if give_up else "mail not sent", **about)

    async def _recipient(self, email_key: str) -> Recipient | None:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(Recipient))
            await cursor.execute(
                "SELECT user_id, email, email_verified, sign_ups, created_at FROM users"
                " WHERE email_key = %s AND NOT locked",
                (email_key,),
            )
            return await cursor.fetchone()

    async def _make(self, mail: OutboxMail, recipient: Recipient) -> EmailMessage:
        letter = await self._letter(mail, recipient)
        address = parse_address(recipient.email).ascii
        return compose(letter, self._mail_from, address, self._clock())

    async def _letter(self, mail: OutboxMail, recipient: Recipient) -> Letter:
        if mail.kind == "RESET":
            return reset_letter(await self._code(mail, "RESET", recipient))
        if recipient.email_verified:
            return known_address_letter() if mail.kind == "SIGN_UP" else already_verified_letter()
        again = recipient.signed_up_at if recipient.sign_ups > 1 else None
        return verification_letter(await self._code(mail, "VERIFY", recipient), again=again)

    async def _code(self, mail: OutboxMail, purpose: Purpose, recipient: Recipient) -> str:
        async with self._pool.connection() as connection:
            return await self._codes.issue(connection, mail.email_key, purpose, recipient.user_id)


def _pause(attempts: int) -> timedelta:
    """Twice as long each time, and by chance half as long or half as long again, so that the mails
    that failed together do not come back together."""
    pause = min(FIRST_PAUSE.total_seconds() * 2.0**attempts / 2, LONGEST_PAUSE.total_seconds())
    return timedelta(seconds=pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
