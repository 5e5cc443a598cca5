"""The map is that of the code, and no way on it leads back to where it began."""

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import grimp

from tests.docs.markdown import ROOT

sys.path.insert(0, str(ROOT / "docs"))
picture: Any = import_module("draw_imports")  # a script beside the picture that it draws


def test_the_picture_is_that_of_the_imports() -> None:
    drawn = picture.PICTURE.read_text()
    assert drawn == picture.draw(), "the imports have changed: run `make picture`"


def test_no_wing_imports_one_above_it() -> None:
    found = picture.imports()
    rank = {wing: n for n, wing in enumerate(picture.order(found))}
    assert [pair for pair in found if rank[pair[0]] < rank[pair[1]]] == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*picture.PACKAGES, cache_dir=None)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    assert circles(imports) == {}


def test_the_map_names_all_wings() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    for wing in picture.order(picture.imports()):
        folder = ROOT / wing.replace(".", "/")
        if folder.is_dir():
            assert f"{wing.replace('.', '/')}/" in text, (
                f"docs/architecture.md says nothing of {wing}"
            )


def circles(imports: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """What each module imports of those that lead back to it: whatever imports nothing that is
    left, or is imported by nothing that is left, is in no circle."""
    left = {module: set(imported) & imports.keys() for module, imported in imports.items()}
    while True:
        imported = {name for names in left.values() for name in names}
        in_none = [m for m, names in left.items() if not names & left.keys() or m not in imported]
        if not in_none:
            return {module: names & left.keys() for module, names in left.items()}
        for module in in_none:
            del left[module]
