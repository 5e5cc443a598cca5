"""What is wrong with the call itself: told in `errors`, with a code in `extensions`.

CallError
 ├─ Unauthenticated    no token, or one that is expired or revoked
 ├─ Forbidden          not for this caller
 ├─ BadUserInput       the call is malformed
 ├─ RateLimited        too many calls; try again after `retryAfter` seconds
 ├─ Unavailable        the database is away; try again after `retryAfter` seconds
 ├─ QueryTooComplex    the document asks for more than one call may
 ├─ PersistedQueryNotFound, PersistedQueryNotSupported    the client sends the document too then
 └─ Internal           the shop failed; details are in its log, under the same request id
"""

from typing import Any, ClassVar

from graphql import GraphQLError

from api import failures
from api.failures import Failure


class CallError(GraphQLError):
    """Its message is one sentence for a person, without anything of the shop's insides."""

    failure: ClassVar[Failure]

    def __init__(self, message: str, **extensions: Any) -> None:
        super().__init__(message, extensions={"code": self.failure.code, **extensions})


class Unauthenticated(CallError):
    failure = failures.UNAUTHENTICATED

    def __init__(self, message: str = "Sign in first.") -> None:
        super().__init__(message)


class Forbidden(CallError):
    failure = failures.FORBIDDEN

    def __init__(self, message: str = "Only administrators may do this.") -> None:
        super().__init__(message)


class BadUserInput(CallError):
    failure = failures.BAD_USER_INPUT


class PersistedQueryNotFound(CallError):
    """Message and code are those that clients know:
    https://www.apollographql.com/docs/apollo-server/performance/apq"""

    failure = failures.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class PersistedQueryNotSupported(CallError):
    """As PersistedQueryNotFound; clients do not try again."""

    failure = failures.PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class RateLimited(CallError):
    """`retry_after` is in seconds."""

    failure = failures.RATE_LIMITED

    def __init__(self, retry_after: int, message: str = "Too many calls; slow down.") -> None:
        super().__init__(message, retryAfter=retry_after)


class TooBusy(RateLimited):
    """All callers together ask for too much."""

    failure = failures.OVERLOADED


class Unavailable(CallError):
    """`retry_after` is in seconds."""

    failure = failures.UNAVAILABLE

    def __init__(self, retry_after: int, message: str, **more: Any) -> None:
        super().__init__(message, retryAfter=retry_after, **more)


class QueryTooComplex(CallError):
    failure = failures.QUERY_TOO_COMPLEX


class Internal(CallError):
    failure = failures.INTERNAL

    @classmethod
    def of(cls, request_id: str) -> "Internal":
        """What the shop has logged under the request's id."""
        told = f"Something went wrong; request id {request_id}."
        return cls(told, requestId=request_id)
