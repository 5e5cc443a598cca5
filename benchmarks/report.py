"""What a run shows: a table in the terminal, and JSON and a plot beside the last kept result."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pygal  # type: ignore[import-untyped]  # has no annotations
from pygal.style import Style  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from benchmarks.result import RESULT, Claim, Result, find

KEPT = Path(__file__).parent / "results"
LATEST = KEPT / "latest"
COLOURS = ("#2563eb", "#dc2626", "#6b7280", "#16a34a", "#d97706", "#7c3aed")
VERDICTS = {"aim": "[green]aim reached[/]", "met": "[yellow]met[/]", "missed": "[red]missed[/]"}


def kept_result(name: str) -> Result | None:
    """The result that was kept last, if any was."""
    path = KEPT / f"{name}.json"
    return RESULT.validate_json(path.read_bytes()) if path.exists() else None


def show(console: Console, result: Result, kept: Result | None) -> None:
    """Print a line for each contestant and load, then what had to be shown."""
    measures = list(dict.fromkeys(figure.measure for figure in result.figures))
    table = Table(title=result.title, caption=result.how, title_justify="left")
    table.add_column("at")
    table.add_column("contestant")
    for measure in measures:
        table.add_column(measure, justify="right")
    places = dict.fromkeys((figure.at, figure.contestant) for figure in result.figures)
    last = ""
    for at, contestant in places:
        if last and at != last:
            table.add_section()
        cells = [_cell(result, kept, contestant, at, measure) for measure in measures]
        table.add_row("" if at == last else at, contestant, *cells)
        last = at
    console.print(table)
    for claim in result.claims:
        console.print(f"  {_sentence(claim)} {VERDICTS[claim.verdict]}", highlight=False)
    console.print()


def write(result: Result, kept: Result | None, *, keep: bool) -> Path:
    """Write the JSON and the plot; the answer is where the plot lies."""
    folder = KEPT if keep else LATEST
    folder.mkdir(exist_ok=True)
    (folder / f"{result.name}.json").write_bytes(RESULT.dump_json(result, indent=1))
    path = folder / f"{result.name}.svg"
    path.write_bytes(_plot(result, None if keep else kept).render())
    return path


def number(value: float) -> str:
    """With three digits that count, and no more than are needed."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _cell(result: Result, kept: Result | None, contestant: str, at: str, measure: str) -> str:
    figure = find(result.figures, contestant, at, measure)
    if figure is None:
        return ""
    before = find(kept.figures, contestant, at, measure) if kept else None
    change = ""
    if before is not None and before.median:
        change = f" [dim]{figure.median / before.median - 1:+.0%}[/]"
    return number(figure.median) + change


def _sentence(claim: Claim) -> str:
    bound = "at most" if claim.smaller else "at least"
    unit = f" {claim.unit}" if claim.unit else ""
    return (
        f"{claim.what}: {number(claim.value)}{unit}"
        f" ({bound} {number(claim.at_least)}, aim {number(claim.aim)})"
    )


def _plot(result: Result, kept: Result | None) -> Any:
    """A line for each contestant, or bars where all stand at one load; dashed: what was kept."""
    figures = [figure for figure in result.figures if figure.measure == result.plot]
    loads = list(dict.fromkeys(figure.at for figure in figures))
    contestants = list(dict.fromkeys(figure.contestant for figure in figures))
    numeric = len(loads) > 2 and all(load.replace(".", "").isdigit() for load in loads)
    chart = (pygal.Line if numeric else pygal.Bar)(
        title=f"{result.title}: {result.plot}",
        style=Style(
            colors=_colours(contestants, kept),
            background="white",
            plot_background="white",
            foreground="#374151",
            foreground_strong="#111827",
            foreground_subtle="#9ca3af",
            guide_stroke_color="#e5e7eb",
            major_guide_stroke_color="#e5e7eb",
            guide_stroke_dasharray="none",
            major_guide_stroke_dasharray="none",
            value_font_size=11,
            label_font_size=12,
            major_label_font_size=12,
            legend_font_size=13,
            font_family="system-ui, sans-serif",
        ),
        js=[],  # a picture: nothing is fetched when it is looked at
        x_title="at once" if numeric else None,
        legend_at_bottom=True,
        show_y_guides=True,
        print_values=not numeric,
        value_formatter=number,
        width=800,
        height=450,
        include_x_axis=True,
        stroke_style={"width": 2.5},
        dots_size=4,
    )
    chart.x_labels = loads
    for contestant in contestants:
        chart.add(contestant, _series(result, contestant, loads))
        if kept is not None:
            dashes = {"width": 1.5, "dasharray": "4, 6"}
            chart.add(f"{contestant}, kept", _series(kept, contestant, loads), stroke_style=dashes)
    return chart


def _colours(contestants: Sequence[str], kept: Result | None) -> tuple[str, ...]:
    colours = COLOURS[: len(contestants)]
    if kept is None:
        return colours
    return tuple(shade for colour in colours for shade in (colour, f"{colour}80"))


def _series(result: Result, contestant: str, loads: Sequence[str]) -> list[float | None]:
    found = [find(result.figures, contestant, load, result.plot) for load in loads]
    return [figure.median if figure else None for figure in found]
