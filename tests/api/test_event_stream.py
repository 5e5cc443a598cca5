"""Subscriptions as server-sent events, with what is promised for websockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from api.graphql.services import CONNECTIONS_A_USER
from api.graphql.transport import event_stream
from api.metrics import REQUESTS
from infrastructure.identity.tokens import ACCESS_TOKEN_LIFETIME, AccessTokens
from infrastructure.ids import new_id
from tests.api.asking import EVENT_STREAM, GRAPHQL_JSON, JSON, TYPENAME
from tests.api.mutations import RESULT, create, place
from tests.api.shop import KEY, PATIENCE, Api, Client, Shop, settings_for, until

FOLLOW = "subscription { productChanged { id } }"
COMPLETE = {"event": "complete", "data": ""}


class Stream:
    """One response, event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments: list[str] = []
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, str] | None:
        """The next event; None where the stream has ended."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(":")
                if line.startswith(":"):
                    self.comments.append(value.strip())
                elif line:
                    found[name] = value.strip()
                elif found:
                    return found
        return None

    async def next(self) -> dict[str, Any]:
        """The payload of the next event."""
        event = await self.event()
        assert event is not None
        assert event["event"] == "next", event
        payload: dict[str, Any] = orjson.loads(event["data"])
        return payload


@asynccontextmanager
async def stream(
    client: Client, query: str, accept: str = EVENT_STREAM, **variables: object
) -> AsyncIterator[Stream]:
    headers = {"Accept": accept}
    if client.token:
        headers["Authorization"] = f"Bearer {client.token}"
    async with (
        httpx.AsyncClient(timeout=PATIENCE, verify=False) as http,
        http.stream(
            "POST",
            f"http://{client.address}/graphql",
            json={"query": query, "variables": variables},
            headers=headers,
        ) as response,
    ):
        yield Stream(response)


async def test_an_order_is_followed_to_its_end(shop: Shop) -> None:
    ada, board = await shop.customer(), await shop.product()
    order = await create(ada, "10.00", {board: 1})
    async with stream(ada, RESULT, name="streamed") as events:
        assert events.response.headers["content-type"] == f"{EVENT_STREAM}; charset=utf-8"
        await place(ada, order, "streamed")
        assert (await events.next())["data"]["orderResult"]["status"] == "COMPLETED"
        assert await events.event() == COMPLETE
        assert await events.event() is None


async def test_it_is_not_compressed(shop: Shop) -> None:
    async with stream(await shop.customer(), FOLLOW) as events:
        assert "content-encoding" not in events.response.headers
        assert events.response.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(
    "accept", [f"{EVENT_STREAM}, multipart/mixed", f"{JSON}, {EVENT_STREAM};q=0.1"]
)
async def test_a_subscription_is_answered_so_wherever_that_is_taken(
    shop: Shop, accept: str
) -> None:
    async with stream(shop.visitor(), FOLLOW, accept) as events:
        assert events.response.headers["content-type"].startswith(EVENT_STREAM)


@pytest.mark.parametrize("accept", ["*/*", JSON, GRAPHQL_JSON, "text/*"])
async def test_it_is_answered_so_to_who_asks_for_it_alone(shop: Shop, accept: str) -> None:
    async with stream(shop.visitor(), FOLLOW, accept) as events:
        await events.response.aread()
        assert events.response.status_code == 400 if accept != "text/*" else 406
        assert EVENT_STREAM in events.response.json()["errors"][0]["message"]


async def test_a_query_is_a_stream_of_one(shop: Shop) -> None:
    async with stream(shop.visitor(), TYPENAME) as events:
        assert (await events.next())["data"] == {"__typename": "Query"}
        assert await events.event() == COMPLETE


async def test_what_cannot_be_executed_is_told_in_the_stream(shop: Shop) -> None:
    for query in ("{", "{ nothing }", "subscription { nothing }", "query A { a } query B { b }"):
        async with stream(shop.visitor(), query) as events:
            assert events.response.status_code == 200
            errors = (await events.next())["errors"]
            assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
            assert await events.event() == COMPLETE


async def test_what_is_no_request_is_not(shop: Shop) -> None:
    async with httpx.AsyncClient(verify=False) as http:
        response = await http.post(
            f"http://{shop.api.address}/graphql",
            content=b"{",
            headers={"Content-Type": JSON, "Accept": EVENT_STREAM},
        )
    assert response.status_code == 400


async def test_a_token_that_is_not_valid_is_told_in_the_stream(shop: Shop) -> None:
    async with stream(Client(shop.api.address, "x.y.z"), FOLLOW) as events:
        [error] = (await events.next())["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_event_source_asks_by_get(shop: Shop) -> None:
    async with (
        httpx.AsyncClient(timeout=PATIENCE, verify=False) as http,
        http.stream(
            "GET",
            f"http://{shop.api.address}/graphql",
            params={"query": FOLLOW},
            headers={"Accept": EVENT_STREAM},
        ) as response,
    ):
        assert response.headers["content-type"].startswith(EVENT_STREAM)


async def test_a_stream_is_broken_off_when_its_token_expires(shop: Shop) -> None:
    earlier = datetime.now(UTC) - ACCESS_TOKEN_LIFETIME + timedelta(seconds=2)
    token, _ = AccessTokens([KEY], clock=lambda: earlier).issue(new_id(), "USER", new_id())
    async with stream(Client(shop.api.address, token), FOLLOW) as events:
        assert await events.event() is None
    assert events.comments[-1] == "The access token has expired."


async def test_a_stream_is_broken_off_when_its_session_ends(shop: Shop) -> None:
    ada = await shop.customer()
    async with stream(ada, FOLLOW) as events:
        await until(lambda: shop.api.services.connections.total == 1)
        await shop.api.call(shop.api.services.identity.users.lock(ada.user_id))
        assert await events.event() is None
    assert events.comments[-1] == "The session has ended."


async def test_comments_keep_a_stream_open_and_at_last_it_ends(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "BEAT", 0.05)
    monkeypatch.setattr(event_stream, "LONGEST", 0.5)
    async with stream(await shop.customer(), FOLLOW) as events:
        assert await events.event() is None
    assert events.comments[:3] == ["", "", ""]
    assert "open it again" in events.comments[-1]


async def test_streams_are_counted_with_connections(shop: Shop) -> None:
    ada = await shop.customer()
    async with AsyncExitStack() as streams:
        for _ in range(CONNECTIONS_A_USER):
            await streams.enter_async_context(stream(ada, FOLLOW))
        more = await streams.enter_async_context(stream(ada, FOLLOW))
        assert more.response.status_code == 429
        assert int(more.response.headers["retry-after"]) >= 1
        await more.response.aread()
        assert more.response.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_streams_do_not_keep_a_process_from_stopping(shop: Shop) -> None:
    api = Api(settings_for(shop.url))
    with api.running():
        async with stream(Client(api.address), FOLLOW) as events:
            await until(lambda: api.services.connections.total == 1)
            api.stop()
            with pytest.raises(httpx.RemoteProtocolError):  # so clients open it again
                await events.event()


async def test_how_long_a_stream_is_open_is_no_time_of_a_request(shop: Shop) -> None:
    posts = REQUESTS.labels("POST", 200)
    before = posts._sum.get()
    async with stream(await shop.customer(), FOLLOW):
        await asyncio.sleep(1)
    await until(lambda: shop.api.services.connections.total == 0)
    assert posts._sum.get() - before < 1
