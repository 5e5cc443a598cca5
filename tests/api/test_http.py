"""GraphQL over HTTP: what is accepted, and what is told of what goes wrong."""

import re
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from api.graphql.transport.graphiql import tour
from infrastructure.ids import new_id
from tests.api.mutations import CREATE_ORDER, DEPOSIT, order_input
from tests.api.shop import Client, Shop

TYPENAME = "{ __typename }"
LEAKS = re.compile(r"Traceback|/work|\.py|SELECT |psycopg|site-packages", re.IGNORECASE)


async def request(
    shop: Shop, method: str, path: str = "/graphql", **options: Any
) -> httpx.Response:
    async with httpx.AsyncClient(verify=False, timeout=30) as http:
        response = await http.request(method, f"http://{shop.api.address}{path}", **options)
    assert not LEAKS.search(response.text), response.text
    return response


async def post(shop: Shop, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"Content-Type": "application/json", **headers}
    return await request(shop, "POST", content=content, headers=headers)


def code(response: httpx.Response) -> str:
    [error] = response.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


async def test_a_query_is_answered_with_its_cost(shop: Shop) -> None:
    response = await post(shop, {"query": TYPENAME})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.json() == {"data": {"__typename": "Query"}, "extensions": {"cost": 1}}


async def test_the_operation_is_chosen_by_its_name(shop: Shop) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    response = await post(shop, {"query": query, "operationName": "B"})
    assert response.json()["data"] == {"b": "Query"}
    assert code(await post(shop, {"query": query})) == "BAD_USER_INPUT"
    assert code(await post(shop, {"query": query, "operationName": "C"})) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"7",
        b'"{ __typename }"',
        b"\xff\xfe",
        b'{"query": "\\ud800"}',
        {},
        {"query": None},
        {"query": 7},
        {"query": TYPENAME, "variables": []},
        {"query": TYPENAME, "variables": "{}"},
        {"query": TYPENAME, "operationName": 7},
        [{"query": TYPENAME}],
        b'{"query":' + b"[" * 100_000,
    ],
)
async def test_what_is_no_request_is_refused(shop: Shop, body: object) -> None:
    response = await post(shop, body)
    assert response.status_code == 400
    assert code(response) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "{",
        "{ nothing }",
        "query ($a: Nothing) { __typename }",
        "{ product { id } }",
        '{ product(id: "x") { id } }',
        "type T { a: Int }",
        "fragment F on Query { __typename }",
        "{ ...F } fragment F on Query { ...F }",
        "mutation { signIn }",
        "{ products(first: 101) { totalCount } }",
        "{ products(first: -1) { totalCount } }",
        "{ products(first: 99999999999) { totalCount } }",
        '{ products(after: "nonsense") { totalCount } }',
        "\0",
    ],
)
async def test_what_is_wrong_with_a_document_is_told(shop: Shop, query: str) -> None:
    response = await post(shop, {"query": query})
    assert response.status_code == 200
    codes = {error["extensions"]["code"] for error in response.json()["errors"]}
    assert codes == {"BAD_USER_INPUT"}


async def test_variables_that_do_not_fit_are_told(shop: Shop) -> None:
    ada = await shop.customer()
    for variables in ({}, {"input": None}, {"input": {"amount": "1", "extra": 1}}):
        assert await ada.code(DEPOSIT, **variables) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE orders; --",
        '"quotes"',
        "👩‍👩‍👧‍👦",
        "Ω≈ç√",
        "<script>",
        "%s %(a)s {0}",
        "\\x00",
    ],
)
async def test_odd_text_is_only_text(shop: Shop, text: str) -> None:
    ada = await shop.customer()
    sent = order_input("10.00", {await shop.product(): 1})
    sent["shippingAddress"] = {**sent["shippingAddress"], "city": text}
    payload = await ada.ask(CREATE_ORDER, input=sent)
    assert payload["order"]["shippingAddress"]["city"] == text


async def test_a_body_that_is_too_large_is_refused(shop: Shop) -> None:
    for size in (2 << 20, 20 << 20):
        response = await post(shop, {"query": TYPENAME, "padding": "x" * size})
        assert response.status_code == 413
        assert code(response) == "BAD_USER_INPUT"
    response = await post(shop, {"query": TYPENAME, "padding": "x" * ((1 << 20) - 100)})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_only_json_is_read(shop: Shop, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = await post(shop, {"query": TYPENAME}, **headers)
    assert response.status_code == 415


async def test_json_may_say_its_charset(shop: Shop) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert (await post(shop, {"query": TYPENAME}, **headers)).status_code == 200


async def test_queries_may_be_sent_in_the_url(shop: Shop) -> None:
    query = "query Q($id: ID!) { product(id: $id) { id } }"
    variables = orjson.dumps({"id": str(new_id())}).decode()
    params = {"query": query, "variables": variables, "operationName": "Q"}
    response = await request(shop, "GET", params=params)
    assert response.json()["data"] == {"product": None}
    broken = await request(shop, "GET", params={"query": query, "variables": "{"})
    assert broken.status_code == 400
    assert (await request(shop, "GET")).status_code == 400


async def test_mutations_are_sent_by_post_alone(shop: Shop) -> None:
    params = {"query": 'mutation { signOut(refreshToken: "x") { ok } }'}
    response = await request(shop, "GET", params=params)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await request(shop, method)).status_code == 405


async def test_subscriptions_are_sent_by_websocket_alone(shop: Shop) -> None:
    response = await post(shop, {"query": "subscription { productChanged { id } }"})
    assert response.status_code == 400
    assert code(response) == "BAD_USER_INPUT"


async def test_browsers_get_graphiql_with_the_tour(shop: Shop) -> None:
    response = await request(shop, "GET", headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    first = orjson.dumps({"query": tour()[0]}).decode().replace("<", r"\u003c")
    assert first in response.text
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "'unsafe-eval'" not in policy


@pytest.mark.parametrize("document", tour())
async def test_every_document_of_the_tour_is_valid(shop: Shop, document: str) -> None:
    response = await post(
        shop, {"query": document + " query Valid { __typename }", "operationName": "Valid"}
    )
    assert response.json()["data"] == {"__typename": "Query"}


async def test_answers_have_security_headers_and_are_not_kept(shop: Shop) -> None:
    for path in ("/graphql", "/health/live", "/nothing"):
        headers = (await request(shop, "GET", path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "own", ["7", "x" * 128, "a/b:c", '{"a\\b"}', "0199F3C0-0000-7000-8000-000000000001"]
)
async def test_a_request_keeps_any_reasonable_id(shop: Shop, own: str) -> None:
    response = await post(shop, {"query": TYPENAME}, **{"X-Request-Id": own})
    assert response.headers["x-request-id"] == own


@pytest.mark.parametrize("own", ["", "x" * 129, "a b", "a\tb"])
async def test_a_request_without_a_reasonable_id_gets_one(shop: Shop, own: str) -> None:
    response = await post(shop, {"query": TYPENAME}, **{"X-Request-Id": own})
    assert UUID(response.headers["x-request-id"]).version == 7


async def origin_of_a_deposit(shop: Shop, own: str) -> tuple[UUID, UUID, str]:
    """Who is said to have made it, correlation and causation, of a request with this id."""
    ada = await shop.customer()
    body = {"query": DEPOSIT, "variables": {"input": {"amount": "1"}}}
    await ada.post(body, headers={"X-Request-Id": own})
    async with shop.api.services.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT actor_id, correlation_id, causation_id FROM event_log"
            " WHERE stream_id = %s AND type = 'Deposited'",
            (ada.account_id,),
        )
        [(actor, correlation, causation)] = await cursor.fetchall()
    assert actor == ada.user_id
    return actor, correlation, causation


async def test_events_say_which_request_made_them_happen(shop: Shop) -> None:
    own = new_id()
    assert (await origin_of_a_deposit(shop, str(own)))[1:] == (own, str(own))


async def test_events_say_it_too_where_its_id_is_no_uuid(shop: Shop) -> None:
    own = 'deploy/7:"quoted\\"'
    _, correlation, causation = await origin_of_a_deposit(shop, own)
    assert correlation.version == 7
    assert causation == own


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Basic YTpi", "Bearer", "Bearer null"])
async def test_a_token_that_is_none_of_ours_is_told(shop: Shop, header: str) -> None:
    response = await post(shop, {"query": TYPENAME}, Authorization=header)
    assert code(response) == "UNAUTHENTICATED"


async def test_an_empty_token_is_none(shop: Shop) -> None:
    response = await post(shop, {"query": TYPENAME}, Authorization="")
    assert "errors" not in response.json()


async def test_who_has_an_old_token_can_still_get_another(shop: Shop) -> None:
    query = 'mutation { refreshSession(refreshToken: "x") { __typename } }'
    response = await post(shop, {"query": query}, Authorization="Bearer x.y.z")
    assert response.json()["data"] == {"refreshSession": {"__typename": "AuthenticationProblem"}}
    hidden = "fragment F on Mutation { deposit(input: { amount: 1 }) { __typename } }"
    both = 'mutation { signOut(refreshToken: "x") { ok } ...F } ' + hidden
    response = await post(shop, {"query": both}, Authorization="Bearer x.y.z")
    assert code(response) == "UNAUTHENTICATED"


async def test_what_fails_inside_is_not_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("SELECT secrets FROM /srv/shop/api.py")

    monkeypatch.setattr("api.graphql.dataloaders.shared.products_page", broken)
    own = str(new_id())
    response = await post(shop, {"query": "{ products { totalCount } }"}, **{"X-Request-Id": own})
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": own}
    assert error["message"] == f"Something went wrong; request id {own}."
    assert response.json()["data"] is None


async def test_an_endpoint_that_breaks_says_only_that(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SELECT secrets FROM /srv/shop/api.py")

    monkeypatch.setattr(type(shop.api.services.engine), "prepare", broken)
    response = await post(shop, {"query": TYPENAME})
    assert response.status_code == 500
    assert code(response) == "INTERNAL"


async def test_all_sent_on_one_connection_is_answered(shop: Shop) -> None:
    async with httpx.AsyncClient(verify=False, base_url=f"http://{shop.api.address}") as http:
        for body in (b"{", orjson.dumps({"query": TYPENAME}), b"x" * (2 << 20)) * 2:
            headers = {"Content-Type": "application/json"}
            response = await http.post("/graphql", content=body, headers=headers)
            assert response.status_code in {200, 400, 413}


async def test_a_visitor_is_nobody(shop: Shop) -> None:
    assert await Client(shop.api.address).ask("{ viewer { id } }") is None
