"""Arguments as Strawberry makes them, found out once instead of at each call."""

from enum import Enum
from typing import Any, cast

import pytest
import strawberry
from graphql import GraphQLObjectType, get_argument_values, parse
from graphql.language import FieldNode, OperationDefinitionNode
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from api.graphql.execution.compiler.arguments import NotPlain, keywords


@strawberry.enum
class Size(Enum):
    SMALL = 1
    LARGE = 2


@strawberry.input
class Parcel:
    house_number: str
    sizes: list[Size] | None = strawberry.UNSET
    weight: int | None
    rows: list[list[int | None]] = strawberry.field(default_factory=lambda: [[7]])


@strawberry.input
class Sending:
    parcels: list[Parcel | None]
    first_parcel: Parcel | None = strawberry.UNSET
    size: Size = Size.LARGE


@strawberry.input
class Tree:
    left: "Tree | None" = None


@strawberry.type
class Query:
    @strawberry.field
    def sent(
        self,
        sending: Sending | None = strawberry.UNSET,
        ids: list[strawberry.ID] | None = strawberry.UNSET,
        a_size: Size | None = None,
        after: str | None = "x",
    ) -> int:
        return 1

    @strawberry.field
    def grown(self, tree: Tree) -> int:
        return 1

    @strawberry.field
    def perhaps(self, text: strawberry.Maybe[str]) -> int:
        return 1


SCHEMA = strawberry.Schema(Query)
FIELDS = cast("GraphQLObjectType", SCHEMA._schema.query_type).fields


def field(name: str) -> StrawberryField:
    return cast("StrawberryField", SCHEMA.get_field_for_type(name, "Query"))


def coerced(text: str) -> dict[str, Any]:
    """The arguments of `{ sent(…) }` as graphql-core reads them."""
    operation = cast("OperationDefinitionNode", parse(f"{{ sent{text} }}").definitions[0])
    node = cast("FieldNode", operation.selection_set.selections[0])
    return get_argument_values(FIELDS["sent"], node)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(sending: null, ids: null, aSize: null, after: null)",
        '(ids: ["1", "2"], aSize: SMALL, after: "y")',
        "(sending: {parcels: []})",
        '(sending: {parcels: [null, {houseNumber: "7"}], firstParcel: null, size: SMALL})',
        (
            '(sending: {parcels: [{houseNumber: "7", sizes: [SMALL, LARGE], weight: 3}], '
            ' firstParcel: {houseNumber: "8", sizes: null, weight: null, rows: [[], [1, null]]}})'
        ),
    ],
)
def test_arguments_are_made_as_by_strawberry(text: str) -> None:
    given = coerced(text)
    made = convert_arguments(
        given, field("sent").arguments, SCHEMA.schema_converter.scalar_registry, SCHEMA.config
    )
    assert keywords(SCHEMA, field("sent").arguments)(given) == made


def test_what_is_given_to_one_call_is_not_shared_with_another() -> None:
    given = coerced('(ids: ["1"], sending: {parcels: [{houseNumber: "7"}]})')
    convert = keywords(SCHEMA, field("sent").arguments)
    first, second = convert(given), convert(given)
    first["ids"].append("2")
    first["sending"].parcels[0].rows.append([8])
    assert (second["ids"], second["sending"].parcels[0].rows) == (["1"], [[7]])


@pytest.mark.parametrize("name", ["grown", "perhaps"])
def test_what_is_not_plain_is_left_to_strawberry(name: str) -> None:
    with pytest.raises(NotPlain):
        keywords(SCHEMA, field(name).arguments)
