"""GraphQL operations compiled: a document is walked once, then answered by plain functions.

What is rare stays with graphql-core's executor, which each execution has: variables, `info`,
errors with their places, async iterables. So the answers are the same, field for field and error
for error, but for UUIDs, which are left to be written by orjson; tests/api/test_compiled.py holds
the two against each other.
"""

from functools import lru_cache
from inspect import isawaitable
from types import CoroutineType
from typing import Any, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    visit,
)
from graphql.execution import Executor

from api.graphql.execution.compiler.resolvers import owner_of
from api.graphql.execution.compiler.selections import Complete, Selections

MOST_VARIANTS = 16


class NotCompilable(Exception):
    """The operation has to be executed by graphql-core."""


def compile_operation(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    *,
    hide_suggestions: bool = False,
) -> "Compiled":
    """Compile an operation of a document that is valid for the schema.

    Raises NotCompilable for subscriptions, introspection, any directive but @skip and @include,
    fragment variables, and where the name picks no operation.
    """
    operation = get_operation_ast(document, operation_name)
    if operation is None or operation.operation is OperationType.SUBSCRIPTION:
        raise NotCompilable("Neither a query nor a mutation")
    survey = _Survey()
    visit(document, survey)
    return Compiled(schema, document, operation, sorted(survey.conditions), hide_suggestions)


class Compiled:
    """An operation, ready to be executed any number of times, also concurrently."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: list[str],
        hide_suggestions: bool,
    ) -> None:
        self._schema = schema
        self._document = document
        self._operation = operation
        self._conditions = conditions
        self._hide_suggestions = hide_suggestions
        self._rows = lru_cache(MOST_VARIANTS)(self._compile)
        owner = owner_of(schema)
        self._executor: type[Executor[Any]] = owner.execution_context_class if owner else Executor

    async def execute(
        self, root: object, context: object, raw_variables: dict[str, Any] | None
    ) -> ExecutionResult:
        """Answer as graphql-core does. Field extensions are run, schema extensions are not."""
        execution = self._executor.build(
            self._schema,
            self._document,
            root,
            context,
            raw_variables,
            self._operation.name.value if self._operation.name else None,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(execution, list):
            return ExecutionResult(None, execution)
        given = execution.variable_values.coerced
        try:
            rows = self._rows(*map(given.get, self._conditions))
        except (GraphQLError, RecursionError):  # a null condition, or too deep
            result = execution.execute_operation()
            return cast("ExecutionResult", await result if isawaitable(result) else result)
        data = None
        try:
            data = await _run(execution, rows)
        except GraphQLError as error:
            execution.collected_errors.add(error, None)
        errors = execution.collected_errors.errors
        if not errors:  # so nothing of it is still running
            # They refer to it: all that was read would be kept until the collector comes round.
            del execution.async_helpers
        return ExecutionResult(data, errors or None)

    def _compile(self, *conditions: object) -> list[Complete]:
        given = dict(zip(self._conditions, conditions, strict=True))
        return Selections(self._schema, self._document, self._operation, given).rows()


async def _run(execution: Executor[Any], rows: list[Complete]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for row in rows:
        part = row(execution, execution.root_value, None)
        data |= await part if type(part) is CoroutineType else part
    return data


class _Survey(Visitor):
    """Looks for what cannot be compiled, and for the variables that fields depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.conditions: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value.startswith("__") and node.name.value != "__typename":
            raise NotCompilable("Introspection")

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value not in {"skip", "include"}:
            raise NotCompilable(f"Directive @{node.name.value}")
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.conditions.add(argument.value.name.value)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        if node.variable_definitions:
            raise NotCompilable("Fragment variables")
