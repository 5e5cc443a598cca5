"""The build that is committed: is it that of these sources, and is it small?"""

import json
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
APART = {"browser", "new", "node_modules", "tests"}
MOST = 190 * 1024  # bytes, compressed by gzip, of what a first visit loads

manifest = json.loads((ROOT / "api" / "web" / "manifest.json").read_text())


def sources() -> list[str]:
    """As web/tools/finish.mjs finds them."""
    names = [
        path.relative_to(WEB).as_posix()
        for top in WEB.iterdir()
        if top.name not in APART
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.is_file()
    ]
    return sorted(name for name in names if not name.startswith("src/gql/"))


def test_the_build_is_that_of_the_sources() -> None:
    digest = sha256()
    for name in sources():
        digest.update(name.encode() + b"\0" + (WEB / name).read_bytes() + b"\0")
    assert digest.hexdigest() == manifest["sources"], "run `make web`, and commit what it builds"


def test_a_first_visit_loads_little() -> None:
    assert manifest["firstVisit"] <= MOST
