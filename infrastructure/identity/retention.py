"""What nobody needs any more is deleted: old tokens, codes, limits, sign-ups never verified."""

import asyncio
from datetime import datetime, timedelta
from typing import LiteralString

import structlog
from psycopg_pool import AsyncConnectionPool

from infrastructure.clock import Clock, utc_now
from infrastructure.postgres.connections import AWAY

log = structlog.get_logger()

PAUSE = 600.0  # seconds between two rounds
KEPT = timedelta(days=30)  # what operators or users may still ask about

EXPIRED: dict[str, LiteralString] = {
    "rate_limits": "DELETE FROM rate_limits WHERE expires_at <= %(now)s",
    "mail_codes": "DELETE FROM mail_codes WHERE expires_at <= %(now)s",
    "outbox_mails": "DELETE FROM outbox_mails WHERE given_up_at <= %(kept)s",
    "refresh_tokens": "DELETE FROM refresh_tokens WHERE expires_at <= %(now)s",
    # Ended ones must outlive their access tokens, by which the other processes know of them.
    "sessions": "DELETE FROM sessions s WHERE ended_at <= %(day)s OR opened_at <= %(day)s"
    " AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.session_id)",
    "users": "DELETE FROM users WHERE NOT email_verified AND created_at <= %(kept)s",
}


async def delete_expired(pool: AsyncConnectionPool, now: datetime) -> dict[str, int]:
    """Delete it; how many rows of each table those were."""
    moments = {"now": now, "day": now - timedelta(days=1), "kept": now - KEPT}
    async with pool.connection() as connection:
        return {
            table: (await connection.execute(statement, moments)).rowcount
            for table, statement in EXPIRED.items()
        }


async def keep_deleting(
    pool: AsyncConnectionPool, stop: asyncio.Event, clock: Clock = utc_now
) -> None:
    """Delete it every ten minutes, until `stop`."""
    while not stop.is_set():
        try:
            await delete_expired(pool, clock())
        except AWAY as error:
            await log.awarning("cannot delete what has expired", error=type(error).__name__)
        try:
            async with asyncio.timeout(PAUSE):
                await stop.wait()
        except TimeoutError:
            continue
