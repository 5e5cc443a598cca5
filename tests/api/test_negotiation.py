"""What a client takes, by its Accept header."""

import pytest

from api.graphql.transport.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    HTML,
    JSON,
    Accepted,
    is_json,
)


@pytest.mark.parametrize(
    ("lines", "type", "quality"),
    [
        ([], JSON, 1),
        ([""], JSON, 1),
        (["nonsense, q=1, a/b;q=x, c/d;q=7"], JSON, 1),
        (["*/*"], JSON, 1),
        ([JSON], JSON, 1),
        ([JSON], GRAPHQL_JSON, 0),
        (["APPLICATION/JSON ; Q=0.5"], JSON, 0.5),
        (["application/json; charset=utf-8; q=0.25"], JSON, 0.25),
        (["application/*;q=0.5, */*;q=0.1"], JSON, 0.5),
        (["application/*;q=0.5, */*;q=0.1"], HTML, 0.1),
        (["*/*, application/json;q=0"], JSON, 0),
        (["text/html", "application/json;q=0.75"], JSON, 0.75),
        (["text/html;q=0"], HTML, 0),
    ],
)
def test_what_names_a_type_most_closely_counts(lines: list[str], type: str, quality: float) -> None:
    assert Accepted.of(lines).quality(type) == quality


def test_of_what_is_liked_as_much_the_first_is_chosen() -> None:
    assert Accepted.of(["*/*"]).best([GRAPHQL_JSON, JSON]) == GRAPHQL_JSON
    assert Accepted.of([f"{JSON}, {GRAPHQL_JSON};q=0.9"]).best([GRAPHQL_JSON, JSON]) == JSON
    assert Accepted.of(["image/png"]).best([GRAPHQL_JSON, JSON]) is None


def test_a_type_is_asked_for_by_its_name_alone() -> None:
    assert Accepted.of(["text/event-stream"]).names(EVENT_STREAM)
    assert not Accepted.of(["*/*, text/*"]).names(EVENT_STREAM)
    assert not Accepted.of(["text/event-stream;q=0, */*"]).names(EVENT_STREAM)


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json; charset="utf-8"', True),
        ("application/json;charset=utf8", True),
        ('application/json; profile="a;b"; charset=utf-8', True),
        ("application/json; charset=latin-1", False),
        ("application/json+x", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_json_is_told_by_its_type_and_charset(content_type: str, json: bool) -> None:
    assert is_json(content_type) is json
