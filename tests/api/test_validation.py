"""What inputs may hold, rule by rule."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.validation import Check, parse_uuid

CENT = Decimal("0.01")


def messages(check: Check) -> dict[str, str]:
    return dict(check.problems)


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ("NaN", "Must be a number."),
        ("sNaN", "Must be a number."),
        ("Infinity", "Must be a number."),
        ("-Infinity", "Must be a number."),
        ("-0.01", "Must not be negative."),
        ("10000000000.01", "Must be at most 10,000,000,000."),
        ("1E+999999", "Must be at most 10,000,000,000."),
        ("0.001", "Must have at most 2 digits after the point."),
        ("1E-999999", "Must have at most 2 digits after the point."),
        ("1." + "0" * 40 + "1", "Must have at most 2 digits after the point."),
    ],
)
def test_an_amount_that_is_no_exact_sum_of_money_is_refused(amount: str, message: str) -> None:
    check = Check(digits=2)
    check.amount("total", Decimal(amount))
    assert messages(check) == {"total": message}


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("12.5", 1250), ("12.500" + "0" * 60, 1250), ("1E+2", 10_000), ("-0", 0), ("0E-999999", 0)],
)
def test_an_exact_amount_is_accepted_however_it_is_written(amount: str, minor: int) -> None:
    check = Check(digits=2)
    assert check.amount("total", Decimal(amount)) == minor
    assert not check.problems


@given(st.integers(0, 10**12))
def test_every_amount_up_to_the_greatest_becomes_its_minor_units(minor: int) -> None:
    check = Check(digits=2)
    assert check.amount("total", minor * CENT) == minor
    assert not check.problems


def test_nothing_is_no_positive_amount() -> None:
    check = Check(digits=2)
    check.amount("amount", Decimal(0), positive=True)
    assert messages(check) == {"amount": "Must be greater than 0."}


def test_a_currency_without_digits_takes_whole_amounts_alone() -> None:
    check = Check(digits=0)
    assert check.amount("price", Decimal("5.0")) == 5
    check.amount("total", Decimal("5.5"))
    assert list(messages(check)) == ["total"]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "\u200b", "\u00a0", "\u3164 \u2800\u034f"])
def test_text_that_shows_nothing_is_blank(text: str) -> None:
    check = Check(digits=2)
    check.text("name", text)
    assert messages(check) == {"name": "Must not be blank."}


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "a\x7fb", "a\u2028b", "a\ud800b"])
def test_text_that_cannot_be_printed_on_a_line_is_refused(text: str) -> None:
    check = Check(digits=2)
    check.text("name", text)
    assert messages(check) == {"name": "Holds characters that cannot be printed."}


def test_text_that_turns_its_readers_round_is_refused() -> None:
    check = Check(digits=2)
    check.text("name", "a\u202eb")
    assert messages(check) == {"name": "Holds characters that turn the direction of text."}


def test_amounts_come_to_one_that_is_within_bounds() -> None:
    check = Check(digits=2)
    check.sum("items", [10**12 - 1, 1])
    assert not check.problems
    check.sum("items", [10**12, 1])
    assert messages(check) == {"items": "Must come to at most 10,000,000,000."}


@pytest.mark.parametrize("text", ["O'Brien", 'say "hi"; --', "👩‍👩‍👧", "Zażółć gęślą", "板"])
def test_quotes_emoji_and_all_alphabets_are_text(text: str) -> None:
    check = Check(digits=2)
    assert check.text("name", f" {text} ") == text
    assert not check.problems


def test_text_has_a_greatest_length() -> None:
    check = Check(digits=2)
    assert check.text("name", "x" * 200)
    check.text("street", "x" * 201)
    assert messages(check) == {"street": "Must have at most 200 characters, has 201."}


@pytest.mark.parametrize("name", ["run 1", " x", "übung-7", "a'b", "x" * 100])
def test_the_name_of_an_execution_is_kept_as_it_is(name: str) -> None:
    check = Check(digits=2)
    assert check.execution_name("executionName", name) == name
    assert not check.problems


@pytest.mark.parametrize(
    "name", ["", "  ", "a\0", "a\nb", "x" * 101, "a\ud800", "\u3164", "\u2800 ", "a\u202eb"]
)
def test_the_name_of_an_execution_can_be_printed(name: str) -> None:
    check = Check(digits=2)
    check.execution_name("executionName", name)
    assert messages(check) == {"executionName": "Must have 1 to 100 printable characters."}


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/a.png", "http://[::1]:8000/a.svg", "/images/board.svg", "board.svg"],
)
def test_an_image_is_an_http_url_or_a_path(url: str) -> None:
    check = Check(digits=2)
    assert check.image_url("imageUrl", url) == url
    assert not check.problems


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:image/png;base64,AA",
        "//elsewhere.example/a.png",
        "\\\\elsewhere.example\\a.png",
        "https://",
        "http://[::1",
        "/an image.png",
        "",
    ],
)
def test_an_image_is_nothing_else(url: str) -> None:
    check = Check(digits=2)
    check.image_url("imageUrl", url)
    assert list(messages(check)) == ["imageUrl"]


def test_a_repeated_id_is_reported_where_it_is_repeated() -> None:
    check = Check(digits=2)
    first, second = UUID(int=1), UUID(int=2)
    check.unique(["a", "b", "c", "d", "e"], [first, None, second, None, first])
    assert messages(check) == {"e": "Is the same as a."}


def test_everything_is_reported_at_once() -> None:
    check = Check(digits=2)
    check.whole("items[0].quantity", 0, 1, 1_000_000)
    check.whole("items[1].quantity", 1_000_001, 1, 1_000_000)
    check.rows("items", 101)
    check.text("shippingAddress.city", " ")
    assert check.problems == [
        ("items[0].quantity", "Must be between 1 and 1,000,000."),
        ("items[1].quantity", "Must be between 1 and 1,000,000."),
        ("items", "Must hold between 1 and 100, holds 101."),
        ("shippingAddress.city", "Must not be blank."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "{0195e0c4-7d7c-7000-8000-000000000001}",
        "0195e0c47d7c70008000000000000001",
        "é" * 36,
    ],
)
def test_an_id_has_one_form(text: str) -> None:
    assert parse_uuid(text) is None


def test_an_id_may_be_in_capitals() -> None:
    assert parse_uuid("0195E0C4-7D7C-7000-8000-000000000001") == UUID(
        "0195e0c4-7d7c-7000-8000-000000000001"
    )
