"""What text shows, and what of it reaches pages and terminals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.text import escaped, escaped_lines, problem_of, shows_something, upright

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
NOTHING = [
    "\N{HANGUL FILLER}",
    "\N{BRAILLE PATTERN BLANK}",
    "\N{HANGUL CHOSEONG FILLER}",
    "\N{HANGUL JUNGSEONG FILLER}",
    "\N{HALFWIDTH HANGUL FILLER}",
    "\N{COMBINING GRAPHEME JOINER}",
    "\N{MUSICAL SYMBOL NULL NOTEHEAD}",
    "\N{ZERO WIDTH SPACE}",
    "\N{SOFT HYPHEN}",
    "\N{VARIATION SELECTOR-16}",
    "\N{TAG SPACE}",
    "\N{MONGOLIAN VOWEL SEPARATOR}",
    "\N{NO-BREAK SPACE}",
    "\N{IDEOGRAPHIC SPACE}",
    "\N{COMBINING ACUTE ACCENT}",
    "\ue000",
    "",
]


@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_what_has_no_picture_shows_nothing(text: str) -> None:
    assert not shows_something(text)
    assert not shows_something(f" {text}{NOTHING[0]}{text} ")
    assert shows_something(f"{text}a{text}")


@pytest.mark.parametrize("text", ["가", "⠓", "שלום", "سلام", "नमस्ते", "👩‍🔧", "板", "7", "?", "€"])
def test_all_scripts_show_something(text: str) -> None:
    assert problem_of(text, 100) is None
    assert upright(text) == text


@pytest.mark.parametrize("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
def test_what_turns_the_direction_of_text_is_refused_and_never_shown(code: int) -> None:
    text = f"invoice{chr(code)}gpj.exe"
    assert problem_of(text, 100) == "Holds characters that turn the direction of text."
    assert upright(text) == "invoice\ufffdgpj.exe"
    assert escaped(text) == f"invoice\\u{code:04x}gpj.exe"


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert escaped(text).isprintable()
    assert escaped_lines(text).replace("\n", "").isprintable()


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_for_a_terminal_is_the_same_json(value: object) -> None:
    line = escaped(json.dumps(value, ensure_ascii=False))
    assert line.isprintable()
    assert json.loads(line) == value
