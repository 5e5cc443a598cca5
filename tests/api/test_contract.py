"""The server's schema contains the contract, name for name and null for null."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_specified_scalar_type,
    print_ast,
)

from api.graphql.schema.build import sdl

CONTRACT = build_schema((Path(__file__).parent / "contract.graphql").read_text())
SERVER = build_schema(sdl())

# What is not built yet.


def named(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    return {
        name: kind
        for name, kind in schema.type_map.items()
        if not name.startswith("__") and not is_specified_scalar_type(kind)
    }


def members(kind: GraphQLNamedType) -> dict[str, str]:
    """Everything that a type consists of, by its name: what it is, as text."""
    match kind:
        case GraphQLObjectType() | GraphQLInterfaceType():
            found = {f"implements {each.name}": "" for each in kind.interfaces}
            for name, field in kind.fields.items():
                found[name] = str(field.type)
                for argument_name, argument in field.args.items():
                    found[f"{name}({argument_name}:)"] = with_default(argument)
            return found
        case GraphQLInputObjectType():
            return {name: with_default(field) for name, field in kind.fields.items()}
        case GraphQLUnionType():
            return {each.name: "" for each in kind.types}
        case GraphQLEnumType():
            return dict.fromkeys(kind.values, "")
        case _:
            return {}


def with_default(value: GraphQLArgument | GraphQLInputField) -> str:
    default = value.ast_node.default_value if value.ast_node else None
    return f"{value.type} = {print_ast(default)}" if default else str(value.type)


@pytest.mark.parametrize("name", sorted(named(CONTRACT)))
def test_the_server_has_all_of_the_contract(name: str) -> None:
    contract, server = named(CONTRACT)[name], named(SERVER).get(name)
    assert type(server) is type(contract)
    assert server is not None
    has = members(server)
    for member, wanted in members(contract).items():
        assert has.get(member) == wanted, member


def test_an_argument_that_the_server_adds_may_be_left_out() -> None:
    """Or else a document written for the contract would be refused."""
    for name, contract in named(CONTRACT).items():
        added = members(named(SERVER)[name]).items() - members(contract).items()
        for member, kind in added:
            if "(" in member or isinstance(contract, GraphQLInputObjectType):
                assert not kind.endswith("!"), f"{name}.{member}"
