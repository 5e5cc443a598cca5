"""What text shows: to a person, on somebody's page, in a terminal."""

import re
import unicodedata

# Controls, line and paragraph separators, and halves of characters that JSON lets in.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# They turn the direction of what follows, also of text that is not their own (UAX #9, section 2).
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Letters and symbols by their category, yet without a picture: the fillers of Hangul, the blank
# pattern of Braille, a note without its head. All else that is invisible is of no such category.
FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
LETTERS_AND_MORE = frozenset("LNPS")  # letters, numbers, punctuation, symbols
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def problem_of(line: str, longest: int) -> str | None:
    """Why this is no line of 1 to `longest` characters that others may be shown, or None."""
    if UNPRINTABLE.search(line):
        return "Holds characters that cannot be printed."
    if TURNS.search(line):
        return "Holds characters that turn the direction of text."
    if not shows_something(line):
        return "Must not be blank."
    if len(line) > longest:
        return f"Must have at most {longest} characters, has {len(line)}."
    return None


def shows_something(text: str) -> bool:
    """Whether there is anything to be seen: spaces, fillers and marks without a letter are not."""
    return any(
        unicodedata.category(char)[0] in LETTERS_AND_MORE and char not in FILLERS for char in text
    )


def upright(text: str) -> str:
    """The text for somebody else's page: what turns its direction, which was let in once, is
    replaced."""
    return text if text.isascii() else TURNS.sub(REPLACEMENT, text)


def escaped(text: str) -> str:
    """The text for a terminal, which obeys some characters: those are written as in JSON."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def escaped_lines(text: str) -> str:
    """The same line by line."""
    return "\n".join(map(escaped, text.splitlines()))


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code > 0xFFFF:  # as JSON has it: by its two halves
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"
