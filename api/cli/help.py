"""Help that is whole, the same in a terminal and outside of one, and without the names of types."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer._click import Context, HelpFormatter, Parameter  # typer exports none of what it hands on
from typer.core import TyperCommand, TyperGroup

WHOLE = 1_000  # characters: more than any command's first sentence has
TYPE = re.compile(r" <[^<>]+>$")
RANGE = re.compile(r"; x>=\d+|x>=\d+; | *\[x>=\d+\]")  # the error says so in words
BRACES = re.compile(r"^\{(.+)\}$|^\[(\[.+\])\]$")


class Command(TyperCommand):
    """One command."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """The parts of its usage after its name."""
        return [BRACES.sub(r"\1\2", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write its arguments and options."""
        _write_parameters(self.get_params(ctx), ctx, formatter)


class Commands(TyperGroup):
    """A group of commands, which says of each what it does, over as many lines as that takes."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write its options and its commands."""
        _write_parameters(self.get_params(ctx), ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the list."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, c.get_short_help_str(WHOLE)) for name, c in found if c and not c.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class App(typer.Typer):
    """Commands under one name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=Commands, no_args_is_help=True, rich_markup_mode=None, **settings)

    def command(  # type: ignore[override]  # of two dozen arguments these are what is needed
        self, name: str | None = None, *, epilog: str
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A command with an example of its use."""
        return super().command(name, cls=Command, epilog=epilog)


def _write_parameters(
    parameters: Sequence[Parameter], ctx: Context, formatter: HelpFormatter
) -> None:
    for kind, value in (("argument", ""), ("option", " TEXT")):
        own = (parameter for parameter in parameters if parameter.param_type_name == kind)
        records = [found for parameter in own if (found := parameter.get_help_record(ctx))]
        rows = [(TYPE.sub(value, name), RANGE.sub("", text)) for name, text in records]
        if rows:
            with formatter.section(f"{kind.title()}s"):
                formatter.write_dl(rows)
