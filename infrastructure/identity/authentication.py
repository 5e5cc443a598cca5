"""Who somebody is: signing up, proving an address, signing in, choosing another password.

Nobody learns from an answer, or from how long it takes, whether an address has an account. So
whatever depends on that is done by the courier, later; a password is hashed in any case; and what
is written to the database is the same.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import args_row
from psycopg_pool import AsyncConnectionPool

from domain.message import message
from domain.recorded import Origin
from infrastructure.clock import Clock, utc_now
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.identity.errors import (
    EmailNotVerified,
    InvalidCode,
    InvalidCredentials,
    InvalidToken,
    RateLimited,
    ValidationFailed,
)
from infrastructure.identity.one_time_codes import (
    SPEND,
    MailCodes,
    Proof,
    Purpose,
    digits_of,
    forget_code,
)
from infrastructure.identity.outbox import put_in_outbox
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.rate_limits import (
    MAILS_ASKED_FOR,
    SIGN_UPS,
    SIGN_UPS_WITH_ADDRESS,
    WRONG_CODES,
    WRONG_PASSWORDS,
    Limit,
    RateLimits,
)
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.sessions import Session, Sessions, end_sessions_of
from infrastructure.identity.sign_up import (
    Problems,
    SignUp,
    account_to_open,
    insert_user,
    problems_of,
    role_problem,
)
from infrastructure.identity.tokens import AccessTokens, Caller
from infrastructure.identity.users import (
    USER_COLUMNS,
    User,
    Users,
    address_or_none,
    parse_address,
)

SESSION_OVER = "The session has ended: sign in again."
LONGEST_SUBJECT = 254  # characters of what is counted as an address


@message
class Verified:
    """A user whose account is open; `position`: of the event that opened it."""

    user: User
    position: int


@message
class _Known:
    """What signing in needs to know of a user."""

    user_id: UUID
    password_hash: str
    password_version: int
    email_verified: bool
    locked: bool


VERIFY: LiteralString = (
    "UPDATE users SET email_verified = true WHERE user_id = %(user_id)s AND NOT email_verified"
)
RESET: LiteralString = (
    "UPDATE users SET password_hash = %(password_hash)s, password_version = password_version + 1"
    " WHERE user_id = %(user_id)s"
)
# Needs all rights that signing in needs, and a database that takes writes; changes nothing.
PROBE: LiteralString = """
WITH nobody AS (SELECT user_id FROM users WHERE email_key = ''),
hit AS (UPDATE rate_limits SET hits = hits WHERE name = '' RETURNING 1),
opened AS (INSERT INTO sessions (session_id, user_id, opened_at)
    SELECT gen_random_uuid(), user_id, now() FROM nobody RETURNING session_id)
INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
SELECT '', session_id, now() FROM opened
"""
ONCE: LiteralString = " AND EXISTS (SELECT FROM spent)"


class Identity:
    """One a process; for asyncio. `users` looks users up, locks and unlocks them."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        dispatcher: Dispatcher,
        passwords: Passwords,
        watch: SessionWatch,
        *,
        secret_keys: Sequence[str],
        admin_code: str | None = None,
        limits: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        """`secret_keys`: the first signs, all are good. `admin_code`: what an administrator must
        bring to sign up; None lets nobody, and the empty text anybody."""
        self.users = Users(pool, watch=watch, clock=clock)
        self._pool = pool
        self._dispatcher = dispatcher
        self._passwords = passwords
        self._watch = watch
        self._tokens = AccessTokens(secret_keys, clock=clock)
        self._sessions = Sessions(self._tokens, secret_keys, clock=clock)
        self._codes = MailCodes(secret_keys, clock=clock)
        self._limits = RateLimits(enabled=limits, clock=clock)
        self._admin_code = admin_code
        self._clock = clock

    async def probe(self) -> None:
        """Do what signing in does, for nobody. Raises psycopg.Error or PoolTimeout."""
        async with self._pool.connection() as connection:
            await connection.execute(PROBE)

    async def sign_up(self, form: SignUp, client: str, found: Problems = ()) -> None:
        """Note who signs up, and have a code mailed. Says the same for an address that is known.

        `client`: whom to count it for (`client_of`); `found`: what else is wrong with the input, as
        (path, message). Raises ValidationFailed, RateLimited or Overloaded.
        """
        problems = [*found, *await self._problems(form, {path for path, _ in found})]
        # A wrong code for administrators is counted too: it must not be guessed.
        if not problems or form.admin_code is not None:
            await self._take(SIGN_UPS, client)
        if problems:
            raise ValidationFailed(problems)
        address = parse_address(form.email)
        await self._take(SIGN_UPS_WITH_ADDRESS, client, address.key)
        password_hash = await self._passwords.hash(form.password)
        async with self._pool.connection() as connection, connection.transaction():
            # Also where there were too many mails for another one: the code that is out is for the
            # password of whoever signed up before.
            await forget_code(connection, address.key, "VERIFY")
            await insert_user(connection, form, password_hash, self._clock())
            if await self._limits.mail(connection, "VERIFY", address.key, client):
                await put_in_outbox(connection, "SIGN_UP", address.key, self._clock())

    async def create_user(self, form: SignUp, request_id: UUID) -> Verified:
        """Make a user whose address needs no proof, for operators and demonstrations.

        Raises ValidationFailed, also where the address has an account; Overloaded or Unavailable.
        """
        if problems := await problems_of(form, self._passwords):
            raise ValidationFailed(problems)
        address = parse_address(form.email)
        password_hash = await self._passwords.hash(form.password)
        async with self._pool.connection() as connection, connection.transaction():
            await forget_code(connection, address.key, "VERIFY")
            user_id = await insert_user(connection, form, password_hash, self._clock())
            if user_id is None:
                raise ValidationFailed([("email", "Has an account already.")])
        verified = await self._verify(user_id, request_id, VERIFY)
        if verified is None:
            raise ValidationFailed([("email", "Was signed up by somebody else just now.")])
        return verified

    async def request_verification_code(self, email: str, client: str) -> None:
        """Have a code mailed, if somebody needs one and it is not too often. Raises RateLimited
        where the client asks too often, for whomever."""
        await self._request_mail("VERIFY", email, client)

    async def verify_email(
        self,
        email: str,
        code: str,
        client: str,
        request_id: UUID,
        causation_id: str | None = None,
    ) -> Verified:
        """Open the account of the sign-up that the code was made for. Raises InvalidCode,
        RateLimited, Overloaded or Unavailable.

        First the account, then the code is spent: whoever was cut off in between asks again with
        the same code, and opening the account again records nothing.
        """
        proof = await self._check_code(email, "VERIFY", code, client)
        verified = await self._verify(
            proof.user_id, request_id, SPEND + VERIFY + ONCE, proof, causation_id
        )
        if verified is None:
            raise InvalidCode
        return verified

    async def sign_in(self, email: str, password: str, client: str) -> Session:
        """A new session. Raises InvalidCredentials, EmailNotVerified, RateLimited or Overloaded."""
        subject = _subject(email)
        async with self._pool.connection() as connection:
            if wait := await self._limits.wait(
                connection, WRONG_PASSWORDS, subject=subject, client=client
            ):
                raise RateLimited(wait)
            known = await _find(connection, subject)
        right = await self._passwords.verify(known.password_hash if known else None, password)
        # Once more: of many at once, only the first ten are told whether they were wrong.
        count = self._limits.wait if known and right and not known.locked else self._limits.take
        async with self._pool.connection() as connection:
            wait = await count(connection, WRONG_PASSWORDS, subject=subject, client=client)
        if wait:
            raise RateLimited(wait)
        if known is None or not right or known.locked:
            raise InvalidCredentials
        if not known.email_verified:
            raise EmailNotVerified
        await self._rehash(known, password)
        async with self._pool.connection() as connection, connection.transaction():
            return await self._sessions.open(connection, known.user_id, known.password_version)

    async def refresh(self, refresh_token: str) -> Session:
        """The session's next tokens. Raises InvalidCredentials, and ends the session where the
        token was used before, unless its answer may have been lost: then somebody has a copy."""
        async with self._pool.connection() as connection, connection.transaction():
            session = await self._sessions.refresh(connection, refresh_token)
            ended = [] if session else await self._sessions.end(connection, refresh_token)
        self._watch.note(ended)
        if session is None:
            raise InvalidCredentials(SESSION_OVER)
        return session

    async def sign_out(self, refresh_token: str) -> None:
        """End the session of the token, used or not; nothing where there is none."""
        async with self._pool.connection() as connection:
            ended = await self._sessions.end(connection, refresh_token)
        self._watch.note(ended)

    def verify_access_token(self, token: str) -> Caller:
        """Who sends this token. Raises InvalidToken. Asks no database."""
        caller = self._tokens.verify(token)
        if self._watch.has_ended(caller.session_id):
            raise InvalidToken
        return caller

    async def request_password_reset(self, email: str, client: str) -> None:
        """Have a code mailed, if there is an account and it is not too often. Raises RateLimited
        where the client asks too often, for whomever."""
        await self._request_mail("RESET", email, client)

    async def reset_password(self, email: str, code: str, new_password: str, client: str) -> None:
        """Set the password and end all sessions. Raises InvalidCode, ValidationFailed (the code
        stays good), RateLimited or Overloaded."""
        await self._check_new_password(new_password, email)
        proof = await self._check_code(email, "RESET", code, client)
        user = await self.users.by_id(proof.user_id)
        if user is None:
            raise InvalidCode
        # The name is looked at only now: before, the answer would give it away.
        await self._check_new_password(new_password, email, user.name)
        password_hash = await self._passwords.hash(new_password)
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(
                SPEND + RESET + ONCE, {**asdict(proof), "password_hash": password_hash}
            )
            if cursor.rowcount == 0:
                raise InvalidCode
            ended = await end_sessions_of(connection, user.user_id, self._clock())
            await self._limits.forget(connection, WRONG_PASSWORDS, subject=proof.email_key)
        self._watch.note(ended)

    async def _problems(self, form: SignUp, known: set[str]) -> Problems:
        problems = await problems_of(form, self._passwords)
        if problem := role_problem(form, self._admin_code):
            problems.append(("adminCode", problem))
        return [problem for problem in problems if problem[0] not in known]

    async def _take(self, limit: Limit, client: str, subject: str = "") -> None:
        """Raises RateLimited."""
        async with self._pool.connection() as connection:
            wait = await self._limits.take(connection, limit, subject=subject, client=client)
        if wait:
            raise RateLimited(wait)

    async def _request_mail(self, purpose: Purpose, email: str, client: str) -> None:
        address = address_or_none(email)
        if address is None:
            return
        await self._take(MAILS_ASKED_FOR, client)
        async with self._pool.connection() as connection, connection.transaction():
            if await self._limits.mail(connection, purpose, address.key, client):
                await put_in_outbox(connection, purpose, address.key, self._clock())

    async def _check_code(self, email: str, purpose: Purpose, code: str, client: str) -> Proof:
        """Raises InvalidCode, which costs no try where there are not six digits, or RateLimited."""
        address, digits = address_or_none(email), digits_of(code)
        if address is None or digits is None:
            raise InvalidCode
        # Counted by client: a stranger's wrong codes must not keep the owner out.
        counted = {"subject": address.key, "client": client}
        async with self._pool.connection() as connection, connection.transaction():
            wait = await self._limits.wait(connection, WRONG_CODES.of(purpose), **counted)
            proof = None
            if not wait:
                proof = await self._codes.check(connection, address.key, purpose, digits)
            if proof is None:
                await self._limits.take(connection, WRONG_CODES.of(purpose), **counted)
        if wait:
            raise RateLimited(wait)
        if proof is None:
            raise InvalidCode
        return proof

    async def _verify(
        self,
        user_id: UUID,
        request_id: UUID,
        statement: LiteralString,
        proof: Proof | None = None,
        causation_id: str | None = None,
    ) -> Verified | None:
        """Open the account, then mark the user; None where there is another by now."""
        async with self._pool.connection() as connection:
            opening = await account_to_open(connection, user_id)
        if opening is None:
            return None
        origin = Origin(opening.owner_id, request_id, causation_id or str(request_id))
        dispatched = await self._dispatcher.dispatch(opening, origin=origin)
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=args_row(User))
            await cursor.execute(
                f"{statement} RETURNING {USER_COLUMNS}",
                asdict(proof) if proof else {"user_id": user_id},
            )
            user = await cursor.fetchone()
        return Verified(user, dispatched.position) if user else None

    async def _check_new_password(self, password: str, *about: str) -> None:
        if problem := await self._passwords.problem(password, *about):
            raise ValidationFailed([("newPassword", problem)])

    async def _rehash(self, known: _Known, password: str) -> None:
        if not self._passwords.outdated(known.password_hash):
            return
        password_hash = await self._passwords.hash(password)
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE users SET password_hash = %s WHERE user_id = %s AND password_hash = %s",
                (password_hash, known.user_id, known.password_hash),
            )


def _subject(email: str) -> str:
    """What tries are counted for: the address, which has no case, or whatever else was sent."""
    address = address_or_none(email)
    if address:
        return address.key
    return email[:LONGEST_SUBJECT].encode("ascii", "replace").decode().replace("\0", "?")


async def _find(connection: AsyncConnection, email_key: str) -> _Known | None:
    cursor = connection.cursor(row_factory=args_row(_Known))
    await cursor.execute(
        "SELECT user_id, password_hash, password_version, email_verified, locked FROM users"
        " WHERE email_key = %s",
        (email_key,),
    )
    return await cursor.fetchone()
