"""What is wrong with an input is told by names and paths, and never by what was sent."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values

from api.graphql.schema.build import build_schema
from api.graphql.transport.redaction import without_values

SCHEMA = build_schema()._schema
SECRET = "kickflip-over-the-gap"
SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { __typename } }"
CREATE = "mutation ($i: CreateOrderInput!) { createOrder(input: $i) { __typename } }"
ORDERS = "query ($s: [OrderStatus!]) { viewer { orders(status: $s) { totalCount } } }"
ADDRESS = dict.fromkeys(("country", "city", "postCode", "street", "houseNumber"), "x")
INT = "query ($i: Int) { products(first: $i) { totalCount } }"


def errors_of(query: str, variables: dict[str, Any] | None = None) -> list[GraphQLError]:
    """What graphql-core finds wrong with a document, or with variables for it."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return [error]
    if found := validate(SCHEMA, document):
        return found
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), variables or {})
    assert isinstance(coerced, list)
    return coerced


@pytest.mark.parametrize(
    ("query", "variables", "told"),
    [
        (
            SIGN_IN,
            {"i": {"password": SECRET}},
            (
                "Variable '$i' has invalid value:"
                " Expected value of type 'SignInInput' to include required field 'email'."
            ),
        ),
        (
            SIGN_IN,
            {"i": {"email": "a@shop.test", "password": SECRET, "pasword": SECRET}},
            (
                "Variable '$i' has invalid value: Expected value of type 'SignInInput'"
                " not to include unknown field 'pasword'. Did you mean 'password'?"
            ),
        ),
        (
            SIGN_IN,
            {"i": SECRET},
            (
                "Variable '$i' has invalid value:"
                " Expected value of type 'SignInInput' to be an object."
            ),
        ),
        (
            SIGN_IN,
            {"i": None},
            (
                "Variable '$i' has invalid value:"
                " Expected value of non-null type 'SignInInput!' not to be null."
            ),
        ),
        (
            CREATE,
            {
                "i": {
                    "items": [{"productId": "a", "quantity": n} for n in (1, SECRET)],
                    "total": "1",
                    "shippingAddress": ADDRESS,
                }
            },
            (
                "Variable '$i' has invalid value at .items[1].quantity:"
                " Int cannot represent non-integer value."
            ),
        ),
        (
            ORDERS,
            {"s": [SECRET]},
            (
                "Variable '$s' has invalid value at [0]:"
                " This value does not exist in 'OrderStatus' enum."
            ),
        ),
        (
            f'mutation {{ signIn(input: {{ password: "{SECRET}" }}) {{ __typename }} }}',
            None,
            "Expected value of type 'SignInInput' to include required field 'email'.",
        ),
        (
            f'mutation {{ signIn(input: {{ password "{SECRET}" }}) {{ __typename }} }}',
            None,
            "Syntax Error: Expected ':', found String.",
        ),
    ],
)
def test_what_is_wrong_is_told_by_name_and_path(
    query: str, variables: dict[str, Any] | None, told: str
) -> None:
    assert [without_values(error.message) for error in errors_of(query, variables)] == [told]


@pytest.mark.parametrize(
    "value",
    [SECRET, [SECRET], {"a": SECRET}, [[{"b": [SECRET]}]], f"{SECRET}\n, found: {SECRET}", True],
)
@pytest.mark.parametrize(
    ("query", "wrap"),
    [
        (INT, lambda value: {"i": value}),
        (ORDERS, lambda value: {"s": [value]}),
        (SIGN_IN, lambda value: {"i": value}),
        (SIGN_IN, lambda value: {"i": {"email": [value], "password": value}}),
        (CREATE, lambda value: {"i": {"items": value, "total": [value]}}),
    ],
)
def test_no_value_is_repeated_of_a_variable(query: str, wrap: Any, value: object) -> None:
    told = [without_values(error.message) for error in errors_of(query, wrap(value))]
    assert told
    assert not any(SECRET in message for message in told)
    assert all(message.startswith("Variable '$") for message in told)


@pytest.mark.parametrize(
    "literal",
    [
        SECRET.replace("-", "_"),
        f'"{SECRET}"',
        f'["{SECRET}"]',
        f'{{ a: "{SECRET}" }}',
        f'"{SECRET}',
        f'"{SECRET}" "{SECRET}"',
        f'x "{SECRET}"',
        f'"""{SECRET}""" 1',
        f"x {SECRET.replace('-', '_')}",
        "1" * 5_000,
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "{{ products(first: {}) {{ totalCount }} }}",
        "query ($a: Int = {}) {{ products(first: $a) {{ totalCount }} }}",
        "{{ viewer {{ orders(status: [{}]) {{ totalCount }} }} }}",
        "mutation {{ deposit(input: {{ amount: {} }}) {{ __typename }} }}",
        "mutation {{ signIn(input: {{ email: [{}] }}) {{ __typename }} }}",
        "{{ viewer @include(if: {}) {{ id }} }}",
    ],
)
def test_no_value_is_repeated_of_a_document(query: str, literal: str) -> None:
    try:
        found = errors_of(query.format(literal))
    except AssertionError:  # it fits here
        return
    for error in found:
        told = without_values(error.message)
        assert "kickflip" not in told
        assert "111" not in told
        assert "integer string conversion" not in told
