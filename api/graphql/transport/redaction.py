"""What graphql-core says of an input, without the input: it may hold a password.

What stays are names (of variables, fields, types and the schema's enum values) and the path.
"""

import re

# Where a value begins as it was sent, or what Python has said of one.
VALUE = re.compile(
    r"(?:(cannot represent [^:]*value): |, found: | Found: |, but encountered error ).*", re.DOTALL
)
ENUM_VALUE = re.compile(r"Value '.*' does not exist in '(\w+)' enum\.", re.DOTALL)
# https://spec.graphql.org/draft/#sec-Language.Source-Text.Lexical-Tokens
TOKEN = re.compile(r"\b(Name|Int|Float|String|BlockString|Comment) ['\"].*", re.DOTALL)
SYNTAX = "Syntax Error: "


def without_values(message: str) -> str:
    """The message of a syntax error, or of an input that does not fit, without what was sent."""
    if message.startswith(SYNTAX):
        told = TOKEN.sub(r"\1", message)
    else:
        told = VALUE.sub(r"\1", ENUM_VALUE.sub(r"This value does not exist in '\1' enum.", message))
    told = told.replace(" not to be None.", " not to be null.")
    return told if told.endswith((".", "?")) else f"{told}."
