"""GraphQL operations: parsed, validated and weighed once for each document, then executed."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Mapping
from inspect import isawaitable
from typing import Any, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    TokenKind,
    execute,
    parse,
    specified_rules,
    validate,
)
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event
from graphql.pyutils import AwaitableOrValue

from api.graphql.context import Context
from api.graphql.errors import BadUserInput, QueryTooComplex
from api.graphql.execution.compiler.operation import Compiled, NotCompilable, compile_operation
from api.graphql.execution.cost import (
    MOST_COST,
    MOST_TOKENS,
    Cost,
    excess,
    fragments_of,
    root_fields,
)
from api.graphql.execution.documents import Documents
from api.graphql.execution.request import Refused, Request
from api.metrics import FIELDS
from domain.message import message
from infrastructure.errors import Unavailable

LONGEST_READ = 100_000  # characters; to read a million, most of them commas, takes 100 ms
MOST_DIGITS = 100  # of a number in a document
LONG_NUMBER = re.compile(rf"\d{{{MOST_DIGITS + 1},}}")
NUMBERS = (TokenKind.INT, TokenKind.FLOAT)
TOO_LARGE = ("Syntax Error: Document contains more than", "Syntax Error: Document is nested too")
PATIENCE = 15.0  # seconds that a query or a mutation may take


@message
class Operation:
    """One operation of a valid document: its root fields by their keys in the answer; its cost; and
    itself compiled, None where graphql-core has to execute it."""

    document: DocumentNode
    kind: OperationType
    name: str | None
    fields: Mapping[str, str]
    cost: Cost
    compiled: Compiled | None


class Engine:
    """Executes the operations of one schema: of the documents in `manifest` alone, by their ids,
    where there is one. Raises NoManifest where one of those is not valid."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        introspection: bool,
        manifest: Mapping[str, str] | None = None,
    ) -> None:
        self.schema = schema._schema  # noqa: SLF001  # it has no public name
        self._executor = cast("type[Executor[Context]]", schema.execution_context_class)
        self._hidden = not introspection
        self._rules = (
            (*specified_rules, NoSchemaIntrospectionCustomRule) if self._hidden else specified_rules
        )
        self._documents = Documents(self._operations, manifest)

    def prepare(self, request: Request) -> Operation:
        """The operation that is asked for. Raises Refused."""
        operations = self._documents.find(request)
        if request.operation_name is None and len(operations) == 1:
            return next(iter(operations.values()))
        operation = operations.get(request.operation_name)
        if operation is None:
            name = request.operation_name
            raise Refused(
                BadUserInput(f"Unknown operation {name!r}." if name else "Name the operation.")
            )
        return operation

    def cost(self, operation: Operation, variables: dict[str, Any] | None) -> int:
        """What the operation costs. Raises Refused for too much."""
        cost = operation.cost.of(variables or {})
        if cost > MOST_COST:
            raise Refused(QueryTooComplex(f"The operation costs {cost}, the most is {MOST_COST}."))
        return cost

    def _operations(self, query: str) -> dict[str | None, Operation]:
        document = self._valid(query)
        fragments = fragments_of(document)
        operations: dict[str | None, Operation] = {}
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                name = node.name.value if node.name else None
                fields = root_fields(node, fragments)
                cost = Cost(self.schema, fragments, node)
                compiled = self._compiled(document, name)
                operations[name] = Operation(document, node.operation, name, fields, cost, compiled)
        return operations

    def _compiled(self, document: DocumentNode, name: str | None) -> Compiled | None:
        try:
            return compile_operation(self.schema, document, name, hide_suggestions=self._hidden)
        except NotCompilable:
            return None

    def _valid(self, query: str) -> DocumentNode:
        if len(query) > LONGEST_READ:
            raise Refused(QueryTooComplex(f"A document has at most {LONGEST_READ:,} characters."))
        try:
            document = parse(query, max_lexical_tokens=MOST_TOKENS, max_comments=MOST_TOKENS)
        except GraphQLError as error:
            if error.message.startswith(TOO_LARGE):
                raise Refused(QueryTooComplex(error.message)) from None
            raise Refused(error) from None
        if LONG_NUMBER.search(query) and _has_long_number(document):
            raise Refused(BadUserInput(f"A number in a document has at most {MOST_DIGITS} digits."))
        if reason := excess(document):
            raise Refused(QueryTooComplex(reason))
        errors = validate(
            self.schema, document, self._rules, max_errors=20, hide_suggestions=self._hidden
        )
        if errors:
            raise Refused(*errors)
        return document

    async def execute(
        self, operation: Operation, variables: dict[str, Any] | None, context: Context
    ) -> ExecutionResult:
        """Run a query or a mutation; what takes too long is answered with Unavailable."""
        _count(operation)
        if operation.compiled is not None:
            result: AwaitableOrValue[ExecutionResult] = operation.compiled.execute(
                None, context, variables
            )
        else:
            result = execute(
                self.schema,
                operation.document,
                context_value=context,
                variable_values=variables,
                operation_name=operation.name,
                executor_class=self._executor,
                hide_suggestions=self._hidden,
            )
        if not isawaitable(result):
            return result
        # Not `asyncio.timeout`: that would wait for the database to confirm the end of a query.
        task = asyncio.ensure_future(result)
        try:
            await asyncio.wait({task}, timeout=PATIENCE)
            if task.done():
                return task.result()
        finally:
            task.cancel()
        late = GraphQLError("", path=list(operation.fields), original_error=Unavailable())
        return ExecutionResult(None, [late])

    async def subscribe(
        self, operation: Operation, variables: dict[str, Any] | None, context: Context
    ) -> AsyncGenerator[ExecutionResult] | ExecutionResult:
        """The results of a subscription as they come, or why there are none."""
        _count(operation)
        executor = self._executor.build(
            self.schema,
            operation.document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=operation.name,
            hide_suggestions=self._hidden,
        )
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        stream = create_source_event_stream(executor)
        if isawaitable(stream):
            stream = await stream
        if isinstance(stream, ExecutionResult):
            return stream
        return map_source_to_response_event(executor, stream, _execute_event)


def _has_long_number(document: DocumentNode) -> bool:
    token = document.loc.start_token if document.loc else None
    while token is not None:
        if token.kind in NUMBERS and len(token.value or "") > MOST_DIGITS:
            return True
        token = token.next
    return False


def _count(operation: Operation) -> None:
    for field in operation.fields.values():
        FIELDS.labels(operation.kind.value, field).inc()


def _execute_event(executor: Executor[Context]) -> Awaitable[ExecutionResult] | ExecutionResult:
    # What one event has loaded is out of date at the next.
    executor.context_value.refresh()
    return cast(
        "Awaitable[ExecutionResult] | ExecutionResult", executor.execute_operation(serially=False)
    )
