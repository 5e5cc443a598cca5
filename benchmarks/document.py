"""`docs/performance.md` says what the kept results say: their tables are written into it."""

import re
from pathlib import Path

from benchmarks.report import number
from benchmarks.result import Claim, Result, find

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
VERDICTS = {"aim": "aim reached", "met": "met", "missed": "**missed**"}


def write_into_document(result: Result) -> None:
    """Put the result's tables between the two comments that name it, where they stand."""
    text = DOCUMENT.read_text()
    begin, end = f"<!-- {result.name} -->", f"<!-- /{result.name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    block = f"{begin}\n\n{markdown(result)}\n\n{end}"
    DOCUMENT.write_text(pattern.sub(lambda _: block, text))


def markdown(result: Result) -> str:
    """The medians, the plot, what had to be shown, and on what machine."""
    measures = list(dict.fromkeys(figure.measure for figure in result.figures))
    places = dict.fromkeys((figure.at, figure.contestant) for figure in result.figures)
    rows = [
        [at, contestant, *(_cell(result, contestant, at, measure) for measure in measures)]
        for at, contestant in places
    ]
    parts = [
        _table(["at", "", *measures], rows),
        f"![{result.title}](../benchmarks/results/{result.name}.svg)",
        _machine(result),
    ]
    if result.claims:
        claims = [_claim(claim) for claim in result.claims]
        parts.insert(1, _table(["", "measured", "at least", "aim", ""], claims))
    return "\n\n".join(parts)


def _cell(result: Result, contestant: str, at: str, measure: str) -> str:
    figure = find(result.figures, contestant, at, measure)
    return number(figure.median) if figure else ""


def _claim(claim: Claim) -> list[str]:
    unit = f" {claim.unit}" if claim.unit else ""
    bound = "at most " if claim.smaller else ""
    return [
        claim.what,
        f"{number(claim.value)}{unit}",
        f"{bound}{number(claim.at_least)}{unit}",
        f"{number(claim.aim)}{unit}",
        VERDICTS[claim.verdict],
    ]


def _machine(result: Result) -> str:
    m = result.machine
    others = f", of which others took {m.busy:.0%}" if m.busy > 0.05 else ""
    rounds = "one short round" if result.quick else result.how
    return f"{rounds}. {m.cores} cores{others}, {m.cpu}, Python {m.python}, {m.at:%Y-%m-%d}."


def _table(head: list[str], rows: list[list[str]]) -> str:
    aligned = ["---" if not column or column == "at" else "--:" for column in head]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, aligned, *rows])
