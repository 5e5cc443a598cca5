"""The answers to one operation, one after the other, whatever carries them to the client."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from graphql import ExecutionResult, GraphQLError, OperationType

from api.graphql.admission import TooMany
from api.graphql.context import Context
from api.graphql.errors import TooBusy
from api.graphql.execution.engine import Operation
from api.graphql.execution.request import Refused, Request
from api.graphql.services import Services
from api.graphql.transport.responses import answer
from infrastructure.errors import Overloaded


async def answers(
    services: Services, operation: Operation, request: Request, context: Context, cost: int
) -> AsyncGenerator[dict[str, object], None]:
    """One for a query or a mutation, any number for a subscription.

    Raises Refused where it cannot begin, or breaks off.
    """
    if operation.kind is OperationType.SUBSCRIPTION:
        async with aclosing(_subscribed(services, operation, request, context)) as results:
            async for result in results:
                yield answer(result, context.call.id, cost)
    else:
        result = await _executed(services, operation, request, context)
        yield answer(result, context.call.id, cost)


async def _executed(
    services: Services, operation: Operation, request: Request, context: Context
) -> ExecutionResult:
    try:
        with services.operations.hold(None):
            return await services.execute(operation, request, context)
    except TooMany:
        raise Refused(TooBusy(1, str(Overloaded()))) from None


async def _subscribed(
    services: Services, operation: Operation, request: Request, context: Context
) -> AsyncGenerator[ExecutionResult, None]:
    results = await services.engine.subscribe(operation, request.variables, context)
    if isinstance(results, ExecutionResult):
        raise Refused(*results.errors or ())
    async with aclosing(results):
        try:
            async for result in results:
                yield result
        except Exception as error:  # the client is told, by its code
            path = list(operation.fields)
            raise Refused(GraphQLError("", path=path, original_error=error)) from error
