"""What stands in the project's Markdown files."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks in that language, as they stand."""
    found: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE
    )
    return found


def titles(document: Path, language: str) -> list[str]:
    """The headings that the fenced blocks in that language stand under."""
    title, found = "", list[str]()
    for line in document.read_text().splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        elif line == f"```{language}":
            found.append(title)
    return found


def commands(document: Path) -> list[str]:
    """The lines of the shell blocks; those that go on are one."""
    joined = [block.replace("\\\n", " ") for block in blocks(document, "sh")]
    lines = [line for block in joined for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def links(document: Path) -> list[str]:
    """The relative links and pictures, without their anchors."""
    targets: list[str] = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    return [target for target in targets if "://" not in target]
