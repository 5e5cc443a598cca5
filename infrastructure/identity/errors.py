"""Why somebody is not let in.

Refusal
 ├─ ValidationFailed      the input is wrong: every field that is, at once
 ├─ InvalidCredentials    wrong password, unknown address, locked user, spent or unknown token
 ├─ EmailNotVerified      told only to who knows the password
 ├─ InvalidCode           wrong, spent, expired or replaced
 ├─ InvalidToken          no access token of ours, or one that has expired or was revoked
 └─ RateLimited           too often; again after `retry_after` seconds
"""

from collections.abc import Iterable


class Refusal(Exception):
    """Its text is one sentence for a person; it never holds what the person has sent."""


class ValidationFailed(Refusal):
    """`fields` holds (path, message) for everything that is wrong."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        super().__init__("The input is not valid.")
        self.fields = tuple(fields)


class InvalidCredentials(Refusal):
    """Does not say what was wrong."""

    def __init__(self, message: str = "The e-mail address or the password is wrong.") -> None:
        super().__init__(message)


class EmailNotVerified(Refusal):
    """The password was right."""

    def __init__(self) -> None:
        super().__init__("The e-mail address is not verified yet.")


class InvalidCode(Refusal):
    """Does not say whether there was a code."""

    def __init__(self) -> None:
        super().__init__("The code is wrong or no longer valid.")


class InvalidToken(Refusal):
    """Does not say what was wrong."""

    def __init__(self) -> None:
        super().__init__("The access token is not valid.")


class RateLimited(Refusal):
    """`retry_after` is in seconds, at least 1."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts; try again in {retry_after} seconds.")
        self.retry_after = retry_after
