"""What somebody signs up with, what may be wrong with it, and the row that it becomes."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from domain.commands import OpenAccount
from domain.values import MAX_AMOUNT
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.tokens import Role
from infrastructure.identity.users import MailAddress, parse_address
from infrastructure.ids import new_id
from infrastructure.text import problem_of

LONGEST_NAME = 100  # characters

Problems = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody fills in; `opening_deposit` in minor units."""

    email: str
    password: str = field(repr=False)
    name: str
    role: Role = "USER"
    admin_code: str | None = field(default=None, repr=False)
    opening_deposit: int = 0


async def problems_of(form: SignUp, passwords: Passwords) -> list[tuple[str, str]]:
    """All that is wrong with it, as (path, message); but for the role."""
    problems = []
    try:
        parse_address(form.email)
    except ValueError as error:
        problems.append(("email", str(error)))
    if problem := await passwords.problem(form.password, form.email, form.name):
        problems.append(("password", problem))
    if problem := problem_of(form.name.strip(), LONGEST_NAME):
        problems.append(("name", problem))
    if not 0 <= form.opening_deposit <= MAX_AMOUNT:
        problems.append(("openingDeposit", "Must not be negative, nor more than an account holds."))
    return problems


def role_problem(form: SignUp, admin_code: str | None) -> str | None:
    """Why the form may not have the role that it wants; for the path `adminCode`.

    `admin_code` is what an administrator must bring: None lets nobody, and the empty text anybody.
    """
    if form.role == "USER" or admin_code == "":
        return None
    brought = (form.admin_code or "").encode(errors="surrogatepass")
    if admin_code is not None and hmac.compare_digest(admin_code.encode(), brought):
        return None
    return "Is not the code that lets somebody become an administrator."


# One statement for an address that is new, that waits to be verified, or that has an account. Who
# signs up again before verifying is another user, with another account: what was done for the one
# before cannot get mixed up with it.
INSERT: LiteralString = """
INSERT INTO users AS u (user_id, email, email_key, name, role, password_hash, account_id,
    opening_deposit, created_at)
VALUES (%(user_id)s, %(email)s, %(email_key)s, %(name)s, %(role)s, %(password_hash)s,
    %(account_id)s, %(opening_deposit)s, %(now)s)
ON CONFLICT (email_key) DO UPDATE
SET user_id = excluded.user_id, email = excluded.email, name = excluded.name,
    role = excluded.role, password_hash = excluded.password_hash,
    password_version = u.password_version + 1, sign_ups = u.sign_ups + 1,
    account_id = excluded.account_id, opening_deposit = excluded.opening_deposit,
    created_at = excluded.created_at
WHERE NOT u.email_verified
RETURNING u.user_id
"""


async def insert_user(
    connection: AsyncConnection, form: SignUp, password_hash: str, now: datetime
) -> UUID | None:
    """Make the user, not verified yet, in place of one with that address who is not either. The
    user's id; None where the address has an account."""
    address: MailAddress = parse_address(form.email)
    cursor = await connection.execute(
        INSERT,
        {
            "user_id": new_id(),
            "email": address.shown,
            "email_key": address.key,
            "name": form.name.strip(),
            "role": form.role,
            "password_hash": password_hash,
            "account_id": new_id(),
            "opening_deposit": form.opening_deposit,
            "now": now,
        },
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def account_to_open(connection: AsyncConnection, user_id: UUID) -> OpenAccount | None:
    """The command that opens the user's account; None where the user is no more."""
    cursor = await connection.execute(
        "SELECT account_id, user_id, opening_deposit FROM users WHERE user_id = %s", (user_id,)
    )
    row = await cursor.fetchone()
    return OpenAccount(*row) if row else None
