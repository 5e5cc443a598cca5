"""Decisions are numbered, listed, and say since when they stand."""

import re

from tests.docs.markdown import ROOT

FOLDER = ROOT / "docs" / "adr"
PAGES = sorted(FOLDER.glob("0*.md"))
STATUS = re.compile(r"# (\d+)\. .+\n\n\*(Accepted|Replaced by \[.+\]\(.+\)), \d{4}-\d\d-\d\d\.\*\n")


def test_each_says_whether_it_stands_and_since_when() -> None:
    without = [page.name for page in PAGES if not STATUS.match(page.read_text())]
    assert without == [], "after the title: *Accepted, 2026-11-25.*"


def test_numbers_are_without_gaps_and_all_pages_are_listed() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))
    listed = re.findall(
        r"^(\d+)\. \[.+\]\((.+)\)$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    assert listed == [(str(int(page.name[:4])), page.name) for page in PAGES]
