"""Draws docs/imports.svg from the imports: who knows whom. Run by `make picture`.

Each row is a wing of the code, each column one that it imports, in the same order, from the bottom
to the top: a dark square is an import. All are left of the diagonal, because nothing imports
upwards: tests/docs/test_architecture.py says so. How often is not drawn: only a new neighbour
changes the picture.
"""

from pathlib import Path

import grimp

HERE = Path(__file__).parent
PICTURE = HERE / "imports.svg"
PACKAGES = ("domain", "application", "projections", "infrastructure", "api")
LETTERS = "system-ui, DejaVu Sans, sans-serif"
CELL, LEFT, TOP, FONT = 22, 250, 225, 12
COLOURS = {
    "domain": "#2a9d8f",
    "application": "#457b9d",
    "projections": "#8d6cab",
    "infrastructure": "#c77d35",
    "api": "#b5495b",
}


def wing_of(module: str) -> str | None:
    """The room that a module is in: two names deep in the large folders, None for a folder."""
    parts = module.split(".")
    if parts[0] in {"infrastructure", "api"}:
        return ".".join(parts[:2]) if len(parts) > 1 else None
    return parts[0]


def imports() -> set[tuple[str, str]]:
    """Which wing imports which."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: set[tuple[str, str]] = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = wing_of(module), wing_of(imported)
            if pair[0] and pair[1] and pair[0] != pair[1]:
                found.add((pair[0], pair[1]))
    return found


def order(found: set[tuple[str, str]]) -> list[str]:
    """The wings from the bottom to the top, folder by folder: each after all that it imports."""
    wings = {wing for pair in found for wing in pair}
    ordered: list[str] = []
    for package in PACKAGES:
        left = {wing for wing in wings if wing.split(".")[0] == package}
        while left:
            free = {w for w in left if not any((w, other) in found for other in left - {w})}
            for wing in sorted(free or left):
                ordered.append(wing)
                left.remove(wing)
    return ordered


def draw() -> str:
    """The picture as SVG."""
    found = imports()
    wings = order(found)
    size = len(wings) * CELL
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + size + 20}'
            f' {TOP + size + 20}" font-family="{LETTERS}" font-size="{FONT}">'
        ),
        "<title>Who knows whom: rows import columns</title>",
        '<rect width="100%" height="100%" fill="#fbfaf8"/>',
    ]
    for n, wing in enumerate(wings):
        x, y = LEFT + n * CELL, TOP + n * CELL
        colour = COLOURS[wing.split(".")[0]]
        name = wing.replace(".", "/")
        lines += [
            (
                f'<rect x="{LEFT}" y="{y}" width="{size}" height="{CELL}" fill="{colour}"'
                f' fill-opacity="{0.05 if n % 2 else 0.1}"/>'
            ),
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end" fill="{colour}">{name}</text>',
            (
                f'<text transform="translate({x + 15} {TOP - 8}) rotate(-60)" fill="{colour}">'
                f"{name}</text>"
            ),
            (
                f'<rect x="{x + 3}" y="{y + 3}" width="{CELL - 6}" height="{CELL - 6}" rx="3"'
                f' fill="{colour}"/>'
            ),
        ]
        for m, imported in enumerate(wings):
            if (wing, imported) in found:
                lines += [
                    (
                        f'<rect x="{LEFT + m * CELL + 3}" y="{y + 3}" width="{CELL - 6}"'
                        f' height="{CELL - 6}" rx="3" fill="#333" fill-opacity="0.7">'
                        f"<title>{name} imports {imported.replace('.', '/')}</title></rect>"
                    )
                ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw())
