"""The shop's pages, as they are served."""

import httpx
import pytest

from api.http.pages import FOLDER, POLICY
from tests.api.shop import PATIENCE, Shop

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
[SCRIPT] = [path.name for path in (FOLDER / "assets").glob("index-*.js")]


async def get(shop: Shop, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.get(f"http://{shop.api.address}{path}", headers=named)


@pytest.mark.parametrize("path", ["/", "/cart", "/executions/3f?x=1", "/index.html"])
async def test_whatever_a_browser_opens_is_the_shop(shop: Shop, path: str) -> None:
    response = await get(shop, path, Accept=HTML)
    assert response.status_code == 200
    assert response.text == (FOLDER / "index.html").read_text()
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/assets/gone.js", HTML),
        ("/cart", "application/json"),
        ("/manifest.json", "*/*"),
        (f"/assets/{SCRIPT}.br", "*/*"),
        ("/../pyproject.toml", "*/*"),
    ],
)
async def test_what_is_no_page_is_not_found(shop: Shop, path: str, accept: str) -> None:
    assert (await get(shop, path, Accept=accept)).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip")],
)
async def test_scripts_are_compressed_and_kept_for_ever(
    shop: Shop, accepted: str, encoding: str
) -> None:
    response = await get(shop, f"/assets/{SCRIPT}", Accept_Encoding=accepted)
    assert response.headers["content-encoding"] == encoding
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.content == (FOLDER / "assets" / SCRIPT).read_bytes()


async def test_a_page_that_a_browser_has_is_not_sent_again(shop: Shop) -> None:
    first = await get(shop, "/", Accept=HTML)
    again = await get(shop, "/", Accept=HTML, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


async def test_nothing_can_be_sent_to_a_page(shop: Shop) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        response = await http.post(f"http://{shop.api.address}/", headers={"Accept": HTML})
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
