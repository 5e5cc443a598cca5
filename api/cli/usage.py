"""What is wrong with how a command was typed, in the words of this command line.

typer hands on what pydantic says of a value; that is about types, not about what to type.
"""

import re

from typer._click.exceptions import NoArgsIsHelpError, UsageError  # typer exports no base of these

AN_ID = "0197a3b2-6c1e-7d3f-9a53-2f1c8be1f2aa"
WORDS = [
    (r"Input should be a valid integer\b.*", "is not a whole number"),
    (r"Input should be a valid number\b.*", "is not a number"),
    (
        r"Input should be a valid UUID\b.*",
        f"is not an id such as {AN_ID}",
    ),
    (r"Input should be greater than or equal to (\S+)", r"must be \1 or more"),
    (r"Input should be less than or equal to (\S+)", r"must be \1 or less"),
    (r"Value error, (.*?)\.?$", r"\1"),
    (r"[Ff]ile '(.*)' does not exist\.?", r"there is no file \1"),
    (r"[Ff]ile '(.*)' is a directory\.?", r"\1 is a folder"),
]
SENTENCES = [
    (r"Invalid value for '([^']+)': (is|must) (.*)", r"\1 \2 \3"),
    (r"Invalid value(?: for '([^']+)')?: (.*)", r"\1: \2"),
    (r"Missing (?:option|argument) '([^']+)'\.", r"\1 is missing"),
    (r"No such option: (\S+)", r"there is no option \1"),
    (r"No such command '(.*)'\.", r"there is no command \1"),
    (r"Option '([^']+)' requires an argument\.", r"\1 needs a value"),
    (r"Got unexpected extra argument\S* \((.*)\)", r"nothing is expected after it: \1"),
]


def explained(error: UsageError) -> str:
    """One line on it, with where help is; or the help that was asked for by typing nothing."""
    text = error.format_message()
    if isinstance(error, NoArgsIsHelpError):
        return text
    for pattern, words in WORDS:
        text = re.sub(pattern, words, text)
    for pattern, words in SENTENCES:
        if found := re.match(pattern, text, re.DOTALL):
            text = found.expand(words).removeprefix(": ") + text[found.end() :]
            break
    command = error.ctx.command_path if error.ctx is not None else "shop"
    return f"{text} (see `{command} -h`)"
