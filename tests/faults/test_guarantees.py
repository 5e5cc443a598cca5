"""What docs/guarantees.md promises is shown by tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUARANTEES = (ROOT / "docs" / "guarantees.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", GUARANTEES)
# Sections that promise nothing by themselves.
REMARKS = {"What is not promised"}


@pytest.mark.parametrize(("path", "test"), NAMED, ids=str)
def test_every_test_that_is_named_exists(path: str, test: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    functions = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not test or test in functions


def test_every_promise_is_shown_by_a_test() -> None:
    sections = re.split(r"^## ", GUARANTEES, flags=re.MULTILINE)[1:]
    unshown = [text.split("\n")[0] for text in sections if "- `tests/" not in text]
    assert set(unshown) == REMARKS
