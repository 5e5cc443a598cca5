"""Documents that clients ask for by ids: automatic persisted queries, and a manifest."""

from collections.abc import Iterator
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.graphql.errors import BadUserInput
from api.graphql.execution import documents
from api.graphql.execution.documents import Documents, NoManifest, read_manifest
from api.graphql.execution.request import Refused, Request
from tests.api.asking import GRAPHQL_JSON, ask, post
from tests.api.shop import Api, Shop, hear, say, settings_for
from tests.cli.test_cli import shop as run_shop

PRODUCTS = "query Products($first: Int) { products(first: $first) { totalCount } }"
VIEWER = "{ viewer { id } }"


def hash_of(query: str) -> str:
    return sha256(query.encode()).hexdigest()


def persisted(query: str, *, version: int = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": hash_of(query)}}


def code(answer: dict[str, Any]) -> str:
    [error] = answer["errors"]
    found: str = error["extensions"]["code"]
    return found


async def test_a_hash_that_is_not_known_is_answered_as_clients_know_it(shop: Shop) -> None:
    body = {"extensions": persisted("{ __typename } # never sent")}
    for accept, status in (("application/json", 200), (GRAPHQL_JSON, 404)):
        response = await post(shop, body, accept=accept)
        assert response.status_code == status
        assert response.json() == {
            "errors": [
                {
                    "message": "PersistedQueryNotFound",
                    "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"},
                }
            ]
        }


async def test_a_document_that_was_sent_with_its_hash_is_known_by_it(shop: Shop) -> None:
    extensions = persisted(PRODUCTS)
    sent = await post(shop, {"query": PRODUCTS, "extensions": extensions})
    assert "errors" not in sent.json()
    again = await post(shop, {"extensions": extensions, "variables": {"first": 1}})
    assert again.json() == sent.json()
    params = {"extensions": orjson.dumps(extensions).decode(), "operationName": "Products"}
    assert (await ask(shop, "GET", params=params)).json() == sent.json()
    by_id = await post(shop, {"documentId": f"sha256:{hash_of(PRODUCTS)}"})
    assert by_id.json() == sent.json()


async def test_a_hash_of_something_else_is_refused(shop: Shop) -> None:
    body = {"query": VIEWER, "extensions": persisted("{ __typename }")}
    assert code((await post(shop, body)).json()) == "BAD_USER_INPUT"


async def test_a_document_that_is_not_valid_is_not_kept(shop: Shop) -> None:
    extensions = persisted("{ nothing }")
    assert code((await post(shop, {"query": "{ nothing }", "extensions": extensions})).json()) == (
        "BAD_USER_INPUT"
    )
    assert code((await post(shop, {"extensions": extensions})).json()) == (
        "PERSISTED_QUERY_NOT_FOUND"
    )


async def test_another_version_is_not_supported(shop: Shop) -> None:
    response = await post(shop, {"extensions": persisted(VIEWER, version=2)})
    assert response.json()["errors"][0]["message"] == "PersistedQueryNotSupported"


async def test_a_mutation_by_its_hash_is_sent_by_post(shop: Shop) -> None:
    query = 'mutation { signOut(refreshToken: "x") { ok } }'
    await post(shop, {"query": query, "extensions": persisted(query)})
    params = {"extensions": orjson.dumps(persisted(query)).decode()}
    assert (await ask(shop, "GET", params=params)).status_code == 405


async def test_websockets_know_them_too(shop: Shop) -> None:
    await post(shop, {"query": VIEWER, "extensions": persisted(VIEWER)})
    async with shop.visitor().socket() as socket:
        payload = {"extensions": persisted(VIEWER)}
        await say(socket, type="subscribe", id="1", payload=payload)
        assert (await hear(socket))["payload"]["data"] == {"viewer": None}


# --- the store ---


def prepared(text: str) -> str:
    if "wrong" in text:
        raise Refused(BadUserInput("wrong"))
    return text.upper()


def asked(query: str | None = None, document_id: str | None = None) -> Request:
    return Request(query, None, None, document_id)


def test_what_was_asked_for_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    store = Documents(make)
    for text in ("a", "b", "a", "c", "a", "b"):
        assert store.find(asked(text)) == text
    assert made == ["a", "b", "c", "b"]


def test_all_that_is_kept_has_a_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_CHARACTERS", 10)
    store = Documents(prepared)
    for text in ("aaaa", "bbbb", "cccc"):
        store.find(asked(text, hash_of(text)))
    with pytest.raises(Refused):
        store.find(asked(document_id=hash_of("aaaa")))
    assert store.find(asked(document_id=hash_of("bbbb"))) == "BBBB"


def test_a_document_gets_its_id_when_somebody_asks_for_it_by_one() -> None:
    store = Documents(prepared)
    store.find(asked("a"))
    with pytest.raises(Refused):
        store.find(asked(document_id=hash_of("a")))
    store.find(asked("a", hash_of("a")))
    store.find(asked("a"))
    assert store.find(asked(document_id=hash_of("a"))) == "A"


def test_a_manifest_is_all_there_is() -> None:
    store = Documents(prepared, {"1": "a", "2": "b"})
    assert store.find(asked(document_id="1")) == "A"
    assert store.find(asked("b")) == "B"
    assert store.find(asked("b", "anything")) == "B"
    for request in (asked("c"), asked(document_id="3"), asked("c", hash_of("c"))):
        with pytest.raises(Refused) as refused:
            store.find(request)
        assert (refused.value.errors[0].extensions or {})["code"] == "FORBIDDEN"


def test_a_manifest_has_to_be_valid() -> None:
    with pytest.raises(NoManifest, match="is not valid, 2: wrong"):
        Documents(prepared, {"1": "a", "2": "wrong"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": 1}', "nonsense"])
def test_a_file_that_is_no_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "documents.json").write_text(text)
    with pytest.raises(NoManifest):
        read_manifest(tmp_path / "documents.json")


# --- the setting ---


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As graphql-codegen writes it, whose ids are SHA-1 unless one says otherwise."""
    path = tmp_path_factory.mktemp("manifest") / "persisted-documents.json"
    path.write_bytes(orjson.dumps({sha1(PRODUCTS.encode()).hexdigest(): PRODUCTS}))
    return path


@pytest.fixture(scope="module")
def closed(shop: Shop, manifest: Path) -> Iterator[Shop]:
    """The shop, as an API process with a manifest shows it."""
    with Api(settings_for(shop.url, documents=manifest)).running() as api:
        yield Shop(shop.url, shop.settings, api, shop.stack)


async def test_the_documents_of_a_manifest_are_answered(closed: Shop) -> None:
    known = sha1(PRODUCTS.encode()).hexdigest()
    for body in (
        {"documentId": known},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": known}}},
        {"query": PRODUCTS},
    ):
        assert "errors" not in (await post(closed, body)).json()


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{ __typename }"},
        {"query": f"{PRODUCTS} "},
        {"query": VIEWER, "extensions": persisted(VIEWER)},
        {"extensions": persisted(VIEWER)},
        {"documentId": "nothing"},
    ],
)
async def test_nothing_else_is(closed: Shop, body: dict[str, Any]) -> None:
    for accept, status in (("application/json", 200), (GRAPHQL_JSON, 403)):
        response = await post(closed, body, accept=accept)
        assert response.status_code == status
        assert code(response.json()) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[]", "is not a JSON object of documents by their ids"),
        (
            '{"7": "{ nothing }"}',
            "has a document that is not valid, 7: Cannot query field 'nothing' on type 'Query'.",
        ),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    path = tmp_path / "documents.json"
    if text is not None:
        path.write_text(text)
    done = run_shop("serve", SHOP_DOCUMENTS=str(path), SHOP_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 2
    assert done.stderr == f"shop: SHOP_DOCUMENTS: {str(path)!r} {reason}\n"
