"""What a server says of itself when one of our connections has been made."""

from contextlib import suppress
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, Connection

from domain.message import message

# `server` tells one that runs from all others, and from itself before it was started again.
WHO: LiteralString = """
SELECT pg_is_in_recovery(),
    concat_ws(' ', inet_server_addr(), inet_server_port(), pg_postmaster_start_time()),
    extract(epoch FROM current_setting('statement_timeout')::interval)::float8
"""
# Which cluster it is, and which history of it: PostgreSQL counts that up at every promotion.
# A managed database may keep both to itself.
LINEAGE: LiteralString = """
SELECT system_identifier::text,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
FROM pg_control_system()
"""


@message
class Greeting:
    """`server` differs for each server that runs; `timeline` is that of a primary, 0 where it does
    not tell, None of a standby; `limit` is how many seconds a statement may take, 0 for any."""

    server: str
    system: str
    timeline: int | None
    limit: float


def greet(connection: Connection[Any], *, lineage: bool = True) -> Greeting:
    """Ask for it; the lineage only where that is told. Raises psycopg.Error."""
    standby, server, limit = _row(connection.execute(WHO).fetchone())
    system, timeline = "", 0
    if lineage and not standby:
        with suppress(psycopg.errors.InsufficientPrivilege):
            system, timeline = _row(connection.execute(LINEAGE).fetchone())
    return Greeting(server, system, None if standby else timeline, limit)


async def greet_async(connection: AsyncConnection[Any], *, lineage: bool = True) -> Greeting:
    """As `greet`."""
    standby, server, limit = _row(await (await connection.execute(WHO)).fetchone())
    system, timeline = "", 0
    if lineage and not standby:
        with suppress(psycopg.errors.InsufficientPrivilege):
            system, timeline = _row(await (await connection.execute(LINEAGE)).fetchone())
    return Greeting(server, system, None if standby else timeline, limit)


def _row(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    assert row is not None  # noqa: S101  # both queries answer with one row
    return row
