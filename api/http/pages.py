"""The shop's pages: what `make web` has built, held in memory and compressed beforehand.

Read once, a dozen files of some hundred kilobytes: no disk is asked and nothing compressed while
customers wait. Names below `assets/` hold a hash of what is in them, so browsers keep those for
ever; all other paths that a browser opens are the application's, and it finds out itself which.
"""

from collections.abc import Mapping
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.message import message

FOLDER = Path(__file__).parents[1] / "web"
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # the smallest first
# Nothing inline, nothing from elsewhere, and no text that becomes script.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob: https:; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
FOR_EVER = "public, max-age=31536000, immutable"
# The names of what is not for browsers.
UNSERVED = frozenset({"manifest.json"})


@message
class Page:
    """A file: what it holds by content encoding, "" being none, and what is said of it."""

    bodies: Mapping[str, bytes]
    headers: Mapping[str, str]


def read_pages(folder: Path) -> dict[str, Page]:
    """All files of a build by the path that they are asked for by."""
    packed = set(ENCODINGS.values())
    return {
        f"/{path.relative_to(folder).as_posix()}": _page(path, folder)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in packed and path.name not in UNSERVED
    }


def _page(path: Path, folder: Path) -> Page:
    raw = path.read_bytes()
    bodies = {"": raw}
    for encoding, suffix in ENCODINGS.items():
        if (compressed := path.with_name(path.name + suffix)).exists():
            bodies[encoding] = compressed.read_bytes()
    media = guess_type(path.name)[0] or "application/octet-stream"
    hashed = path.relative_to(folder).parts[0] == "assets"
    headers = {
        "Content-Type": f"{media}; charset=utf-8" if media.startswith("text/") else media,
        "Vary": "Accept-Encoding",
        "Cache-Control": FOR_EVER if hashed else "no-cache",
        "ETag": f'W/"{sha256(raw).hexdigest()[:16]}"',
    }
    if path.suffix == ".html":
        headers["Content-Security-Policy"] = POLICY
    return Page(bodies, headers)


class Pages:
    """ASGI application: the files of a build, and `index.html` for what else a browser opens."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._pages = read_pages(folder)
        self._index = self._pages["/index.html"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        asked = Headers(scope=scope)
        page = self._pages.get(scope["path"])
        if page is None and _opens_a_page(scope["path"], asked):
            page = self._index
        if page is None:
            return Response("Not Found", 404, media_type="text/plain")
        if scope["method"] not in {"GET", "HEAD"}:
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        if asked.get("if-none-match") == page.headers["ETag"]:
            return Response(status_code=304, headers=dict(page.headers))
        encoding = _encoding(asked, page)
        named = {"Content-Encoding": encoding} if encoding else {}
        return Response(page.bodies[encoding], headers={**page.headers, **named})


def _opens_a_page(path: str, asked: Headers) -> bool:
    return path == "/" or (
        not path.startswith("/assets/") and "text/html" in asked.get("accept", "")
    )


def _encoding(asked: Headers, page: Page) -> str:
    """The best that both know; one with a weight of zero is refused by RFC 9110, section 12.4.2."""
    accepted = set()
    for part in asked.get("accept-encoding", "").split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            accepted.add(name.strip().lower())
    return next((name for name in ENCODINGS if name in accepted and name in page.bodies), "")
