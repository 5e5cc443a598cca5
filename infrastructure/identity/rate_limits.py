"""How often something may be done: counted in PostgreSQL for people without a session, in memory
for users. Windows slide: any 15 minutes count, not each quarter of an hour."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import monotonic

from psycopg import AsyncConnection

from domain.message import message
from infrastructure.clock import Clock, utc_now
from infrastructure.identity.errors import RateLimited

IPV6_CUSTOMER = 64  # bits of an IPv6 address that tell customers apart (RFC 6177)


@message
class Limit:
    """At most `most` in any `window`."""

    name: str
    most: int
    window: timedelta

    def of(self, purpose: str) -> "Limit":
        """The same limit, counted for one purpose alone."""
        return replace(self, name=f"{self.name}: {purpose}")


WRONG_PASSWORDS = Limit("wrong passwords", 10, timedelta(minutes=15))
SIGN_UPS = Limit("sign-ups", 60, timedelta(hours=1))
SIGN_UPS_WITH_ADDRESS = Limit("sign-ups with an address", 10, timedelta(hours=1))
MAILS_ASKED_FOR = Limit("mails asked for", 60, timedelta(hours=1))
# What one client can have mailed to an address, for one purpose...
MAILS = Limit("mails", 3, timedelta(minutes=10))
MAILS_A_DAY = Limit("mails a day", 8, timedelta(hours=24))
# ...and what all of them can: so many codes, with five tries each, are 120 of a million a day.
MAILS_OF_ALL = Limit("mails of all clients", 24, timedelta(hours=24))
WRONG_CODES = Limit("wrong codes", 15, timedelta(hours=24))

# One statement, so that of many at once no more than `most` are let through. It answers whether
# this one was, and when the oldest that counts no longer does.
TAKE = """
WITH taken AS (
    INSERT INTO rate_limits AS r (name, subject, client, hits, expires_at)
    VALUES (%(name)s, %(subject)s, %(client)s, ARRAY[%(now)s], %(now)s + %(window)s)
    ON CONFLICT (name, subject, client) DO UPDATE
    SET hits = ARRAY(SELECT hit FROM unnest(r.hits) AS hit WHERE hit > %(now)s - %(window)s)
            || excluded.hits,
        expires_at = excluded.expires_at
    WHERE (SELECT count(*) FROM unnest(r.hits) AS hit WHERE hit > %(now)s - %(window)s) < %(most)s
    RETURNING 1
)
SELECT EXISTS (SELECT FROM taken), min(hit) + %(window)s
FROM rate_limits r, unnest(r.hits) AS hit
WHERE name = %(name)s AND subject = %(subject)s AND client = %(client)s
  AND hit > %(now)s - %(window)s
"""
LOOK = """
SELECT count(*) < %(most)s, min(hit) + %(window)s
FROM rate_limits r, unnest(r.hits) AS hit
WHERE name = %(name)s AND subject = %(subject)s AND client = %(client)s
  AND hit > %(now)s - %(window)s
"""


class RateLimits:
    """Counts in the table `rate_limits`; where `enabled` is false, everything is allowed."""

    def __init__(self, *, enabled: bool = True, clock: Clock = utc_now) -> None:
        self._enabled = enabled
        self._clock = clock

    async def take(
        self, connection: AsyncConnection, limit: Limit, *, subject: str = "", client: str = ""
    ) -> int:
        """Count one more. Where that is too many: the seconds until it would not be, else 0."""
        return await self._ask(connection, TAKE, limit, subject, client)

    async def wait(
        self, connection: AsyncConnection, limit: Limit, *, subject: str = "", client: str = ""
    ) -> int:
        """Seconds until one more would not be too many, without counting it."""
        return await self._ask(connection, LOOK, limit, subject, client)

    async def forget(self, connection: AsyncConnection, limit: Limit, *, subject: str) -> None:
        """Start again from 0 for the subject, whichever client was counted."""
        await connection.execute(
            "DELETE FROM rate_limits WHERE name = %s AND subject = %s", (limit.name, subject)
        )

    async def mail(
        self, connection: AsyncConnection, purpose: str, email_key: str, client: str
    ) -> bool:
        """Count one more mail that the client has sent to an address for a purpose. Whether it may
        be sent.

        What one client asks for, or asks for for one purpose, leaves the others their own.
        """
        for limit, whose in ((MAILS, client), (MAILS_A_DAY, client), (MAILS_OF_ALL, "")):
            if await self.take(connection, limit.of(purpose), subject=email_key, client=whose):
                return False
        return True

    async def _ask(
        self, connection: AsyncConnection, statement: str, limit: Limit, subject: str, client: str
    ) -> int:
        if not self._enabled:
            return 0
        now = self._clock()
        cursor = await connection.execute(
            statement.encode(),
            {
                "name": limit.name,
                "subject": subject,
                "client": client,
                "now": now,
                "window": limit.window,
                "most": limit.most,
            },
        )
        row = await cursor.fetchone()
        if row is None or row[0]:
            return 0
        return max(1, ceil(((row[1] or now + limit.window) - now).total_seconds()))


class TokenBuckets:
    """`per_minute` for each key, all at once or spread out; in memory, at most `most_keys` of them.

    The generic cell rate algorithm: a bucket is one number, the moment at which it is full again.
    The one that was not asked for longest is forgotten first; an idle bucket is full after a
    minute, so nothing is lost while fewer than `most_keys` users a minute are active.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        most_keys: int = 10_000,
        enabled: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._interval = 60 / per_minute
        self._most_keys = most_keys
        self._enabled = enabled
        self._clock = clock
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Take one from the key's bucket. Raises RateLimited when it is empty."""
        if not self._enabled:
            return
        now = self._clock()
        full_at = max(now, self._full_at.get(key, now)) + self._interval
        # Half an interval of grace, because floats do not add up exactly.
        if full_at - now > 60 + self._interval / 2:
            raise RateLimited(max(1, ceil(full_at - now - 60)))
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most_keys:
            self._full_at.popitem(last=False)


def client_of(address: str) -> str:
    """Whom a network address is counted as: an IPv4 address, or the /64 that an IPv6 one is out of.

    A customer has a whole /64 at least, and so as many addresses as they like. What is no address
    (a Unix socket's peer) stays as it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed.packed, IPV6_CUSTOMER), strict=False))
