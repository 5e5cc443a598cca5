"""What a compiled field's function is called with: its arguments, made of what was coerced.

Strawberry finds out anew at each call what has to be made of a value; here it is done once.
tests/api/test_compiled.py holds the outcomes against Strawberry's.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from strawberry import Schema
from strawberry.relay import GlobalID
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryObjectDefinition,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.lazy_type import LazyType

# Of a coerced value, what the function is given.
Convert = Callable[[Any], Any]
ABSENT = (None, strawberry.UNSET)


class NotPlain(Exception):
    """Strawberry itself has to convert the argument."""


def keywords(
    owner: Schema, arguments: list[StrawberryArgument]
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What turns coerced arguments, by their names in the schema, to those of the function.

    Raises NotPlain.
    """
    name_of = owner.config.name_converter.from_argument
    plan = [(name_of(each), each.python_name, _convert(owner, each.type)) for each in arguments]

    def convert(given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            python_name: given[name] if convert is None else convert(given[name])
            for name, python_name, convert in plan
            if name in given
        }

    return convert


def _convert(owner: Schema, type_: Any, *inside: object) -> Convert | None:
    """None where the value is taken as it is. Raises NotPlain, also for a type `inside` itself."""
    if isinstance(type_, StrawberryMaybe) or type_ is GlobalID:
        raise NotPlain
    if isinstance(type_, StrawberryOptional):
        return _convert(owner, type_.of_type, *inside)
    if isinstance(type_, LazyType):
        return _convert(owner, type_.resolve_type(), *inside)
    if isinstance(type_, StrawberryList):
        return _list(_convert(owner, type_.of_type, *inside))
    if has_object_definition(type_):
        if type_ in inside:
            raise NotPlain
        return _object(owner, type_, type_.__strawberry_definition__, *inside, type_)
    return None


def _list(convert: Convert | None) -> Convert:
    def converted(values: Any) -> Any:
        if values in ABSENT:
            return values
        return list(values) if convert is None else [convert(value) for value in values]

    return converted


def _object(
    owner: Schema,
    type_: Callable[..., Any],
    definition: StrawberryObjectDefinition,
    *inside: object,
) -> Convert:
    if definition.from_input is not None or not definition.is_input:
        raise NotPlain
    # What has no default and is left out is null: the coercion has refused it where it may not be.
    defaults = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }
    plan = [
        (
            owner.config.name_converter.from_field(field),
            field.python_name,
            _convert(owner, field.resolve_type(type_definition=definition), *inside),
        )
        for field in definition.fields
    ]

    def converted(value: Any) -> Any:
        if value in ABSENT:
            return value
        given = defaults.copy()
        for name, python_name, convert in plan:
            if name in value:
                given[python_name] = value[name] if convert is None else convert(value[name])
        return type_(**given)

    return converted
