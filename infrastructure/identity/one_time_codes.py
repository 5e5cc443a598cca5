"""The codes that are mailed: six digits, 15 minutes, five tries, one at a time for each purpose.

A code is good for one user: whoever signs up with the same address later is another.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection

from domain.message import message
from infrastructure.clock import Clock, utc_now
from infrastructure.identity.tokens import derive_keys

DIGITS = 6
LIFETIME = timedelta(minutes=15)
TRIES = 5
LONGEST_TYPED = 100  # characters

Purpose = Literal["VERIFY", "RESET"]


@message
class Proof:
    """A code that was right, and whose it is: the parameters of `SPEND`."""

    email_key: str
    purpose: Purpose
    code_hash: bytes
    user_id: UUID


def digits_of(typed: str) -> str | None:
    """The code in what somebody has typed or pasted: full-width digits, spaces, hyphens and what
    cannot be seen come with it. None where there are not six digits."""
    if len(typed) > LONGEST_TYPED:
        return None
    plain = unicodedata.normalize("NFKC", typed)
    digits = "".join(str(unicodedata.decimal(char)) for char in plain if char.isdecimal())
    return digits if len(digits) == DIGITS else None


class MailCodes:
    """The table `mail_codes`.

    Whoever reads the table could try all of a million codes, so their hashes need a key.
    """

    def __init__(self, secret_keys: Sequence[str], *, clock: Clock = utc_now) -> None:
        self._keys = derive_keys(secret_keys, "mail codes")
        self._clock = clock

    async def issue(
        self, connection: AsyncConnection, email_key: str, purpose: Purpose, user_id: UUID
    ) -> str:
        """A new code for the user; the one before, for the same purpose, is worth nothing any
        more."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        await connection.execute(
            "INSERT INTO mail_codes"
            " (email_key, purpose, user_id, code_hash, tries_left, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (email_key, purpose) DO UPDATE"
            " SET user_id = excluded.user_id, code_hash = excluded.code_hash,"
            " tries_left = excluded.tries_left, expires_at = excluded.expires_at",
            (
                email_key,
                purpose,
                user_id,
                _hash(self._keys[0], purpose, email_key, code),
                TRIES,
                self._clock() + LIFETIME,
            ),
        )
        return code

    async def check(
        self, connection: AsyncConnection, email_key: str, purpose: Purpose, code: str
    ) -> Proof | None:
        """Use up a try of a code of `digits_of`. None where it is wrong."""
        cursor = await connection.execute(
            # The try is gone before the code is looked at: many at once are no more than five.
            "UPDATE mail_codes SET tries_left = tries_left - 1"
            " WHERE email_key = %s AND purpose = %s AND tries_left > 0 AND expires_at > %s"
            " AND user_id IS NOT NULL"
            " RETURNING code_hash, user_id",
            (email_key, purpose, self._clock()),
        )
        row = await cursor.fetchone()
        hashes = [_hash(key, purpose, email_key, code) for key in self._keys]
        if row and any(hmac.compare_digest(row[0], each) for each in hashes):
            return Proof(email_key, purpose, *row)
        return None


# The beginning of a statement that does what the code is good for: two with one code do it once.
SPEND: LiteralString = (
    "WITH spent AS (DELETE FROM mail_codes WHERE email_key = %(email_key)s"
    " AND purpose = %(purpose)s AND code_hash = %(code_hash)s RETURNING 1) "
)


async def forget_code(connection: AsyncConnection, email_key: str, purpose: Purpose) -> None:
    """The code is worth nothing any more."""
    await connection.execute(
        "DELETE FROM mail_codes WHERE email_key = %s AND purpose = %s", (email_key, purpose)
    )


def _hash(key: bytes, purpose: Purpose, email_key: str, code: str) -> bytes:
    return hmac.digest(key, f"{purpose} {email_key} {code}".encode(), sha256)
