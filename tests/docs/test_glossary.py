"""The glossary names code that exists."""

import re

import pytest

from tests.docs.markdown import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
ROWS = [
    re.findall(r"`([^`]+)`", line.split("|")[3])
    for line in GLOSSARY.read_text().splitlines()
    if line.startswith("| ") and "`" in line
]


def test_it_has_words() -> None:
    assert len(ROWS) > 30


@pytest.mark.parametrize("names", ROWS, ids=" ".join)
def test_what_it_names_is_there(names: list[str]) -> None:
    """A path, and what of it is meant; or several paths."""
    source = ""
    for name in names:
        if "/" in name:
            path = ROOT / name
            assert path.is_file(), f"{name} is not there"
            source = path.read_text()
        else:
            assert re.search(rf"\b{name}\b", source), f"{name} is not in it"
