"""What pages of other origins may do: nothing, unless their origin is named."""

import httpx
import pytest

from api.http.pages import POLICY
from tests.api.shop import Api, Client, Shop

WINDOW, ELSEWHERE = "https://window.example", "https://elsewhere.example"
QUERY = {"query": "{ __typename }"}


async def preflight(address: str, origin: str) -> httpx.Response:
    """What a browser asks before a page's POST of JSON with a token."""
    async with httpx.AsyncClient(verify=False) as http:
        return await http.options(
            f"http://{address}/graphql",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type",
            },
        )


def granted(response: httpx.Response) -> str | None:
    """The origin whose pages may read the answer; never with what a browser keeps for the shop."""
    assert "access-control-allow-credentials" not in response.headers
    assert "set-cookie" not in response.headers
    origin: str | None = response.headers.get("access-control-allow-origin")
    return origin


async def test_pages_of_other_origins_get_nothing(shop: Shop) -> None:
    answer = await shop.visitor().post(QUERY, headers={"Origin": ELSEWHERE})
    assert granted(answer) is None
    asked = await preflight(shop.api.address, ELSEWHERE)
    assert asked.status_code >= 400
    assert granted(asked) is None


@pytest.mark.parametrize(
    ("origins", "window", "elsewhere"),
    [((WINDOW,), WINDOW, None), ((WINDOW, ELSEWHERE), WINDOW, ELSEWHERE), (("*",), "*", "*")],
)
async def test_pages_of_origins_that_are_named_may_ask(
    shop: Shop, origins: tuple[str, ...], window: str | None, elsewhere: str | None
) -> None:
    settings = shop.settings.model_copy(update={"cors_origins": origins})
    with Api(settings).running() as api:
        for origin, expected in ((WINDOW, window), (ELSEWHERE, elsewhere)):
            asked = await preflight(api.address, origin)
            assert granted(asked) == expected
            assert (asked.status_code == 200) == (expected is not None)
            answer = await Client(api.address).post(QUERY, headers={"Origin": origin})
            assert granted(answer) == expected
            assert answer.json()["data"] == {"__typename": "Query"}


async def test_no_page_shows_the_shop_in_a_frame_or_runs_what_is_not_its_own(shop: Shop) -> None:
    for path in ("/graphql", "/static/skateboards/aurora.svg", "/health/live", "/metrics", "/"):
        answer = await shop.visitor().get({"Accept": "text/html"}, path)
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy or policy == POLICY
        assert "unsafe-eval" not in policy
        assert "script-src 'unsafe-inline'" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
