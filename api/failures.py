"""What can go wrong with a call, once for every way in: GraphQL's code, HTTP's status, a command's.

| code | HTTP | exit | |
|---|---|---|---|
| UNAUTHENTICATED | 401 | 1 | no token, or one that is expired or revoked |
| FORBIDDEN | 403 | 1 | not for this caller |
| BAD_USER_INPUT | 400 | 2 | the call is malformed |
| QUERY_TOO_COMPLEX | 400 | 2 | the document asks for more than one call may |
| PERSISTED_QUERY_NOT_FOUND | 404 | 2 | the document is not known by this hash yet |
| PERSISTED_QUERY_NOT_SUPPORTED | 400 | 2 | persisted queries of another version |
| RATE_LIMITED | 429 | 75 | this caller calls too often |
| RATE_LIMITED | 503 | 75 | all callers together ask for too much |
| UNAVAILABLE | 503 | 75 | the database is away, or does not answer in time |
| INTERNAL | 500 | 1 | the shop failed |

75 is EX_TEMPFAIL of sysexits.h: the same command may work in a moment.
"""

import psycopg
from psycopg_pool import PoolTimeout

from domain.message import message
from infrastructure.errors import Overloaded, Unavailable
from infrastructure.identity.errors import InvalidToken, RateLimited


@message
class Failure:
    """`code` is what clients are told, `status` is HTTP's, `exit_status` that of a command."""

    code: str
    status: int
    exit_status: int

    @property
    def ends_by_itself(self) -> bool:
        """Whether the same call may work in a moment."""
        return self.exit_status == TRY_AGAIN


TRY_AGAIN = 75
UNAUTHENTICATED = Failure("UNAUTHENTICATED", 401, 1)
FORBIDDEN = Failure("FORBIDDEN", 403, 1)
BAD_USER_INPUT = Failure("BAD_USER_INPUT", 400, 2)
QUERY_TOO_COMPLEX = Failure("QUERY_TOO_COMPLEX", 400, 2)
PERSISTED_QUERY_NOT_FOUND = Failure("PERSISTED_QUERY_NOT_FOUND", 404, 2)
PERSISTED_QUERY_NOT_SUPPORTED = Failure("PERSISTED_QUERY_NOT_SUPPORTED", 400, 2)
RATE_LIMITED = Failure("RATE_LIMITED", 429, TRY_AGAIN)
OVERLOADED = Failure("RATE_LIMITED", 503, TRY_AGAIN)
UNAVAILABLE = Failure("UNAVAILABLE", 503, TRY_AGAIN)
INTERNAL = Failure("INTERNAL", 500, 1)


def failure_of(error: Exception) -> Failure:
    """What an error from below means to who called."""
    match error:
        case InvalidToken():
            return UNAUTHENTICATED
        case RateLimited():
            return RATE_LIMITED
        case Overloaded():
            return OVERLOADED
        case (
            Unavailable()
            | psycopg.OperationalError()
            | psycopg.errors.ReadOnlySqlTransaction()
            | PoolTimeout()
        ):
            return UNAVAILABLE
        case _:
            return INTERNAL


def retry_after(error: Exception) -> int | None:
    """In how many seconds the same call may work, where that is known."""
    match error:
        case RateLimited(retry_after=seconds) | Overloaded(retry_after=seconds):
            return seconds
        case _ if failure_of(error) is UNAVAILABLE:
            return Unavailable().retry_after
        case _:
            return None
