"""HTTP around GraphQL: heads, bodies, compression, other origins, what stands at `/`."""

import asyncio
import gzip
import zlib
from typing import Any

import brotli  # type: ignore[import-untyped]  # has no types
import httpx
import orjson
import pytest
import zstandard

from api.graphql.execution.engine import MOST_DIGITS
from api.http.server import LARGEST_HEAD
from infrastructure.settings import CORS_HEADERS
from tests.api.asking import GRAPHQL_JSON, JSON, TYPENAME, ask, post
from tests.api.mutations import DEPOSIT
from tests.api.shop import PATIENCE, Api, Client, Shop, settings_for

LARGE = "{ __schema { types { name description } } }"
SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { __typename } }"


def message(response: httpx.Response) -> str:
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    told: str = error["message"]
    return told


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "The request is empty."),
        (b" \n", "The request is empty."),
        (b"\xef\xbb\xbf{}", "The JSON begins with a byte order mark; leave it out."),
        ('{"query":""}'.encode("utf-16"), "The JSON is not in UTF-8."),
        (b'{"query": "\xe9"}', "The JSON is not in UTF-8."),
        (b'{"query": "\xed\xa0\x80"}', "The JSON is not in UTF-8."),
        (
            b'{"query": "\\ud800"}',
            "The JSON holds half of a surrogate pair, which is no character.",
        ),
        (
            b'{"query": "\\udc00\\ud800"}',
            "The JSON holds half of a surrogate pair, which is no character.",
        ),
        (
            b'{"variables": {"a": ' + b"9" * 5_000 + b"}}",
            "The JSON holds a number that is too large.",
        ),
        (b'{"query":' + b"[" * 100_000, "The JSON is nested too deeply."),
        (b'{"query": }', "The request is not valid JSON, from character 11 on."),
        (b"{} {}", "The request is not valid JSON, from character 4 on."),
    ],
)
async def test_each_body_that_cannot_be_read_has_its_own_sentence(
    shop: Shop, body: bytes, told: str
) -> None:
    response = await post(shop, body)
    assert response.status_code == 400
    assert message(response) == told


async def test_a_compressed_body_is_refused(shop: Shop) -> None:
    body = gzip.compress(orjson.dumps({"query": TYPENAME}))
    response = await post(shop, body, **{"Content-Encoding": "gzip"})
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "identity"
    assert message(response) == "The request must not be compressed."


@pytest.mark.parametrize(
    "query",
    [
        "{{ products(first: {}) {{ totalCount }} }}",
        "query ($n: Int = {}) {{ products(first: $n) {{ totalCount }} }}",
        "mutation {{ deposit(input: {{ amount: {} }}) {{ __typename }} }}",
        "{{ product(id: {}.5) {{ id }} }}",
    ],
)
async def test_a_number_in_a_document_has_a_greatest_length(shop: Shop, query: str) -> None:
    response = await post(shop, {"query": query.format("9" * 5_000)})
    assert message(response) == f"A number in a document has at most {MOST_DIGITS} digits."


async def test_digits_in_a_text_are_no_number(shop: Shop) -> None:
    digits = "9" * 5_000
    query = f'{{ product(id: "{digits}") {{ id }} }} # {digits}'
    assert message(await post(shop, {"query": query})) == "An id must be a UUID."


async def test_a_password_is_not_repeated(shop: Shop) -> None:
    secret = "kickflip over the gap"
    for variables in ({"i": {"password": secret}}, {"i": {"password": [secret]}}):
        response = await post(shop, {"query": SIGN_IN, "variables": variables})
        assert "$i" in response.json()["errors"][0]["message"]
        assert secret not in response.text


async def test_a_wrong_variable_is_told_with_its_path(shop: Shop) -> None:
    ada = await shop.customer()
    answer = await ada.send(DEPOSIT, input={"amount": {"value": 7}})
    assert answer["errors"][0]["message"] == (
        "Variable '$input' has invalid value at .amount:"
        ' A Decimal must be a string such as "12.50".'
    )


# --- what a status says ---


async def test_who_has_called_too_often_is_told_when_to_call_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await shop.customer()
    monkeypatch.setattr(type(shop.api.services.mutations), "take", refuse)
    body = {"query": DEPOSIT, "variables": {"input": {"amount": "1"}}}
    response = await ada.post(body, headers={"Accept": GRAPHQL_JSON})
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 7}
    response = await ada.post(body, headers={"Accept": JSON})
    assert response.status_code == 200
    assert "retry-after" not in response.headers


def refuse(*_: object) -> None:
    from infrastructure.identity.errors import RateLimited  # noqa: PLC0415

    raise RateLimited(7)


async def test_who_comes_when_there_are_too_many_is_told_to_come_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.api.services.operations, "_most", 0)
    response = await post(shop, {"query": TYPENAME}, accept=GRAPHQL_JSON)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert (await post(shop, {"query": TYPENAME}, accept=JSON)).status_code == 200


@pytest.mark.parametrize("token", ["x.y.z", None])
async def test_who_is_not_let_in_is_asked_for_a_token(shop: Shop, token: str | None) -> None:
    client = Client(shop.api.address, token)
    body = {"query": DEPOSIT, "variables": {"input": {"amount": "1"}}}
    response = await client.post(body, headers={"Accept": GRAPHQL_JSON})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert (await client.post(body, headers={"Accept": JSON})).status_code == 200


# --- heads ---


async def raw(shop: Shop, *chunks: bytes) -> bytes:
    """All that is answered to these bytes."""
    host, port = shop.api.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "chunks",
    [
        [b"GET /health/live HTTP/1.1\r\nX-Large: " + b"x" * LARGEST_HEAD + b"\r\n\r\n"],
        [b"GET /health/live HTTP/1.1\r\nX-Large: ", *[b"x" * 1_000] * 40],
        [b"GET /health/live HTTP/1.1\r\n", *[b"X-Small: y\r\n"] * 4_000],
        [b"GET /", *[b"x" * 1_000] * 40],
    ],
)
async def test_a_head_has_a_greatest_size(shop: Shop, chunks: list[bytes]) -> None:
    answer = await raw(shop, *chunks)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    if answer:
        assert answer.endswith(b"The request's headers are larger than 32,768 bytes.")


async def test_a_head_of_a_usual_size_is_taken(shop: Shop) -> None:
    large = "x" * (LARGEST_HEAD - 1_000)
    response = await ask(shop, "GET", "/health/live", headers={"X-Large": large})
    assert response.status_code == 200


async def test_a_large_body_is_no_head(shop: Shop) -> None:
    body = {"query": TYPENAME, "padding": "x" * (4 * LARGEST_HEAD)}
    assert (await post(shop, body)).status_code == 200


async def test_connections_are_kept_for_as_long_as_is_set(shop: Shop) -> None:
    with Api(settings_for(shop.url, keep_alive=1)).running() as api:
        short = Shop(shop.url, shop.settings, api, shop.stack)
        answer = await raw(short, b"GET /health/live HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert b"200 OK" in answer
    assert shop.settings.keep_alive > 120  # what proxies keep theirs for


# --- compression ---


DECODERS: dict[str, Any] = {
    "zstd": lambda raw: zstandard.ZstdDecompressor().decompressobj().decompress(raw),
    "br": brotli.decompress,
    "gzip": lambda raw: zlib.decompress(raw, wbits=31),
}


@pytest.mark.parametrize("encoding", DECODERS)
async def test_a_large_answer_is_compressed_as_the_client_takes_it(
    shop: Shop, encoding: str
) -> None:
    async with (
        httpx.AsyncClient(verify=False) as http,
        http.stream(
            "POST",
            f"http://{shop.api.address}/graphql",
            json={"query": LARGE},
            headers={"Accept-Encoding": encoding, "Accept": GRAPHQL_JSON},
        ) as response,
    ):
        body = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers["content-encoding"] == encoding
    assert "accept-encoding" in response.headers["vary"].lower()
    plain = DECODERS[encoding](body)
    assert len(body) < len(plain) / 2
    assert "data" in orjson.loads(plain)


@pytest.mark.parametrize(
    ("query", "encoding"), [(TYPENAME, "gzip, br, zstd"), (LARGE, "identity"), (LARGE, "br;q=0")]
)
async def test_a_small_one_is_not_nor_is_one_that_must_not_be(
    shop: Shop, query: str, encoding: str
) -> None:
    response = await post(shop, {"query": query}, **{"Accept-Encoding": encoding})
    assert "content-encoding" not in response.headers
    assert "data" in response.json()


# --- other origins ---


async def preflight(address: str, headers: str) -> httpx.Response:
    async with httpx.AsyncClient(verify=False) as http:
        return await http.options(
            f"http://{address}/graphql",
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": headers,
            },
        )


async def test_pages_may_send_what_clients_send(shop: Shop) -> None:
    settings = settings_for(shop.url, cors_origins=("https://shop.example",))
    with Api(settings).running() as api:
        assert (await preflight(api.address, ",".join(CORS_HEADERS))).status_code == 200
        assert (await preflight(api.address, "x-tenant")).status_code == 400
        exposed = await ask(
            Shop(shop.url, settings, api, shop.stack),
            "GET",
            "/health/live",
            headers={"Origin": "https://shop.example"},
        )
        assert exposed.headers["access-control-expose-headers"] == "X-Request-Id, Retry-After"


async def test_what_else_they_may_send_is_a_setting(shop: Shop) -> None:
    settings = settings_for(
        shop.url, cors_origins=("https://shop.example",), cors_headers=("x-tenant", "authorization")
    )
    with Api(settings).running() as api:
        assert (await preflight(api.address, "x-tenant,authorization")).status_code == 200
        assert (await preflight(api.address, "traceparent")).status_code == 400


# --- paths and methods ---


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/health/live", {}),
        ("/health/ready", {}),
        ("/metrics", {}),
        ("/graphql", {"Accept": "text/html"}),
        ("/graphql?query={__typename}", {"Accept": JSON}),
        ("/static/skateboards/mojave.svg", {}),
    ],
)
async def test_head_works_where_get_does(shop: Shop, path: str, headers: dict[str, str]) -> None:
    get = await ask(shop, "GET", path, headers=headers)
    head = await ask(shop, "HEAD", path, headers=headers)
    assert get.status_code < 400
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("content-type") == get.headers.get("content-type")


async def test_head_executes_no_mutation(shop: Shop) -> None:
    assert (await ask(shop, "HEAD", "/graphql?query=mutation{a:__typename}")).status_code == 405
