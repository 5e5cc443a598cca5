"""The schema explains itself: every part of it, by itself, as tools show it."""

import re
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    is_specified_scalar_type,
)

from api import failures
from api.failures import Failure
from api.graphql.schema.build import sdl

SCHEMA = build_schema(sdl())
TYPES = [
    kind
    for name, kind in SCHEMA.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(kind)
]
# Tools sort: what stands before or after something is not there for its reader.
LEANS_ON_OTHERS = re.compile(
    r"all that follows|the next (two|three|four|few)|the same as (above|before)|see above|see below"
    r"|\bditto\b|the former|the latter",
    re.IGNORECASE,
)
SINCE = re.compile(r"since \d+\.\d+")


def parts(kind: GraphQLNamedType) -> Iterator[tuple[str, Any]]:
    """The type and all that it consists of, each with where it is found."""
    yield kind.name, kind
    match kind:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", field
                for argument_name, argument in field.args.items():
                    yield f"{kind.name}.{name}({argument_name}:)", argument
        case GraphQLInputObjectType():
            for name, member in kind.fields.items():
                yield f"{kind.name}.{name}", member
        case GraphQLEnumType():
            for name, value in kind.values.items():
                yield f"{kind.name}.{name}", value
        case _:
            pass


PARTS = dict(part for kind in TYPES for part in parts(kind))


def test_every_part_of_the_schema_is_described() -> None:
    assert [where for where, part in PARTS.items() if not part.description] == []


def test_every_description_stands_on_its_own() -> None:
    leaning = {
        where: part.description
        for where, part in PARTS.items()
        if LEANS_ON_OTHERS.search(part.description)
    }
    assert leaning == {}


def test_every_description_is_a_sentence() -> None:
    for where, part in PARTS.items():
        text = part.description
        assert text[0].isupper() or not text[0].isalpha(), where
        assert text.endswith((".", ".htm")), where


def test_what_only_administrators_may_do_says_so_itself() -> None:
    """Those that answer others with FORBIDDEN, by tests/security/permissions.py."""
    for field in ("user", "executions", "events", "orderAsOf", "projections"):
        assert "For administrators" in PARTS[f"Query.{field}"].description
    for field in ("createProducts", "updateProduct", "adjustStock", "discontinueProducts"):
        assert "For administrators" in PARTS[f"Mutation.{field}"].description
    assert "For administrators" in PARTS["Product.stock"].description


def test_every_scalar_says_where_it_is_specified() -> None:
    own = [kind for kind in TYPES if isinstance(kind, GraphQLScalarType)]
    assert {kind.name for kind in own} == {"BigInt", "DateTime", "Decimal", "JSON"}
    for kind in own:
        assert (kind.specified_by_url or "").startswith("https://"), kind.name


def test_what_is_deprecated_says_since_when() -> None:
    reasons = {where: getattr(part, "deprecation_reason", None) for where, part in PARTS.items()}
    assert [where for where, text in reasons.items() if text and not SINCE.search(text)] == []


def test_the_rules_are_the_schemas_own_description() -> None:
    rules = SCHEMA.description or ""
    codes = {kind.code for kind in vars(failures).values() if isinstance(kind, Failure)}
    assert [code for code in codes if code not in rules] == []
    for promise in ("unique over all types", "`node(id:)`", "idempotent", "nullable", "cursor"):
        assert promise in rules
