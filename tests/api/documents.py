"""Valid GraphQL documents with their variables, made by hypothesis from any schema."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationType,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)
from hypothesis import assume
from hypothesis import strategies as st

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
Draw = Callable[[st.SearchStrategy[Any]], Any]
Scalars = dict[str, st.SearchStrategy[Any]]  # values as JSON has them, by the scalar's name

SCALARS: Scalars = {
    "Int": st.integers(-3, 120),
    "Float": st.sampled_from([0.5, 2.0, -1.25]),
    "String": st.sampled_from(["", "a", "$b", 'q"uote']),
    "Boolean": st.booleans(),
    "ID": st.sampled_from(["1", "x", "00000000-0000-0000-0000-000000000001"]),
}


class Enumerator(str):
    """An enum value: a bare name in a document, a string among the variables."""

    __slots__ = ()


@dataclass
class Request:
    """A document and what is sent with it."""

    text: str
    variables: dict[str, Any]


@st.composite
def requests(
    draw: Draw,
    schema: GraphQLSchema,
    scalars: Scalars,
    kind: OperationType = OperationType.QUERY,
    depth: int = 4,
) -> Request:
    """Requests that pass the validation."""
    root = cast("GraphQLObjectType", schema.get_root_type(kind))
    writer = _Writer(draw, schema, SCALARS | scalars)
    selection = writer.selection(root, depth)
    declared = ", ".join(writer.declared)
    text = f"{kind.value} Q{f'({declared})' if declared else ''} {selection}"
    text = "\n".join([text, *writer.fragments.values()])
    assume(not validate(schema, parse(text)))
    return Request(text, writer.given)


@dataclass
class _Writer:
    draw: Draw
    schema: GraphQLSchema
    scalars: Scalars
    declared: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    fragment_types: dict[str, Composite] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def chance(self, one_in: int) -> bool:
        drawn: int = self.draw(st.integers(1, one_in))
        return drawn == one_in

    def selection(self, type_: Composite, depth: int) -> str:
        parts = [self._selected(type_, depth) for _ in range(self.draw(st.integers(1, 4)))]
        return "{ " + " ".join(parts) + " }"

    def _selected(self, type_: Composite, depth: int) -> str:
        if depth > 0 and (isinstance(type_, GraphQLUnionType) or self.chance(4)):
            return self._fragment(type_, depth - 1)
        if isinstance(type_, GraphQLUnionType) or self.chance(8):
            return "__typename" + self._directives()
        return self._field(type_, depth)

    def _field(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        fields = {
            name: definition
            for name, definition in type_.fields.items()
            if depth > 0 or not is_composite_type(get_named_type(definition.type))
        }
        if not fields:
            return "__typename"
        name: str = self.draw(st.sampled_from(sorted(fields)))
        definition = fields[name]
        arguments = self._arguments(definition)
        called = name + arguments
        if arguments or self.chance(5):
            # The same text under the same alias: such fields are merged.
            called = f"{self.aliases.setdefault(called, f'a{len(self.aliases)}')}: {called}"
        called += self._directives()
        inner = get_named_type(definition.type)
        if is_composite_type(inner):
            called += " " + self.selection(inner, depth - 1)
        return called

    def _fragment(self, type_: Composite, depth: int) -> str:
        related = sorted((found for found in self._related(type_)), key=str)
        if self.chance(2):
            condition = self.draw(st.sampled_from([None, *related]))
            on = f" on {condition}" if condition else ""
            inner = self.selection(condition or type_, depth)
            return f"...{on}{self._directives()} {inner}"
        usable = [name for name, on in self.fragment_types.items() if on in related]
        if usable and self.chance(2):
            name = self.draw(st.sampled_from(usable))
        else:
            on = self.draw(st.sampled_from(related))
            inner = self.selection(on, depth)
            name = f"F{len(self.fragments)}"
            self.fragments[name] = f"fragment {name} on {on} {inner}"
            self.fragment_types[name] = on
        return f"...{name}{self._directives()}"

    def _related(self, type_: Composite) -> list[Composite]:
        """Types that a fragment on `type_` may be about."""
        mine = self._possible(type_)
        return [
            found
            for name, found in self.schema.type_map.items()
            if is_composite_type(found)
            and not name.startswith("__")
            and mine & self._possible(found)
        ]

    def _possible(self, type_: GraphQLNamedType) -> set[str]:
        if isinstance(type_, GraphQLObjectType):
            return {type_.name}
        possible = self.schema.get_possible_types(cast("GraphQLInterfaceType", type_))
        return {found.name for found in possible}

    def _directives(self) -> str:
        if not self.chance(8):
            return ""
        name = self.draw(st.sampled_from(["skip", "include"]))
        return f" @{name}(if: {self._value(GraphQLNonNull(GraphQLBoolean))})"

    def _arguments(self, definition: GraphQLField) -> str:
        given = [
            f"{name}: {self._value(argument.type)}"
            for name, argument in definition.args.items()
            if is_required_argument(argument) or self.chance(2)
        ]
        return f"({', '.join(given)})" if given else ""

    def _value(self, type_: GraphQLInputType) -> str:
        if self.chance(3):
            return self._variable(type_)
        return _literal(self._json(type_))

    def _variable(self, type_: GraphQLInputType) -> str:
        name = f"v{len(self.declared)}"
        nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        required = type_ is not nullable
        declared = f"${name}: {type_}"
        if self.chance(3):
            # Where null is then sent nevertheless, the argument is refused when it is used.
            required = False
            declared = f"${name}: {nullable} = {_literal(self._json_value(nullable))}"
        if required or self.chance(2):
            value = self._json(type_ if required else nullable)
            self.given[name] = {"wrong": 1} if self.chance(20) else value
        self.declared.append(declared)
        return f"${name}"

    def _json(self, type_: GraphQLInputType) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._json_value(type_.of_type)
        return None if self.chance(6) else self._json_value(type_)

    def _json_value(self, type_: GraphQLInputType) -> Any:
        if isinstance(type_, GraphQLList):
            return [self._json(type_.of_type) for _ in range(self.draw(st.integers(0, 2)))]
        if isinstance(type_, GraphQLEnumType):
            return Enumerator(self.draw(st.sampled_from(sorted(type_.values))))
        if isinstance(type_, GraphQLInputObjectType):
            return {
                name: self._json(member.type)
                for name, member in type_.fields.items()
                if is_required_input_field(member) or self.chance(2)
            }
        return self.draw(self.scalars[cast("GraphQLNamedType", type_).name])


def _literal(value: Any) -> str:
    if isinstance(value, Enumerator):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)
