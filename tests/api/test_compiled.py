"""Compiled operations answer as graphql-core does: data, errors, and what resolvers see and do."""

import asyncio
import gc
import json
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from inspect import isawaitable
from operator import getitem
from typing import Annotated, Any, Union

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLSchema, OperationType, build_schema, execute, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig

from api.graphql.execution.compiler.operation import Compiled, NotCompilable, compile_operation
from tests.api import library
from tests.api.documents import Request, Scalars, requests

SCHEMA = library.schema._schema
SCALARS: Scalars = {"JSON": st.sampled_from([None, 1, "x", [1], {"a": [True]}])}
CHAOS = st.sampled_from([0.0, 0.0, 0.05, 0.3])
Run = Callable[[Request, object, object], Coroutine[Any, Any, ExecutionResult]]

thorough = settings(deadline=None, suppress_health_check=list(HealthCheck))
# Where an error ends the rest of a list, graphql-core too leaves coroutines that have not started.
leaves_coroutines = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:coroutine .* was never awaited:RuntimeWarning",
)


def compiled(text: str, schema: GraphQLSchema = SCHEMA, name: str | None = None) -> Compiled:
    return compile_operation(schema, parse(text), name)


async def interpreted(
    text: str,
    root: object = None,
    context: object = None,
    variables: dict[str, Any] | None = None,
    schema: GraphQLSchema = SCHEMA,
) -> ExecutionResult:
    owner = getattr(schema, "_strawberry_schema", None)
    result = execute(
        schema,
        parse(text),
        root,
        context,
        variables,
        executor_class=owner and owner.execution_context_class,
    )
    return await result if isawaitable(result) else result


def shown(result: ExecutionResult) -> dict[str, Any]:
    errors = [
        (
            json.dumps(error.path),
            error.message,
            error.locations,
            error.extensions,
            repr(error.original_error),
            type(error),
        )
        for error in result.errors or ()
    ]
    # UUIDs are left to who writes the JSON.
    return {"data": json.dumps(result.data, default=str), "errors": errors}


def same(request: Request, kind: type[library.Made], number: int, chaos: float) -> None:
    def answer(run: Run) -> dict[str, Any]:
        context = library.Context()
        root = library.make(kind, number, chaos)

        async def told() -> dict[str, Any]:
            result = await run(request, root, context)
            for _ in range(50):  # what goes on in the background after an error
                await asyncio.sleep(0)
            return shown(result) | {"log": context.log}

        return asyncio.run(told())

    assert answer(by_compiled) == answer(by_core)


async def by_core(request: Request, root: object, context: object) -> ExecutionResult:
    return await interpreted(request.text, root, context, deepcopy(request.variables))


async def by_compiled(request: Request, root: object, context: object) -> ExecutionResult:
    return await compiled(request.text).execute(root, context, deepcopy(request.variables))


@leaves_coroutines
@given(requests(SCHEMA, SCALARS), st.integers(0, 99), CHAOS)
@settings(thorough, max_examples=150)
def test_a_query_is_answered_as_by_graphql_core(
    request: Request, number: int, chaos: float
) -> None:
    same(request, library.Query, number, chaos)


@leaves_coroutines
@given(requests(SCHEMA, SCALARS, OperationType.MUTATION), st.integers(0, 99), CHAOS)
@settings(thorough, max_examples=100)
def test_a_mutation_is_answered_as_by_graphql_core(
    request: Request, number: int, chaos: float
) -> None:
    same(request, library.Mutation, number, chaos)


async def test_a_mutations_fields_run_one_after_the_other() -> None:
    context = library.Context()
    root = library.make(library.Mutation, 1, 0.0)
    mutation = compiled('mutation { a: add(by: 1) { pages } note(text: "n") b: add(by: 2) { id } }')
    await mutation.execute(root, context, None)
    assert context.log == ["add 1", "added 1", "n", "add 2", "added 2"]


async def test_what_siblings_load_is_loaded_at_once() -> None:
    context = library.Context()
    root = library.make(library.Query, 1, 0.0)
    query = compiled("{ authors(first: 4) { future maybeSlow(by: 2) } }")
    await query.execute(root, context, None)
    assert context.log == [[0, 1, 2, 3]]


@pytest.mark.parametrize("run", [by_core, by_compiled])
async def test_what_has_begun_beside_an_error_ends_by_itself(run: Run) -> None:
    context = library.Context()
    root = library.make(library.Query, 1, 0.0)
    vars(root)["author"] = author = library.make(library.Author, 2, 0.0)
    vars(author)["books"] = [library.make(library.Book, 3, 0.0), None]
    result = await run(Request("{ author { books { noted } } }", {}), root, context)
    assert result.data == {"author": None}
    assert context.log == []
    await asyncio.sleep(0.01)
    assert context.log == ["noted 3"]


async def test_a_null_condition_is_an_error_of_the_fields_around_it() -> None:
    root = library.make(library.Query, 1, 0.0)
    vars(root)["node"] = library.make(library.Book, 1, 0.0)
    text = """query ($null: Boolean = false) {
        motto node { id ... on Book { cover { width colour @skip(if: $null) } } }
    }"""
    request = Request(text, {"null": None})
    answer = shown(await by_compiled(request, root, library.Context()))
    assert answer == shown(await by_core(request, root, library.Context()))
    assert [path for path, *_ in answer["errors"]] == ['["node", "cover"]']


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{ __schema { description } }", None),
        ('{ __type(name: "Query") { name } }', None),
        ("{ motto @deferred }", None),
        ("{ ... @defer { motto } }", None),
        ("query @experimental_disableErrorPropagation { motto }", None),
        ("query ($a: Int @known) { motto }", None),
        ("subscription { motto }", None),
        ("query A { motto } query B { motto }", None),
        ("query A { motto }", "B"),
        ("fragment A on Query { motto }", None),
    ],
)
def test_what_is_left_to_graphql_core_says_so(text: str, name: str | None) -> None:
    with pytest.raises(NotCompilable):
        compiled(text, name=name)


def test_fragment_variables_are_left_to_graphql_core() -> None:
    text = "fragment A($a: Int) on Query { motto } query { ...A }"
    document = parse(text, experimental_fragment_arguments=True)
    with pytest.raises(NotCompilable):
        compile_operation(SCHEMA, document, None)


async def test_one_of_several_operations_is_picked_by_its_name() -> None:
    query = compiled("query A { motto } query B { b: __typename }", name="B")
    assert (await query.execute(None, None, None)).data == {"b": "Query"}


async def test_an_operation_is_executed_again_with_other_conditions() -> None:
    text = """query ($a: Boolean = false, $b: Boolean!) {
        x: __typename @include(if: $a) y: __typename @skip(if: $b) z: __typename
        colour @include(if: $a)
    }"""
    query = compiled(text)
    root = library.make(library.Query, 3, 0.0)
    choices: list[dict[str, Any]] = [
        {"a": a, "b": b} for a in (True, False, None) for b in (True, False, None)
    ]
    choices += [{"b": True}, {"a": True}, {"b": False}]
    answers = [shown(await interpreted(text, root, None, chosen)) for chosen in choices]
    again = await asyncio.gather(*(query.execute(root, None, chosen) for chosen in choices * 3))
    assert [shown(answer) for answer in again] == answers * 3


class Visit:
    """A context that leaves nothing behind."""

    seen = False


@strawberry.type
class Visited:
    @strawberry.field
    async def visit(self, info: strawberry.Info[Visit, None]) -> bool:
        await asyncio.sleep(0)
        info.context.seen = True
        return True


async def test_what_was_read_is_gone_without_the_collector() -> None:
    query = compiled("{ a: visit b: visit }", strawberry.Schema(Visited)._schema)
    context = Visit()
    gone = weakref.ref(context)
    gc.disable()
    try:
        assert (await query.execute(Visited(), context, None)).data == {"a": True, "b": True}
        assert context.seen
        del context
        assert gone() is None
    finally:
        gc.enable()


async def test_a_resolver_may_change_the_arguments_it_is_given() -> None:
    text = "{ a: coloured(filter: {}, colours: [RED], raw: {x: 1}) b: coloured(filter: {}) }"
    query = compiled(text)
    root = library.make(library.Query, 3, 0.0)
    first = await query.execute(root, None, None)
    assert (await query.execute(root, None, None)).data == first.data
    assert first.errors is None


def test_selections_that_are_too_deep_are_left_to_graphql_core() -> None:
    fragments = [f"fragment F{n} on Film {{ sequel {{ ...F{n + 1} }} }}" for n in range(150)]
    text = "\n".join(["{ film { ...F0 } }", *fragments, "fragment F150 on Film { minutes }"])
    film = library.make(library.Film, 1, 0.0)
    vars(film)["sequel"] = film
    root = library.make(library.Query, 1, 0.0)
    vars(root)["film"] = film
    with ThreadPoolExecutor() as thread:  # its stack has nothing of the test runner on it
        context = library.Context()
        by_core = thread.submit(asyncio.run, interpreted(text, root, context)).result()
        answer = thread.submit(asyncio.run, compiled(text).execute(root, context, None)).result()
    assert shown(answer) == shown(by_core)
    assert answer.errors is None


async def test_a_schema_that_is_not_strawberrys_has_its_default_resolvers() -> None:
    schema = build_schema(
        "type Query { name: String! pets(named: [String!] = []): [Pet!]! }"
        " interface Pet { name: String } type Cat implements Pet { name: String lives: Int! }"
        " enum Size { SMALL } type Dog implements Pet { name: String size: Size }"
    )
    root = {
        "name": lambda info: info.field_name,
        "pets": lambda info, named: [
            {"__typename": "Cat", "name": named[0], "lives": 9},
            {"__typename": "Dog", "size": "SMALL"},
            {"__typename": "Fish"},
        ],
    }
    text = """query ($n: String!) { name pets(named: [$n]) {
        name ... on Cat { lives } ... on Dog { size }
    } }"""
    for variables in ({"n": "Tom"}, {}, {"n": 1}):
        answer = await compiled(text, schema).execute(root, None, variables)
        assert shown(answer) == shown(await interpreted(text, root, None, variables, schema))


@strawberry.type
class Failure:
    reason: str


@strawberry.type
class Success:
    amount: int


Outcome = Annotated[Union[Success, Failure], strawberry.union("Outcome")]  # noqa: UP007


@strawberry.type
class Handled:
    plain: int
    direct: Outcome

    @strawberry.field
    def outcome(self) -> Outcome:
        raise library.Refused("no")

    @strawberry.field
    async def later(self) -> Outcome:
        raise library.Refused("later")


class Handler(strawberry.ExceptionHandler[library.Refused, Failure]):
    def handle(self, exception: library.Refused, **_: Any) -> Failure:
        return Failure(reason=f"handled {exception}")


async def test_exception_handlers_are_honoured() -> None:
    schema = strawberry.Schema(Handled, exception_handlers=[Handler()])._schema

    class Source:
        plain = 1

        @property
        def direct(self) -> Outcome:
            raise library.Refused("direct")

    text = (
        "{ plain direct { ...F } outcome { ...F } later { ...F } } fragment F on Failure { reason }"
    )
    answer = await compiled(text, schema).execute(Source(), None, None)
    assert answer.data == {
        "plain": 1,
        "direct": {"reason": "handled direct"},
        "outcome": {"reason": "handled no"},
        "later": {"reason": "handled later"},
    }
    assert shown(answer) == shown(await interpreted(text, Source(), schema=schema))


async def test_a_default_resolver_is_honoured() -> None:
    config = StrawberryConfig(default_resolver=getitem)
    schema = strawberry.Schema(Success, config=config)._schema
    answer = await compiled("{ amount }", schema).execute({"amount": 3}, None, None)
    assert answer.data == {"amount": 3}
