"""Selection sets of a GraphQL operation as generated Python functions.

For `{ name price { amount } }` on a Product whose fields are plain attributes it is

    def row(execution, source, position):
        data = {}
        pending = []
        try:
            try:
                raw = source.name
                value = raw if type(raw) is str else ...
            except Exception as error:
                raw, value = error, None
            if value is None:
                value = settle_0(execution, raw, (position, 'name', 'Product'))
                if type(value) is CoroutineType:
                    pending.append('name')
            data['name'] = value
            ... and for the price the same with `value = below_1(...)`, which is the row of Money,
            where the type of `raw` is a known one ...
        except Exception:
            abandon(execution, data.values())
            raise
        return await_all(data, pending) if pending else data

A value that is not simply there (null, awaitable, an error, of another type than usual) is for
`settle`, which does what graphql-core's executor does, in the same order.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from types import CoroutineType
from typing import Any, cast
from uuid import UUID

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    default_type_resolver,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.executor import collect_iterator_awaitables, invalid_return_type_error
from graphql.execution.values import VariableValues
from graphql.pyutils import gather_with_cancel, is_async_iterable, is_awaitable, is_iterable
from graphql.type.scalars import serialize_boolean, serialize_id, serialize_int, serialize_string
from strawberry.types.cast import get_strawberry_type_cast

from api.graphql.execution.compiler.resolvers import (
    Place,
    Position,
    attribute,
    made_for,
    path_of,
    resolver,
)

# Of an execution, a value and its position, what the answer has there: or a coroutine of it.
Complete = Callable[[Executor[Any], Any, Position], Any]

MOST_CODE = 1024
MOST_KNOWN_TYPES = 4096
NEVER_KNOWN = (type(None), type(Undefined), Exception, Awaitable, Generator)
# Types whose values are neither null nor errors nor awaitable.
_known: set[type] = set()

# What is written as it is, by the scalar's own function.
_AS_IT_IS: dict[Callable[..., Any], str] = {
    serialize_string: "type(raw) is str",
    serialize_id: "type(raw) is str or type(raw) is UUID",  # which orjson writes in the same way
    serialize_boolean: "type(raw) is bool",
    serialize_int: f"type(raw) is int and {GRAPHQL_MIN_INT} <= raw <= {GRAPHQL_MAX_INT}",
}
_FIELD = """
        try:
            raw = {read}
            value = {usual}
        except Exception as error:
            raw, value = error, None
        if value is None{unless}:
            value = settle_{n}(execution, raw, {here})
            if type(value) is CoroutineType:
                pending.append({key!r})
        data[{key!r}] = value"""
_BELOW = """
        try:
            raw = {read}
            value = below_{n}(execution, raw, {here}) if type(raw) in known else None
        except Exception as error:
            raw, value = error, None
        if value is None{unless}:
            value = settle_{n}(execution, raw, {here})
        elif type(value) is CoroutineType:
            value = guarded_{n}(execution, value, {here})
        if type(value) is CoroutineType:
            pending.append({key!r})
        data[{key!r}] = value"""
_ROW = """
def row(execution, source, position):
    data = {{}}
    pending = []
    try:
        pass{fields}
    except Exception:
        abandon(execution, data.values())
        raise
    return await_all(data, pending) if pending else data
"""


# Documents that differ in arguments, or share a fragment, share the code: it names no objects.
_code = lru_cache(MOST_CODE)(partial(compile, filename=__name__, mode="exec"))


class Selections:
    """Those of one operation, for one choice of the variables in its @skip and @include."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: dict[str, Any],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._conditions = VariableValues({}, conditions)
        self._fragments = {
            definition.name.value: FragmentDetails(definition)
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def rows(self) -> list[Complete]:
        """The operation's own selection set: functions to be run one after the other.

        Raises GraphQLError where one of its conditions is null.
        """
        kind = self._operation.operation
        type_ = cast("GraphQLObjectType", self._schema.get_root_type(kind))
        fields = collect_fields(
            self._schema, self._fragments, self._conditions, type_, self._operation
        ).grouped_field_set
        if kind is OperationType.MUTATION:
            return [self._row(type_, {key: details}) for key, details in fields.items()]
        return [self._row(type_, fields)]

    def _below(self, type_: GraphQLObjectType, details: FieldDetailsList) -> Complete:
        def fields() -> GroupedFieldSet:
            return collect_subfields(
                self._schema, self._fragments, self._conditions, self._operation, type_, details
            ).grouped_field_set

        try:
            return self._row(type_, fields())
        except GraphQLError:  # a condition is null: each value here is refused
            return lambda execution, value, position: fields()

    def _row(self, type_: GraphQLObjectType, fields: GroupedFieldSet) -> Complete:
        names: dict[str, Any] = {
            "CoroutineType": CoroutineType,
            "UUID": UUID,
            "Undefined": Undefined,
            "abandon": _abandon,
            "await_all": _await_all,
            "known": _known,
        }
        lines = [
            self._field(n, type_, key, details, names)
            for n, (key, details) in enumerate(fields.items())
        ]
        source = _ROW.format(fields="".join(lines))
        exec(_code(source), names)  # noqa: S102  # nothing of a client's is in it but names
        row: Complete = names["row"]
        return row

    def _field(
        self,
        n: int,
        parent: GraphQLObjectType,
        key: str,
        details: FieldDetailsList,
        names: dict[str, Any],
    ) -> str:
        name = details[0].node.name.value
        if name == "__typename":
            return f"\n        data[{key!r}] = {parent.name!r}"
        place = Place(parent, parent.fields[name], details)
        type_ = place.definition.type
        here = f"(position, {key!r}, {parent.name!r})"
        handling = self._handling(place, type_)
        names[f"settle_{n}"] = handling.settle
        if read := attribute(self._schema, place):
            read = f"source.{read}"
        else:
            names[f"resolve_{n}"] = resolver(self._schema, place)
            read = f"resolve_{n}(execution, source, {here})"
        template = _FIELD
        if not is_leaf_type(get_nullable_type(type_)):
            template = _BELOW
            names |= {f"below_{n}": handling.complete, f"guarded_{n}": handling.guarded}
        return template.format(
            n=n,
            key=key,
            here=here,
            read=read,
            usual=_usual(n, get_nullable_type(type_), names),
            unless="" if is_non_null_type(type_) else " and raw is not None",
        )

    def _handling(self, place: Place, type_: GraphQLOutputType) -> "Handling":
        return _handling(place, type_, self._present(place, get_nullable_type(type_)))

    def _present(self, place: Place, type_: GraphQLType) -> Complete:
        """What completes a value that is there, of a nullable type."""
        if isinstance(type_, GraphQLList):
            return _list(place, type_, self._handling(place, type_.of_type))
        if is_leaf_type(type_):
            return _leaf(type_)
        if is_abstract_type(type_):
            objects = cache(lambda found: self._object(place, found))
            return _abstract(place, type_, objects)
        return self._object(place, cast("GraphQLObjectType", type_))

    def _object(self, place: Place, type_: GraphQLObjectType) -> Complete:
        return _checked(place, type_, self._below(type_, place.details))


def _usual(n: int, type_: GraphQLType, names: dict[str, Any]) -> str:
    """An expression that writes `raw` where it is a leaf as usual, and is else None."""
    if not is_leaf_type(type_):
        return "None"
    write = names[f"write_{n}"] = type_.coerce_output_value
    enum = getattr(type_, "wrapped_cls", None)
    if isinstance(type_, GraphQLEnumType) and enum is not None:
        names[f"enum_{n}"] = enum
        names[f"names_{n}"] = {member: write(member) for member in enum}
        return f"names_{n}.get(raw) if type(raw) is enum_{n} else None"
    written = f"None if type(raw) not in known or (out := write_{n}(raw)) is Undefined else out"
    if usual := _AS_IT_IS.get(write):
        return f"raw if {usual} else {written}"
    return written


@dataclass(frozen=True, slots=True)
class Handling:
    """What makes answers of the values of a field, or of a list's items: `complete` of one that is
    there; `settle` of anything, an error too; `guarded` of what `complete` leaves to be awaited."""

    complete: Complete
    settle: Complete
    guarded: Complete


def _handling(place: Place, type_: GraphQLOutputType, complete: Complete) -> Handling:
    required = is_non_null_type(type_)

    def failed(execution: Executor[Any], error: Exception, position: Position) -> None:
        execution.handle_field_error(error, type_, place.details, path_of(position))

    def present(execution: Executor[Any], raw: Any, position: Position) -> Any:
        if isinstance(raw, Exception):
            raise raw
        if raw is not None and raw is not Undefined:
            return complete(execution, raw, position)
        if required:
            field = f"{place.parent}.{place.name}"
            raise TypeError(f"Cannot return null for non-nullable field {field}.")
        return None

    async def guarded(execution: Executor[Any], value: Any, position: Position) -> Any:
        try:
            return await value
        except Exception as error:
            return failed(execution, error, position)

    def settle(execution: Executor[Any], raw: Any, position: Position) -> Any:
        try:
            value = _then(raw, lambda there: present(execution, there, position))
            if len(_known) < MOST_KNOWN_TYPES and not isinstance(raw, NEVER_KNOWN):
                _known.add(type(raw))
        except Exception as error:
            return failed(execution, error, position)
        return guarded(execution, value, position) if type(value) is CoroutineType else value

    return Handling(complete, settle, guarded)


def _list(place: Place, type_: GraphQLList[Any], of_items: Handling) -> Complete:
    below, settle, guarded = of_items.complete, of_items.settle, of_items.guarded

    def complete(execution: Executor[Any], items: Any, position: Position) -> Any:
        if type(items) is not list and (is_async_iterable(items) or not is_iterable(items)):
            info = place.info(execution, position)
            return execution.complete_list_value(
                type_, place.details, info, path_of(position), items, None
            )
        values: list[Any] = []
        pending: list[int] = []
        left = iter(items)
        try:
            for index, item in enumerate(left):
                here = (position, index, None)
                try:
                    value = below(execution, item, here) if type(item) in _known else None
                except Exception as error:
                    value = settle(execution, error, here)
                else:
                    if value is None:
                        value = settle(execution, item, here)
                    elif type(value) is CoroutineType:
                        value = guarded(execution, value, here)
                if type(value) is CoroutineType:
                    pending.append(index)
                values.append(value)
        except Exception:
            _abandon(execution, values + collect_iterator_awaitables(left, is_awaitable))
            raise
        return _await_all(values, pending) if pending else values

    return complete


def _leaf(type_: GraphQLLeafType) -> Complete:
    return lambda execution, value, position: Executor.complete_leaf_value(type_, value)


def _abstract(
    place: Place, type_: GraphQLAbstractType, objects: Callable[[GraphQLObjectType], Complete]
) -> Complete:
    resolve_type = type_.resolve_type or default_type_resolver

    def complete(execution: Executor[Any], value: Any, position: Position) -> Any:
        info = place.info(execution, position)

        def found(name: Any) -> Any:
            runtime_type = execution.ensure_valid_runtime_type(
                name, type_, place.details, info, value
            )
            return objects(runtime_type)(execution, value, position)

        return _then(resolve_type(value, info, type_), found)

    return complete


def _checked(place: Place, type_: GraphQLObjectType, row: Complete) -> Complete:
    is_type_of = type_.is_type_of
    if is_type_of is None:
        return row
    surely = made_for(type_)

    def complete(execution: Executor[Any], value: Any, position: Position) -> Any:
        if type(value) is surely and get_strawberry_type_cast(value) is None:
            return row(execution, value, position)

        def told(fits: Any) -> Any:
            if not fits:
                raise invalid_return_type_error(type_, value, place.details)
            return row(execution, value, position)

        return _then(is_type_of(value, place.info(execution, position)), told)

    return complete


def _then(value: Any, go: Callable[[Any], Any]) -> Any:
    """`go(value)`, now or when the value is there."""
    if not is_awaitable(value):
        return go(value)

    async def later() -> Any:
        result = go(await value)
        return await result if type(result) is CoroutineType else result

    return later()


async def _await_all(values: Any, pending: list[Any]) -> Any:
    """Put what they come to in the places of the values that are pending."""
    if len(pending) == 1:
        values[pending[0]] = await values[pending[0]]
    else:
        done = await gather_with_cancel(*(values[place] for place in pending))
        for place, value in zip(pending, done, strict=True):
            values[place] = value
    return values


def _abandon(execution: Executor[Any], values: Iterable[Any]) -> None:
    """Let what is pending end by itself: the error beside it is not to wait."""
    if pending := [value for value in values if is_awaitable(value)]:
        execution.settle_in_background(pending)
