"""What clients are told: data, and errors with a code and nothing of the shop's insides."""

from collections.abc import Sequence
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLError

from api import failures
from api.failures import Failure, failure_of, retry_after
from api.graphql.errors import (
    BadUserInput,
    CallError,
    Internal,
    RateLimited,
    TooBusy,
    Unavailable,
)
from api.graphql.transport.redaction import without_values
from infrastructure.errors import ReadModelsLate
from infrastructure.errors import Unavailable as Away

log = structlog.get_logger()


def answer(result: ExecutionResult, request_id: str, cost: int | None = None) -> dict[str, object]:
    """The GraphQL response, as something to be written as JSON."""
    response: dict[str, object] = {}
    if result.errors:
        response["errors"] = error_list(result.errors, request_id)
    if result.data is not None or (result.errors and any(e.path for e in result.errors)):
        response["data"] = result.data
    if cost is not None:
        response["extensions"] = {"cost": cost}
    return response


def error_list(errors: Sequence[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """The errors as clients see them; what is the shop's own fault is logged."""
    return [_shown(error, request_id) for error in errors]


def _shown(error: GraphQLError, request_id: str) -> dict[str, Any]:
    told = _told(error, request_id)
    shown: dict[str, Any] = {"message": told.message, "extensions": told.extensions}
    if error.locations:
        shown["locations"] = [location.formatted for location in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def _told(error: GraphQLError, request_id: str) -> CallError:
    cause = root_cause(error)
    seconds = retry_after(cause)
    match failure_behind(error):
        case _ if isinstance(cause, CallError):
            return cause
        case failures.RATE_LIMITED if seconds is not None:
            return RateLimited(seconds, str(cause))
        case failures.OVERLOADED if seconds is not None:
            return TooBusy(seconds, str(cause))
        case failures.UNAVAILABLE if seconds is not None:
            log.warning("database unavailable", path=error.path, error=type(cause).__name__)
            return Unavailable(seconds, str(Away()), requestId=request_id)
        case failures.BAD_USER_INPUT:
            return BadUserInput(without_values(error.message))
        case _ if isinstance(cause, ReadModelsLate):
            return Internal(str(cause), requestId=request_id)
        case _:
            log.error("resolver failed", path=error.path, exc_info=cause)
            return Internal.of(request_id)


def failure_behind(error: GraphQLError) -> Failure:
    """What an error means to who called."""
    cause = root_cause(error)
    if isinstance(cause, CallError):
        return cause.failure
    found = failure_of(cause)
    # Without a path, a variable's value could not be read.
    unfit = isinstance(cause, GraphQLError) or not (error.path or isinstance(cause, ReadModelsLate))
    return failures.BAD_USER_INPUT if found == failures.INTERNAL and unfit else found


def root_cause(error: GraphQLError) -> Exception:
    """What was raised first, without the wrappings that say where."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause
