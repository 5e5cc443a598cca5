"""The changelog is about the version that is there."""

import re
import tomllib

from tests.docs.markdown import ROOT


def test_its_newest_heading_is_the_version_of_the_project() -> None:
    headings = re.findall(
        r"^## (\d+\.\d+\.\d+) - (unreleased|\d{4}-\d{2}-\d{2})$",
        (ROOT / "CHANGELOG.md").read_text(),
        re.MULTILINE,
    )
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert headings[0][0] == version
    assert [number for number, _ in headings] == sorted(
        (number for number, _ in headings),
        key=lambda number: [int(part) for part in number.split(".")],
        reverse=True,
    )
