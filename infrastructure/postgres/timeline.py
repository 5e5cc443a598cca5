"""Which server and which database a connection has come to, as far as PostgreSQL tells."""

from dataclasses import dataclass

import psycopg
from psycopg import AsyncConnection

# Counted up at every promotion, but not where a copy of the data folder is put back.
_TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
# Given to a cluster when it is made; a copy of its folder and its standbys have it too.
_SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"
# Another one where a database was dropped and made anew.
_DATABASE = "SELECT oid::text FROM pg_database WHERE datname = current_database()"
_STANDBY = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' END"
# As on services that let nobody look at the server's log.
_NOT_TOLD = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.UndefinedFunction,
)


@dataclass(frozen=True, slots=True)
class Place:
    """What is None is not told here."""

    system: str | None
    database: str | None
    timeline: str | None


class StandbyError(psycopg.OperationalError):
    """A primary is needed, and this is none."""


async def place_of(connection: AsyncConnection) -> Place:
    """Where the connection, in autocommit, has come to. Raises psycopg.OperationalError where that
    is no primary."""
    if await _told(connection, _STANDBY) is not None:
        raise StandbyError("the server is a standby")
    return Place(
        await _told(connection, _SYSTEM),
        await _told(connection, _DATABASE),
        await _told(connection, _TIMELINE),
    )


async def _told(connection: AsyncConnection, query: str) -> str | None:
    try:
        row = await (await connection.execute(query.encode())).fetchone()
    except _NOT_TOLD:
        return None
    return row[0] if row else None
