"""How a compiled field gets its value: an attribute, a direct call, or its resolver."""

from collections.abc import Callable
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    default_field_resolver,
    get_argument_values,
    print_ast,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import to_nodes
from graphql.pyutils import Path
from strawberry import Schema
from strawberry.schema.exception_handlers import get_error_type
from strawberry.schema.schema_converter import GraphQLCoreConverter, field_contains_type
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from api.graphql.execution.compiler.arguments import NotPlain, keywords

# Where a value stands in the answer: its parent's position, its key, its parent type's name.
# A tuple costs a tenth of graphql-core's Path, which is made of it when it is asked for.
Position = tuple[Any, str | int, str | None] | None
# Of an execution, a source and the position of what is wanted, the value.
Resolve = Callable[[Executor[Any], Any, Position], Any]


def path_of(position: Position) -> Path:
    """graphql-core's path of a position that is not the root's."""
    parent, key, typename = cast("tuple[Any, str | int, str | None]", position)
    return Path(parent and path_of(parent), key, typename)


@dataclass(frozen=True, slots=True)
class Place:
    """A field of an object type where the document selects it."""

    parent: GraphQLObjectType
    definition: GraphQLField
    details: FieldDetailsList

    @property
    def name(self) -> str:
        return self.details[0].node.name.value

    def info(self, execution: Executor[Any], position: Position) -> GraphQLResolveInfo[Any]:
        """What resolvers are told, at a position of the field or of an item in its list."""
        path = path_of(position)
        while isinstance(path.key, int) and path.prev:
            path = path.prev
        return execution.build_resolve_info(
            self.definition, to_nodes(self.details), self.parent, path
        )


def owner_of(schema: GraphQLSchema) -> Schema | None:
    """The Strawberry schema that the schema was made by, or None."""
    return getattr(schema, "_strawberry_schema", None)


def made_for(type_: GraphQLObjectType) -> type | None:
    """The class of which Strawberry itself would take any instance for the type, or None."""
    definition = type_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if isinstance(definition, StrawberryObjectDefinition) and definition.is_type_of is None:
        return definition.origin
    return None


def attribute(schema: GraphQLSchema, place: Place) -> str | None:
    """The attribute of the source that is all the field reads, or None."""
    field = _plain_field(schema, place.definition)
    if field is None or field.base_resolver or field.default_resolver is not getattr:
        return None
    name = field.python_name
    return name if name.isidentifier() and not iskeyword(name) else None


def resolver(schema: GraphQLSchema, place: Place) -> Resolve:
    """What calls the field's own function where nothing else is to be done, else its resolver."""
    field = _plain_field(schema, place.definition)
    if field is not None and field.base_resolver:
        try:
            return _function(schema, field, place)
        except NotPlain:
            pass
    resolve = place.definition.resolve or default_field_resolver
    arguments = _arguments(place)

    def call(execution: Executor[Any], source: Any, position: Position) -> Any:
        return resolve(source, place.info(execution, position), **arguments(execution))

    return call


def _plain_field(schema: GraphQLSchema, definition: GraphQLField) -> StrawberryField | None:
    """Strawberry's field, where no extension, permission or exception handler takes part in it."""
    field = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    owner = owner_of(schema)
    if (
        owner is None
        or not isinstance(field, StrawberryField)
        or type(field).get_result is not StrawberryField.get_result
        or field.extensions
        or any(field_contains_type(field, get_error_type(h)) for h in owner.exception_handlers)
    ):
        return None
    return field


def _function(schema: GraphQLSchema, field: StrawberryField, place: Place) -> Resolve:
    """Raises NotPlain."""
    owner = cast("Schema", owner_of(schema))
    takes = cast("StrawberryResolver[Any]", field.base_resolver)
    function = cast("Callable[..., Any]", takes.wrapped_func)
    sources = [found.name for found in (takes.parent_parameter, takes.root_parameter) if found]
    info, on_self = takes.info_parameter, takes.self_parameter is not None
    if on_self and not sources and info is None and not field.arguments:
        return lambda execution, source, position: function(source)
    arguments, converted = _arguments(place), keywords(owner, field.arguments)

    def call(execution: Executor[Any], source: Any, position: Position) -> Any:
        given = converted(arguments(execution))
        for name in sources:
            given[name] = source
        if info is not None:
            raw_info = place.info(execution, position)
            given[info.name] = owner.config.info_class(_raw_info=raw_info, _field=field)
        return function(source, **given) if on_self else function(**given)

    return call


def _arguments(place: Place) -> Callable[[Executor[Any]], dict[str, Any]]:
    definition, node = place.definition, place.details[0].node
    # A `$` in a string does no harm: its field's arguments are only read again and again.
    if not any("$" in print_ast(argument) for argument in node.arguments or ()):
        try:
            constant = get_argument_values(definition, node)
            hash(tuple(constant.values()))
        except (GraphQLError, TypeError):
            pass  # refused whenever it is called; or a list or a dict, which each call gets anew
        else:
            return lambda _: constant
    return lambda execution: get_argument_values(
        definition, node, execution.variable_values, None, execution.hide_suggestions
    )
