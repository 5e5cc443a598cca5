"""Sessions: a family of refresh tokens, each good for one use, and the access tokens they bring."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from infrastructure.clock import Clock, utc_now
from infrastructure.identity.errors import InvalidCredentials
from infrastructure.identity.tokens import (
    AccessTokens,
    Role,
    derive_keys,
    new_refresh_token,
    next_refresh_token,
    refresh_token_hash,
)
from infrastructure.ids import new_id

REFRESH_TOKEN_LIFETIME = timedelta(days=30)
# A little longer than an operation may take: a client that has waited for its answer asks at once.
ANSWERED_AGAIN = timedelta(seconds=20)
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Session:
    """What the client keeps. The tokens stay out of its text, and so out of every log."""

    session_id: UUID
    user_id: UUID
    access_token: str = field(repr=False)
    access_token_expires_at: datetime
    refresh_token: str = field(repr=False)


class Sessions:
    """The tables `sessions` and `refresh_tokens`."""

    def __init__(
        self, tokens: AccessTokens, secret_keys: Sequence[str], *, clock: Clock = utc_now
    ) -> None:
        self._tokens = tokens
        self._keys = derive_keys(secret_keys, "refresh tokens")
        self._clock = clock

    async def open(
        self, connection: AsyncConnection, user_id: UUID, password_version: int
    ) -> Session:
        """A new session, within the caller's transaction. Raises InvalidCredentials when the user
        was locked, or has got another password, since the password was looked at."""
        cursor = await connection.execute(
            # Whoever locks the user or resets the password, and then ends all sessions, waits for
            # this one.
            "SELECT role FROM users"
            " WHERE user_id = %s AND password_version = %s AND NOT locked FOR SHARE",
            (user_id, password_version),
        )
        row = await cursor.fetchone()
        if row is None:
            raise InvalidCredentials
        session_id = new_id()
        await connection.execute(
            "INSERT INTO sessions (session_id, user_id, opened_at) VALUES (%s, %s, %s)",
            (session_id, user_id, self._clock()),
        )
        refresh_token = new_refresh_token()
        await self._keep(connection, session_id, refresh_token)
        return self._session(session_id, user_id, row[0], refresh_token)

    async def refresh(self, connection: AsyncConnection, refresh_token: str) -> Session | None:
        """The session's next tokens, within the caller's transaction. For some seconds a token
        brings the same next one again, until that one was used: the answer may have been lost.

        None where the token is unknown, used, expired, or of a session that has ended.
        """
        now = self._clock()
        salt = secrets.token_bytes(SALT_BYTES)
        cursor = await connection.execute(
            # Of two at once the second waits for the row, and then finds the token used.
            "UPDATE refresh_tokens t SET used_at = %(now)s, salt = %(salt)s"
            " FROM sessions JOIN users USING (user_id)"
            " WHERE token_hash = %(hash)s AND used_at IS NULL AND expires_at > %(now)s"
            " AND sessions.session_id = t.session_id AND ended_at IS NULL"
            " RETURNING t.session_id, user_id, role",
            {"now": now, "salt": salt, "hash": refresh_token_hash(refresh_token)},
        )
        row = await cursor.fetchone()
        if row is None:
            return await self._again(connection, refresh_token)
        session_id, user_id, role = row
        successor = next_refresh_token(refresh_token, self._keys[0], salt)
        await self._keep(connection, session_id, successor)
        return self._session(session_id, user_id, role, successor)

    async def _again(self, connection: AsyncConnection, refresh_token: str) -> Session | None:
        """What was answered to the token a moment ago, if nobody has used that yet."""
        cursor = await connection.execute(
            "SELECT t.session_id, user_id, role, salt"
            " FROM refresh_tokens t JOIN sessions USING (session_id) JOIN users USING (user_id)"
            " WHERE token_hash = %s AND used_at > %s AND salt IS NOT NULL AND ended_at IS NULL",
            (refresh_token_hash(refresh_token), self._clock() - ANSWERED_AGAIN),
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        session_id, user_id, role, salt = row
        for key in self._keys:
            successor = next_refresh_token(refresh_token, key, salt)
            cursor = await connection.execute(
                # Who is using it at this moment comes first.
                "SELECT FROM refresh_tokens WHERE token_hash = %s AND used_at IS NULL FOR SHARE",
                (refresh_token_hash(successor),),
            )
            if cursor.rowcount:
                return self._session(session_id, user_id, role, successor)
        return None

    async def end(self, connection: AsyncConnection, refresh_token: str) -> list[UUID]:
        """End the session of the refresh token, used or not. The ids of those that were ended."""
        return await _end(
            connection,
            "session_id = (SELECT session_id FROM refresh_tokens WHERE token_hash = %s)",
            (self._clock(), refresh_token_hash(refresh_token)),
        )

    async def _keep(
        self, connection: AsyncConnection, session_id: UUID, refresh_token: str
    ) -> None:
        await connection.execute(
            "INSERT INTO refresh_tokens (token_hash, session_id, expires_at) VALUES (%s, %s, %s)",
            (
                refresh_token_hash(refresh_token),
                session_id,
                self._clock() + REFRESH_TOKEN_LIFETIME,
            ),
        )

    def _session(self, session_id: UUID, user_id: UUID, role: Role, refresh_token: str) -> Session:
        access_token, expires_at = self._tokens.issue(user_id, role, session_id)
        return Session(session_id, user_id, access_token, expires_at, refresh_token)


async def end_sessions_of(connection: AsyncConnection, user_id: UUID, now: datetime) -> list[UUID]:
    """End all sessions of the user. The ids of those that were ended."""
    return await _end(connection, "user_id = %s", (now, user_id))


async def _end(
    connection: AsyncConnection, which: LiteralString, parameters: tuple[object, ...]
) -> list[UUID]:
    cursor = await connection.execute(
        "UPDATE sessions SET ended_at = %s WHERE ended_at IS NULL AND "
        + which
        # All processes are told when this is committed (`infrastructure/identity/revocations.py`).
        + " RETURNING session_id, pg_notify('sessions_ended', session_id::text)",
        parameters,
    )
    return [row[0] for row in await cursor.fetchall()]
