"""Passwords: which ones are good enough, and how they are hashed."""

import asyncio
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from infrastructure.errors import Overloaded

SHORTEST = 10  # characters
LONGEST = 1_024
# Fewer guesses are within reach of somebody who has to ask the server each time: the lower two of
# the five classes in Wheeler, "zxcvbn: Low-Budget Password Strength Estimation" (2016).
GUESSES = 10**6
# The time that the estimate takes grows with the square of the length and more: 70 ms for the worst
# 20 characters, 1,700 ms for the worst 72.
ESTIMATED = 20
# Letters and digits that must be left when name and address are taken away: more than a year has.
OWN = 5

T = TypeVar("T")


def normalise(password: str) -> bytes:
    """The bytes that are hashed: NFKC, as NIST SP 800-63B (section 5.1.1.2) has it.

    The same password typed on another keyboard may arrive as other code points (a letter and its
    accent as one or as two, full-width digits).
    """
    # Half of a surrogate pair can be sent in JSON; it must not break the encoding.
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


class Passwords:
    """argon2id, with the parameters that the library recommends (RFC 9106, for little memory).

    A hash takes 64 MiB and some 50 ms of four cores, so they are made in a few threads of their
    own: a flood of sign-ins has to queue, and leaves the event loop, the memory and the other
    requests alone.
    """

    def __init__(
        self,
        hasher: PasswordHasher | None = None,
        *,
        threads: int | None = None,
        patience: float = 10.0,
    ) -> None:
        """`patience`: how many seconds to stand in the queue at most."""
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(
            threads or min(4, os.cpu_count() or 1), thread_name_prefix="passwords"
        )
        self._patience = patience
        self._estimating = threading.Lock()
        # What the password of an unknown address is compared with: it takes as long as any other.
        self._nobody = self._hasher.hash(os.urandom(16))

    async def hash(self, password: str) -> str:
        """The hash with its salt and parameters. Raises Overloaded."""
        return await self._in_thread(lambda: self._hasher.hash(normalise(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password; None is nobody's hash, which takes as long.

        Raises Overloaded.
        """
        # Checked as a short one where it is too long to be anybody's.
        fits = len(password) <= LONGEST
        return await self._in_thread(
            lambda: self._matches(password_hash or self._nobody, password if fits else "")
        )

    def outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(password_hash)

    async def problem(self, password: str, *about: str) -> str | None:
        """Why the password will not do, in a sentence. `about`: what is known of its owner."""
        if len(password) > LONGEST:
            return f"Must have at most {LONGEST:,} characters."
        text = unicodedata.normalize("NFKC", password)
        if len(text) < SHORTEST:
            return f"Must have at least {SHORTEST} characters."
        words = {word for known in about for word in _words(known[:LONGEST])}
        if _is_made_of(text, words):
            return "Is too easy to guess: it is made of your name or address."
        if await self._in_thread(lambda: self._guesses(text, words)) < GUESSES:
            return "Is too easy to guess: it is made of what many people use."
        return None

    def close(self) -> None:
        """Give the threads back; what is being hashed is finished."""
        self._threads.shutdown()

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, normalise(password))
        except VerifyMismatchError:
            return False

    def _guesses(self, text: str, words: set[str]) -> float:
        known = sorted({word[:ESTIMATED] for word in words})
        # The library keeps what it is told of the owner in a global.
        with self._estimating:
            return float(zxcvbn(text[:ESTIMATED], user_inputs=known)["guesses"])

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Overloaded(retry_after=5) from None


def _words(known: str) -> set[str]:
    """A name or address whole, without what is between its parts, and each of these."""
    parts = _letters(known).split()
    return {word for word in (known.casefold(), "".join(parts), *parts) if len(word) > 2}


def _is_made_of(text: str, words: set[str]) -> bool:
    """Whether a word is in the text, and too few letters and digits are left beside it."""
    letters = rest = _letters(text).replace(" ", "")
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != letters and len(rest) < OWN


def _letters(text: str) -> str:
    return "".join(char if char.isalnum() else " " for char in text.casefold())
