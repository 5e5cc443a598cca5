"""Access and refresh tokens: what a client proves itself with after it signed in."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import jwt

from domain.message import message
from infrastructure.clock import Clock, utc_now
from infrastructure.identity.errors import InvalidToken

ALGORITHM = "HS256"
ISSUER = "shop"
AUDIENCE = "shop"
CLAIMS = ["iss", "aud", "sub", "sid", "role", "iat", "exp"]
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
KEPT_TOKENS = 4_096
LONGEST_TOKEN = 2_048  # characters; ours have about 370
REFRESH_TOKEN_BYTES = 32

Role = Literal["USER", "ADMIN"]


@message
class Caller:
    """Who sends a request, by what the access token says."""

    user_id: UUID
    role: Role
    session_id: UUID
    expires_at: datetime


def derive_keys(secret_keys: Sequence[str], purpose: str) -> tuple[bytes, ...]:
    """A key for one purpose out of each secret: what it signs is worth nothing for another."""
    keys = [key.strip() for key in secret_keys]  # in a list, spaces may follow the commas
    if not keys or not all(keys):
        raise ValueError("There is no secret key.")
    return tuple(hmac.digest(key.encode(), purpose.encode(), sha256) for key in keys)


class AccessTokens:
    """JWTs. The first key signs, all verify: a key is rotated by putting a new one before it, and
    taken away 15 minutes later."""

    def __init__(self, secret_keys: Sequence[str], *, clock: Clock = utc_now) -> None:
        keys = derive_keys(secret_keys, "access tokens")
        self._keys = {sha256(key).hexdigest()[:8]: key for key in keys}
        self._key_id = next(iter(self._keys))
        self._clock = clock
        # Checking a signature costs more than the rest of a small query's admission.
        self._verified = lru_cache(KEPT_TOKENS)(self._verify)

    def issue(self, user_id: UUID, role: Role, session_id: UUID) -> tuple[str, datetime]:
        """The token, and when it expires."""
        issued_at = self._clock().replace(microsecond=0)
        expires_at = issued_at + ACCESS_TOKEN_LIFETIME
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        key = self._keys[self._key_id]
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": self._key_id}), expires_at

    def verify(self, token: str) -> Caller:
        """Whom it was issued to; their session may have ended since. Raises InvalidToken."""
        caller = self._verified(token) if len(token) <= LONGEST_TOKEN else None
        if caller is None or caller.expires_at <= self._clock():
            raise InvalidToken
        return caller

    def _verify(self, token: str) -> Caller | None:
        try:
            claims = self._claims(token)
            return Caller(
                UUID(claims["sub"]),
                claims["role"],
                UUID(claims["sid"]),
                datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return None

    def _claims(self, token: str) -> dict[str, Any]:
        key = self._keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            # The times are compared with our own clock.
            options={"require": CLAIMS, "verify_exp": False, "verify_iat": False},
        )


def new_refresh_token() -> str:
    """256 bits of chance."""
    return secrets.token_urlsafe(REFRESH_TOKEN_BYTES)


def next_refresh_token(token: str, key: bytes, salt: bytes) -> str:
    """The one that follows on `token`: the same each time, for who has all three. 256 bits."""
    digest = hmac.digest(key, salt + token.encode(errors="surrogatepass"), sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def refresh_token_hash(token: str) -> bytes:
    """What is stored of it: SHA-256 will do, because nobody can try 2^256 of them."""
    return sha256(token.encode(errors="surrogatepass")).digest()
