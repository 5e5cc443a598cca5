"""Small documents that are a lot of work to check are refused before they are."""

import pytest

from api.graphql.execution.cost import MOST_DEFINITIONS, MOST_REPEATS
from api.graphql.execution.engine import LONGEST_READ
from tests.api.shop import Shop


def fragments(count: int, name: str = "F") -> str:
    made = (f"fragment {name}{n} on Query {{ viewer {{ id name }} }}" for n in range(count))
    return " ".join(made)


def spreads(count: int, name: str = "F") -> str:
    return " ".join(f"...{name}{n}" for n in range(count))


def unused(fields: str) -> str:
    return f"{{ __typename }} fragment F on Query {{ {fields} }}"


HARD = {
    "operations": " ".join(f"query Q{n} {{ __typename }}" for n in range(300)),
    "fragments": f"{{ {spreads(150)} }} {fragments(150)}",
    "fragments that nobody uses": f"{{ __typename }} {fragments(150)}",
    "a field again and again": "{ " + "products { nodes { id } } " * 90 + "}",
    "a field again in fragments": "{ " + "... on Query { viewer { id } } " * 90 + "}",
    "a field again by its alias": "{ " + "a: products(first: 1) { totalCount } " * 90 + "}",
    "a field again where nobody looks": unused("viewer { id } " * 90),
    "many fields where nobody looks": unused("viewer { id name } " * 160),
    "a long text": f'{{ product(id: "{"x" * 900_000}") {{ id }} }}',
    "nothing but commas": "{ __typename " + "," * 900_000 + "}",
}


@pytest.mark.parametrize("document", HARD.values(), ids=HARD)
async def test_what_is_hard_to_check_is_refused(shop: Shop, document: str) -> None:
    assert await shop.visitor().code(document) == "QUERY_TOO_COMPLEX"


async def test_what_is_just_not_too_hard_is_answered(shop: Shop) -> None:
    most = MOST_DEFINITIONS - 1
    for document in (
        f"{{ {spreads(most)} }} {fragments(most)}",
        "{ " + "viewer { id } " * MOST_REPEATS + "}",
        "{ __typename " + "," * (LONGEST_READ - 14) + "}",
    ):
        assert "errors" not in await shop.visitor().send(document)
