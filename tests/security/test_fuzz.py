"""Whatever is sent, the shop answers as GraphQL does, tells nothing of its insides, stays well."""

import asyncio
import gc
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graphql import build_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from api.graphql.schema.build import sdl
from tests.api.mutations import buy, create
from tests.api.shop import Client, Shop, whole_shop
from tests.conftest import copy_of
from tests.security.nonsense import Document, Nonsense, bodies, documents, messages

SLOW = 20.0  # seconds: what an operation may take, and a little for a busy machine
CODES = {"UNAUTHENTICATED", "FORBIDDEN", "BAD_USER_INPUT", "RATE_LIMITED", "QUERY_TOO_COMPLEX"}
LEAKS = re.compile(
    r'Traceback|File "|\.py\b|site-packages|psycopg|SELECT |INSERT |DETAIL:|relation "'
    r"|0x[0-9a-f]{8}|NoneType|has no attribute|strawberry|UUID\(|Decimal\("
)
# A field that fails cancels what has not begun beside it, and Python tells of that.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <coroutine:pytest.PytestUnraisableExceptionWarning"
)
WHO = ("customer", "admin", "admin", "customer", "visitor")


@dataclass
class Fuzzed:
    """A shop in which there is something of everything."""

    shop: Shop
    nonsense: Nonsense
    clients: dict[str, Client]
    product: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    def send(self, who: str, body: bytes, **options: Any) -> Any:
        """What is answered, once it is looked at."""
        token = self.clients[who].token
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )
        began = time.monotonic()
        response = self.http.request(
            options.pop("method", "POST"),
            f"http://{self.shop.api.address}/graphql",
            content=body,
            headers=headers,
            **options,
        )
        assert time.monotonic() - began < SLOW
        assert response.status_code < 500, response.text
        assert not LEAKS.search(response.text), response.text
        answer = json.loads(response.text)
        assert answer.keys() <= {"data", "errors", "extensions"}
        assert answer.keys() & {"data", "errors"}
        for error in answer.get("errors", ()):
            assert error.keys() <= {"message", "locations", "path", "extensions"}
            assert error["extensions"]["code"] in CODES, error
        return answer

    def is_well(self) -> None:
        """It sells as before, and nothing was put aside."""
        gc.collect()
        asyncio.run(self._is_well())

    async def _is_well(self) -> None:
        ready = await self.clients["visitor"].get({}, "/health/ready")
        assert ready.status_code == 200, ready.text
        product = await self.shop.product()
        result = await buy(await self.shop.customer(), "afterwards", "10.00", {product: 1})
        assert result["status"] == "COMPLETED"
        async with self.shop.api.services.pool.connection() as connection:
            cursor = await connection.execute("SELECT consumer, error FROM parked_events")
            assert await cursor.fetchall() == []


@contextmanager
def fuzzed_shop(server: str, template: str, *, limits: bool) -> Iterator[Fuzzed]:
    with copy_of(template, server) as url, whole_shop(url, limits=limits) as shop:
        fuzzed = asyncio.run(_filled(shop))
        with fuzzed.http:
            yield fuzzed


@pytest.fixture(scope="module")
def fuzzed(postgres_server: str, migrated_template: str) -> Iterator[Fuzzed]:
    with fuzzed_shop(postgres_server, migrated_template, limits=True) as fuzzed:
        yield fuzzed


@pytest.fixture(scope="module")
def unlimited(postgres_server: str, migrated_template: str) -> Iterator[Fuzzed]:
    """Where nothing is refused because it is too much or too often."""
    with fuzzed_shop(postgres_server, migrated_template, limits=False) as fuzzed:
        yield fuzzed


async def _filled(shop: Shop) -> Fuzzed:
    customer, other, admin = await shop.customer(), await shop.customer(), await shop.admin()
    product, rare = await shop.product(), await shop.product(quantity=0)
    done = (await buy(customer, "run", "10.00", {product: 1}))["order"]["id"]
    failed = (await buy(customer, "fails", "10.00", {rare: 1}))["order"]["id"]
    pending = [await create(who, "10.00", {product: 1}) for who in (customer, other)]
    ids = [product, rare, done, failed, *pending, str(customer.account_id), str(customer.user_id)]
    nonsense = Nonsense(build_schema(sdl()), [*ids, str(uuid4()), str(uuid4())])
    clients = {"visitor": shop.visitor(), "customer": customer, "other": other, "admin": admin}
    return Fuzzed(shop, nonsense, clients, product)


def fuzz(examples: int) -> settings:
    """In CI the same at every run; elsewhere hypothesis prints how to repeat what failed. With
    FUZZ=40 in the environment, 40 times as many."""
    return settings(
        max_examples=examples * int(os.environ.get("FUZZ", "1")),
        derandomize="CI" in os.environ,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def send_operations(fuzzed: Fuzzed, kind: str, examples: int) -> None:
    @fuzz(examples)
    @given(st.sampled_from(WHO), fuzzed.nonsense.operations(kind))
    def send(who: str, document: Document) -> None:
        query, variables = document
        fuzzed.send(who, json.dumps({"query": query, "variables": variables}).encode())

    send()
    fuzzed.is_well()


def test_no_query_breaks_anything(unlimited: Fuzzed) -> None:
    send_operations(unlimited, "query", 200)


def test_no_query_breaks_what_limits_it(fuzzed: Fuzzed) -> None:
    send_operations(fuzzed, "query", 100)


def test_no_mutation_breaks_anything(unlimited: Fuzzed) -> None:
    send_operations(unlimited, "mutation", 300)


async def test_a_field_that_fails_takes_nothing_from_one_that_reads_the_same(shop: Shop) -> None:
    ada = await shop.customer()
    document = """{
        good: viewer { account { balance { amount } } orders { totalCount } }
        bad: viewer { account { id } orders(after: "nonsense") { totalCount } } }"""
    for _ in range(10):
        answer = await ada.send(document)
        [error] = answer["errors"]
        assert error["path"] == ["bad", "orders"]
        assert answer["data"]["good"] == {
            "account": {"balance": {"amount": "1000.00"}},
            "orders": {"totalCount": 0},
        }


def test_no_document_breaks_anything(fuzzed: Fuzzed) -> None:
    @fuzz(200)
    @given(st.sampled_from(["POST", "GET"]), documents())
    def send(method: str, document: str) -> None:
        params = {"query": document} if method == "GET" else None
        body = json.dumps({"query": document}).encode()
        fuzzed.send("customer", body, method=method, params=params)

    send()
    fuzzed.is_well()


def test_no_body_breaks_anything(fuzzed: Fuzzed) -> None:
    @fuzz(200)
    @given(bodies())
    def send(body: bytes) -> None:
        fuzzed.send("customer", body)

    send()
    fuzzed.is_well()


def test_no_messages_break_anything(fuzzed: Fuzzed) -> None:
    """The connection ends with a code of the protocol, or goes on."""

    @fuzz(50)
    @given(st.sampled_from(WHO), st.lists(messages(), max_size=6))
    def send(who: str, said: list[dict[str, Any]]) -> None:
        heard, code = asyncio.run(conversation(fuzzed.clients[who], said))
        assert code in {None, 4400, 4409}
        assert not LEAKS.search(heard), heard
        assert set(re.findall(r'"code":"(\w+)"', heard)) <= CODES, heard

    send()
    fuzzed.is_well()


async def conversation(client: Client, said: list[dict[str, Any]]) -> tuple[str, int | None]:
    """All that is answered, and the code that it is closed with."""
    heard: list[str] = []
    async with asyncio.timeout(SLOW), client.socket() as socket:
        try:
            for message in [*said, {"type": "ping"}]:
                await socket.send(json.dumps(message))
            while not heard or heard[-1] != '{"type":"pong"}':
                heard.append(str(await socket.recv()))
        except ConnectionClosed:
            return "".join(heard), socket.close_code
    return "".join(heard), None
