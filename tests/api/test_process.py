"""An API process: how it starts, how it is asked whether it is well, how it ends."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

import api.graphql.transport.websocket
from tests.api.mutations import DEPOSIT, UPDATE_PRODUCT
from tests.api.shop import PATIENCE, Api, Client, Shop, hear, say, settings_for, until, whole_shop

FOLLOW = {"query": "subscription { productChanged { id name } }"}


@pytest.fixture
def new_shop(database_url: str) -> Iterator[Shop]:
    """A shop in which nothing has happened yet."""
    with whole_shop(database_url) as shop:
        yield shop


async def get(api: Api, path: str, **headers: str) -> httpx.Response:
    return await Client(api.address).get(headers, path)


async def ready(api: Api) -> dict[str, Any]:
    """What `/health/ready` says, once it is content."""
    async with asyncio.timeout(PATIENCE):
        while (response := await get(api, "/health/ready")).status_code != 200:
            pass
    body: dict[str, Any] = response.json()
    return body


async def test_a_whole_shop_is_ready(new_shop: Shop) -> None:
    assert await ready(new_shop.api) == {"status": "ready", "position": 0, "lag": 0}
    assert (await get(new_shop.api, "/health/live")).json() == {"status": "live"}


async def test_a_shop_without_its_runners_is_alive_but_not_ready(database_url: str) -> None:
    with Api(settings_for(database_url)).running() as api:
        response = await get(api, "/health/ready")
        assert response.status_code == 503
        assert response.json() == {
            "status": "not ready",
            "problems": {"process-manager": "does not run", "projector": "does not run"},
        }
        assert (await get(api, "/health/live")).status_code == 200


async def test_a_command_is_accepted_though_its_outcome_cannot_be_shown(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with whole_shop(database_url) as shop:
        ada = await shop.customer()
    with Api(settings_for(database_url)).running() as api:
        ada.address = api.address
        [error] = (await ada.send(DEPOSIT, input={"amount": "1"}))["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["message"] == "The command was accepted, but its outcome cannot be shown yet."


async def test_a_shop_whose_database_is_gone_says_so(new_shop: Shop) -> None:
    ada = await new_shop.customer()
    with psycopg.connect(new_shop.url, autocommit=True) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        database = sql.Identifier(row[0])
        forbid = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        connection.execute("SELECT pg_advisory_lock(1)")
        with psycopg.connect(new_shop.url, dbname="postgres", autocommit=True) as elsewhere:
            elsewhere.execute(forbid.format(database, sql.SQL("false")))
            try:
                elsewhere.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND pid <> pg_backend_pid()",
                    row,
                )
                response = await get(new_shop.api, "/health/ready")
                assert response.status_code == 503
                assert response.json()["problems"] == {"database": "does not answer"}
                answer = await ada.send("{ products { totalCount } }")
                assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
                assert "database" in answer["errors"][0]["message"]
                assert (await get(new_shop.api, "/metrics")).status_code == 200
            finally:
                elsewhere.execute(forbid.format(database, sql.SQL("true")))
    await ready(new_shop.api)
    assert "errors" not in await ada.send("{ products { totalCount } }")


async def test_metrics_are_told(new_shop: Shop) -> None:
    ada = await new_shop.customer()
    async with ada.follow(FOLLOW["query"]):
        await ada.ask(DEPOSIT, input={"amount": "1"})
        text = (await get(new_shop.api, "/metrics")).text
    lines = text.splitlines()
    assert "shop_websocket_connections 1.0" in lines
    assert "shop_websocket_operations 1.0" in lines
    assert 'shop_consumer_lag_events{consumer="projector:accounts"} 0.0' in lines
    assert "shop_log_position 2.0" in lines
    assert 'shop_graphql_fields_total{field="deposit",kind="mutation"}' in text
    assert 'shop_http_request_seconds_count{method="POST",status="200"}' in text


async def test_a_new_shop_pushes_its_first_product(new_shop: Shop) -> None:
    await ready(new_shop.api)
    async with new_shop.visitor().follow(FOLLOW["query"]) as following:
        product = await new_shop.product(name="First")
        assert await following.next() == {"id": product, "name": "First"}


async def test_a_process_that_stops_finishes_what_it_has_begun(new_shop: Shop) -> None:
    ada = await new_shop.customer()
    async with ada.socket() as socket:
        await say(socket, type="subscribe", id="1", payload=FOLLOW)
        calls = [asyncio.create_task(ada.ask(DEPOSIT, input={"amount": "1"})) for _ in range(5)]
        recorded = new_shop.api.services.writer.statistics
        before = recorded.events
        await until(lambda: recorded.events > before)
        new_shop.api.stop()
        done = await asyncio.gather(*calls, return_exceptions=True)
        await socket.wait_closed()
    assert socket.close_code == 1012
    accepted = [payload for payload in done if isinstance(payload, dict)]
    assert accepted
    assert all("account" in payload for payload in accepted)


async def test_other_origins_are_let_in_where_they_are_named(database_url: str) -> None:
    settings = settings_for(database_url, cors_origins=("https://window.example",))
    with Api(settings).running() as api:
        allowed = await get(api, "/health/live", Origin="https://window.example")
        assert allowed.headers["access-control-allow-origin"] == "https://window.example"
        assert allowed.headers["access-control-expose-headers"] == "X-Request-Id, Retry-After"
        other = await get(api, "/health/live", Origin="https://elsewhere.example")
        assert "access-control-allow-origin" not in other.headers


async def test_a_client_that_does_not_read_is_dropped(
    new_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.graphql.transport.websocket, "SEND_TIMEOUT", 0.5)
    admin = await new_shop.admin()
    board = await new_shop.product()
    urls = " ".join(f"a{n}: imageUrl" for n in range(50))
    follow = f"subscription {{ productChanged {{ {urls} }} }}"
    services = new_shop.api.services
    async with admin.connection() as slow:
        await say(slow, type="connection_init", payload={"authorization": admin.token})
        assert await hear(slow) == {"type": "connection_ack"}
        for n in range(20):
            await say(slow, type="subscribe", id=str(n), payload={"query": follow})
        slow.transport.pause_reading()
        changes = 0
        async with asyncio.timeout(PATIENCE):
            while services.connections.total:
                changes += 1
                url = "/" + f"{changes:05}" * 390
                await admin.ask(UPDATE_PRODUCT, input={"id": board, "imageUrl": url})
        slow.transport.abort()
    assert services.subscriptions.total == 0
    assert "errors" not in await admin.send("{ viewer { id } }")
