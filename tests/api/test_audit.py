"""What the GraphQL-over-HTTP specification demands, sentence by sentence.

https://graphql.github.io/graphql-over-http/draft: what it MUST and SHOULD do, and what the public
audit looks at, https://github.com/graphql/graphql-http.
"""

from typing import Any

import httpx
import orjson
import pytest

from tests.api.asking import EVENT_STREAM, GRAPHQL_JSON, JSON, TYPENAME, ask, post
from tests.api.shop import Shop

MUTATION = "mutation { __typename }"
WITH_VARIABLE = "query Named($first: Int!) { products(first: $first) { totalCount } }"
BOTH = [JSON, GRAPHQL_JSON]
# Not well-formed GraphQL-over-HTTP requests.
NO_STRINGS: list[object] = [{}, 0, False, []]
NO_MAPS: list[object] = ["a", 0, False, []]
ILL_FORMED: list[object] = [
    b"NONSENSE",
    b'{"query":',
    {"qeury": TYPENAME},
    *({"query": wrong} for wrong in NO_STRINGS),
    *({"query": TYPENAME, "operationName": wrong} for wrong in NO_STRINGS),
    *({"query": TYPENAME, "variables": wrong} for wrong in NO_MAPS),
    *({"query": TYPENAME, "extensions": wrong} for wrong in NO_MAPS),
]
# Well-formed ones that raise a request error.
REFUSED = [
    {"query": "{"},
    {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"},
    {"query": "query A { __typename } query B { __typename }"},
    {"query": "query A { __typename }", "operationName": "B"},
    {"query": WITH_VARIABLE, "variables": {"first": "one"}},
    {"query": WITH_VARIABLE},
]


def type_of(response: httpx.Response) -> str:
    type_: str = response.headers["content-type"]
    return type_


@pytest.mark.parametrize("accept", [JSON, f"{JSON}; charset=utf-8", "*/*", "application/*", None])
async def test_json_is_answered_to_who_takes_it(shop: Shop, accept: str | None) -> None:
    response = await post(shop, {"query": TYPENAME}, accept=accept)
    assert (response.status_code, type_of(response)) == (200, f"{JSON}; charset=utf-8")
    assert response.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "accept",
    [
        GRAPHQL_JSON,
        f"{GRAPHQL_JSON}; charset=utf-8, {JSON}; charset=utf-8",
        f"{JSON}, {GRAPHQL_JSON}",
        f"{JSON};q=0.9, {GRAPHQL_JSON}",
        f"{JSON};q=0, */*",
    ],
)
async def test_the_media_type_of_graphql_is_answered_to_who_prefers_it(
    shop: Shop, accept: str
) -> None:
    response = await post(shop, {"query": TYPENAME}, accept=accept)
    assert (response.status_code, type_of(response)) == (200, f"{GRAPHQL_JSON}; charset=utf-8")


@pytest.mark.parametrize("accept", ["image/png", f"{JSON};q=0", "text/*;q=0.5, image/*"])
async def test_who_takes_none_of_it_is_told_so(shop: Shop, accept: str) -> None:
    response = await post(shop, {"query": TYPENAME}, accept=accept)
    assert response.status_code == 406
    assert GRAPHQL_JSON in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "content_type",
    [JSON, f"{JSON}; charset=utf-8", f'{JSON}; charset="utf-8"', f"{JSON};charset=UTF-8"],
)
async def test_requests_are_json_in_utf_8(shop: Shop, content_type: str) -> None:
    query = '{ products(search: "Grüße 👋") { totalCount } }'
    body = orjson.dumps({"query": query})
    response = await post(shop, body, **{"Content-Type": content_type})
    assert response.json()["data"] == {"products": {"totalCount": 0}}


async def test_a_post_without_a_media_type_is_refused(shop: Shop) -> None:
    response = await ask(shop, "POST", content=orjson.dumps({"query": TYPENAME}))
    assert response.status_code == 415


@pytest.mark.parametrize("accept", BOTH)
async def test_a_post_without_a_body_is_refused(shop: Shop, accept: str) -> None:
    response = await post(shop, b"", accept=accept)
    assert response.status_code == 400
    assert response.json()["errors"]


@pytest.mark.parametrize("accept", BOTH)
@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
async def test_null_is_as_if_it_were_not_said(shop: Shop, accept: str, name: str) -> None:
    response = await post(shop, {"query": TYPENAME, name: None}, accept=accept)
    assert response.status_code == 200
    assert "errors" not in response.json()


@pytest.mark.parametrize("accept", BOTH)
@pytest.mark.parametrize(
    "more",
    [
        {"operationName": "Named", "variables": {"first": 1}},
        {"variables": {"first": 1}, "extensions": {"some": "value"}},
        {"variables": {"first": 1}, "unknown": 7},
    ],
)
async def test_all_parameters_are_taken(shop: Shop, accept: str, more: dict[str, Any]) -> None:
    response = await post(shop, {"query": WITH_VARIABLE, **more}, accept=accept)
    assert response.status_code == 200
    assert "errors" not in response.json()


@pytest.mark.parametrize("accept", BOTH)
async def test_a_get_has_them_in_its_url(shop: Shop, accept: str) -> None:
    params = {"query": WITH_VARIABLE, "variables": '{"first":1}', "extensions": "{}"}
    for name in ("Named", ""):
        response = await ask(
            shop, "GET", params={**params, "operationName": name}, headers={"Accept": accept}
        )
        assert response.status_code == 200
        assert "errors" not in response.json()


@pytest.mark.parametrize("accept", BOTH)
async def test_a_get_executes_no_mutation(shop: Shop, accept: str) -> None:
    response = await ask(shop, "GET", params={"query": MUTATION}, headers={"Accept": accept})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("accept", BOTH)
@pytest.mark.parametrize("body", ILL_FORMED)
async def test_what_is_no_request_has_status_400(shop: Shop, accept: str, body: object) -> None:
    response = await post(shop, body, accept=accept)
    assert response.status_code == 400
    assert type_of(response).startswith(accept)
    assert "data" not in response.json()
    assert response.json()["errors"]


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL_JSON, 400)])
@pytest.mark.parametrize("body", REFUSED)
async def test_what_cannot_be_executed_has_the_status_of_its_media_type(
    shop: Shop, accept: str, status: int, body: dict[str, Any]
) -> None:
    response = await post(shop, body, accept=accept)
    assert response.status_code == status
    assert "data" not in response.json()
    assert response.json()["errors"]


@pytest.mark.parametrize("accept", BOTH)
async def test_what_was_executed_in_part_is_a_success(
    shop: Shop, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("api.graphql.dataloaders.shared.products_page", broken)
    ada = await shop.customer()
    query = "{ viewer { id } product(id: 7) { id } }"
    response = await ada.post({"query": query}, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.json()["data"] == {"viewer": {"id": str(ada.user_id)}, "product": None}
    assert response.json()["errors"]
    response = await ada.post({"query": "{ products { totalCount } }"}, headers={"Accept": accept})
    assert response.status_code == 200  # RECOMMENDED also where nothing is left
    assert response.json()["data"] is None


async def test_who_likes_streams_as_much_as_json_gets_json(shop: Shop) -> None:
    urql = f"{GRAPHQL_JSON}, application/graphql+json, {JSON}, {EVENT_STREAM}, multipart/mixed"
    response = await post(shop, {"query": TYPENAME}, accept=urql)
    assert type_of(response).startswith(GRAPHQL_JSON)
