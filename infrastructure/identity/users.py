"""Who there is: looking users up, locking and unlocking them. E-mail addresses have no case."""

from collections.abc import Collection
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool

from domain.errors import NotFound
from domain.message import message
from infrastructure.clock import Clock, utc_now
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.sessions import end_sessions_of
from infrastructure.identity.tokens import Role

LONGEST_ADDRESS = 254  # characters (RFC 5321, section 4.5.3.1.3, less the angle brackets)
FIRST = UUID(int=0)


@message
class MailAddress:
    """An address as its owner writes it, in ASCII for mail servers, and as it is compared."""

    shown: str
    ascii: str
    key: str


@message
class User:
    """`account_id` names an account only once the address is verified: that opens it."""

    user_id: UUID
    email: str
    name: str
    role: Role
    email_verified: bool
    locked: bool
    account_id: UUID
    created_at: datetime


USER_COLUMNS: LiteralString = (
    "user_id, email, name, role, email_verified, locked, account_id, created_at"
)


def parse_address(text: str) -> MailAddress:
    """Raises ValueError, with one sentence for a person.

    What stands before the @ must be ASCII: letters that only look alike, or become alike in lower
    case, would be other people's addresses.
    """
    text = text.strip()
    if len(text) > LONGEST_ADDRESS:
        raise ValueError(f"Must have at most {LONGEST_ADDRESS} characters.")
    try:
        # `.test` domains are let in: nobody's mail can go there, and a trial needs addresses.
        valid = validate_email(
            text, allow_smtputf8=False, check_deliverability=False, test_environment=True
        )
    except (EmailNotValidError, UnicodeError):
        raise ValueError("Must be an e-mail address.") from None
    address = valid.ascii_email or valid.normalized
    return MailAddress(valid.normalized, address, address.lower())


def address_or_none(text: str) -> MailAddress | None:
    """The address; None where the text is none."""
    try:
        return parse_address(text)
    except ValueError:
        return None


class Users:
    """The table `users`, but for what proves who somebody is (`authentication.py` beside this)."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        *,
        watch: SessionWatch | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._pool = pool
        self._watch = watch
        self._clock = clock

    async def by_ids(self, user_ids: Collection[UUID]) -> dict[UUID, User]:
        """Those that there are."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(User))
            await cursor.execute(
                f"SELECT {USER_COLUMNS} FROM users WHERE user_id = ANY(%s)", (list(user_ids),)
            )
            return {user.user_id: user for user in await cursor.fetchall()}

    async def by_id(self, user_id: UUID) -> User | None:
        """The user, if there is one."""
        return (await self.by_ids([user_id])).get(user_id)

    async def by_email(self, email: str) -> User | None:
        """The user with that address, verified or not; None too where it is no address."""
        address = address_or_none(email)
        if address is None:
            return None
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(User))
            await cursor.execute(
                f"SELECT {USER_COLUMNS} FROM users WHERE email_key = %s", (address.key,)
            )
            return await cursor.fetchone()

    async def page(self, *, first: int = 1_000, after: UUID = FIRST) -> list[User]:
        """The next `first` users after the one with that id, in the order of their signing up."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(User))
            await cursor.execute(
                f"SELECT {USER_COLUMNS} FROM users WHERE user_id > %s ORDER BY user_id LIMIT %s",
                (after, first),
            )
            return await cursor.fetchall()

    async def lock(self, user_id: UUID) -> User:
        """Keep the user out: all sessions end at once, and no other is opened. Raises NotFound."""
        return await self._set_locked(user_id, locked=True)

    async def unlock(self, user_id: UUID) -> User:
        """Let the user sign in again. Raises NotFound."""
        return await self._set_locked(user_id, locked=False)

    async def _set_locked(self, user_id: UUID, *, locked: bool) -> User:
        async with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=args_row(User))
            await cursor.execute(
                f"UPDATE users SET locked = %s WHERE user_id = %s RETURNING {USER_COLUMNS}",
                (locked, user_id),
            )
            user = await cursor.fetchone()
            if user is None:
                raise NotFound("user", user_id)
            ended = await end_sessions_of(connection, user_id, self._clock()) if locked else []
        if self._watch:
            self._watch.note(ended)
        return user
