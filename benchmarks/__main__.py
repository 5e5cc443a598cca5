"""`python -m benchmarks`: run benchmarks, print their tables, and write their results."""

import gc
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Protocol, cast

import typer
from rich.console import Console

from benchmarks.document import write_into_document
from benchmarks.report import kept_result, show, write
from benchmarks.result import Result, busy
from infrastructure.runtime.proxies import spare_loopback

ALL = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]_*.py"))
# What these are about takes its time: a quick run does them only when they are named.
LONG = ("e_growth", "i_takeover", "j_overload", "k_compression", "l_search")


class Benchmark(Protocol):
    """What a module of this folder named after a letter is."""

    def run(self, quick: bool) -> Result:
        """Measure, and say what was found; `quick` is for a first impression."""


def main(
    names: Annotated[list[str] | None, typer.Argument(help=", ".join(ALL))] = None,
    quick: Annotated[
        bool, typer.Option(help="One short round of each, under 2 minutes.", show_default=False)
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            help="Compare later results with these, and write them into docs/performance.md."
        ),
    ] = False,
) -> None:
    """Measure the shop against what it could have been made with. A name's letter will do."""
    spare_loopback()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped
    console = Console()
    if busy() > 0.1:
        console.print(
            f"[yellow]Others take {busy():.0%} of this machine: these are no measurements.[/]\n"
        )
    for name in _chosen(names, quick=quick):
        benchmark = cast("Benchmark", import_module(f"benchmarks.{name}"))
        result = benchmark.run(quick)
        kept = kept_result(name)
        show(console, result, kept)
        console.print(f"  {write(result, kept, keep=keep)}\n", highlight=False)
        if keep:
            write_into_document(result)
        gc.collect()


def _chosen(names: list[str] | None, *, quick: bool) -> list[str]:
    if not names:
        return [name for name in ALL if not (quick and name in LONG)]
    chosen = [name for name in ALL if any(name.startswith(wanted) for wanted in names)]
    if not chosen:
        raise typer.BadParameter(f"known are {', '.join(ALL)}")
    return chosen


if __name__ == "__main__":
    typer.run(main)
