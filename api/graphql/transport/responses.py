"""What clients are told: data, and errors with a code and nothing of the shop's insides."""

from collections.abc import Sequence
from typing import Any

import structlog
from graphql import ExecutionResult, GraphQLError

from api import failures
from api.failures import failure_of, retry_after
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


def answer(
    result: ExecutionResult, request_id: object, cost: int | None = None
) -> dict[str, object]:
    """The GraphQL response, as something to be written as JSON."""
    response: dict[str, object] = {}
    if result.errors:
        response["errors"] = error_list(result.errors, request_id)
    if result.data is not None or (result.errors and any(e.path for e in result.errors)):
        response["data"] = result.data
    if cost is not None:
        response["extensions"] = {"cost": cost}
    return response


def error_list(errors: Sequence[GraphQLError], request_id: object) -> list[dict[str, Any]]:
    """The errors as clients see them; what is the shop's own fault is logged."""
    return [_shown(error, request_id) for error in errors]


def _shown(error: GraphQLError, request_id: object) -> dict[str, Any]:
    told = _told(error, request_id)
    shown: dict[str, Any] = {"message": told.message, "extensions": told.extensions}
    if error.locations:
        shown["locations"] = [location.formatted for location in error.locations]
    if error.path:
        shown["path"] = error.path
    return shown


def _told(error: GraphQLError, request_id: object) -> CallError:
    cause = root_cause(error)
    seconds = retry_after(cause)
    match failure_of(cause):
        case _ if isinstance(cause, CallError):
            return cause
        case failures.RATE_LIMITED if seconds is not None:
            return RateLimited(seconds, str(cause))
        case failures.OVERLOADED if seconds is not None:
            return TooBusy(seconds, str(cause))
        case failures.UNAVAILABLE if seconds is not None:
            log.warning("database unavailable", path=error.path, error=type(cause).__name__)
            return Unavailable(seconds, str(Away()), requestId=str(request_id))
        case _ if isinstance(cause, ReadModelsLate):
            return Internal(str(cause), requestId=str(request_id))
        # Without a path, a variable's value could not be read.
        case _ if isinstance(cause, GraphQLError) or not error.path:
            return BadUserInput(without_values(error.message))
        case _:
            log.error("resolver failed", path=error.path, exc_info=cause)
            return Internal(
                f"Something went wrong; request id {request_id}.", requestId=str(request_id)
            )


def root_cause(error: GraphQLError) -> Exception:
    """What was raised first, without the wrappings that say where."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause
