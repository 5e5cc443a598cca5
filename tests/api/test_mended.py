"""What was put right reaches whoever follows it, though it lies behind what was seen already."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from infrastructure.consumers.parked import parked_events, retry
from infrastructure.operations.health import PARKED
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.read_models.rebuild import Connections, rebuild
from projections import PROJECTIONS
from tests.api.mutations import DEPOSIT, PROGRESS, RESULT, UPDATE_PRODUCT, create, place
from tests.api.shop import Client, Following, Shop, whole_shop

CHANGED = "subscription ($ids: [ID!]) { productChanged(ids: $ids) { id name } }"
ACCOUNT = "subscription { accountChanged { balance { amount } } }"
# What the read models cannot take while these stand.
BREAK = """
CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'it is broken'; END $$;
CREATE TRIGGER broken BEFORE UPDATE ON orders.executions FOR EACH ROW
    WHEN (NEW.status = 'SUCCEEDED') EXECUTE FUNCTION broken();
CREATE TRIGGER broken BEFORE INSERT ON accounts.transactions FOR EACH ROW
    WHEN (NEW.reason = 'DEPOSIT') EXECUTE FUNCTION broken();
CREATE TRIGGER broken BEFORE UPDATE ON products.products FOR EACH ROW
    WHEN (NEW.name = 'Mended') EXECUTE FUNCTION broken();
"""
MEND = "DROP FUNCTION broken CASCADE"


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """One whose read models can be broken."""
    with whole_shop(database_url) as shop:
        yield shop


def run(url: str, statement: str) -> None:
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        connection.execute(statement)


def parked(connection: Connection[Any]) -> dict[str, int]:
    return {p.consumer: p.position for p in parked_events(connection)}


def try_again(url: str) -> None:
    with tool_connection(url, "test") as connection:
        retry(connection, parked_events(connection), "test", None)


def build_anew(url: str) -> None:
    with tool_connection(url, "test") as reader, tool_connection(url, "test") as writer:
        for projection in PROJECTIONS:
            for _ in rebuild(Connections(reader, writer), projection):
                pass


async def until_parked(url: str, consumers: int) -> None:
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        async with asyncio.timeout(10):
            while len(parked(connection)) < consumers:  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.02)


async def quiet(client: Client, document: str, **variables: object) -> None:
    """Send something whose outcome the read models cannot show."""
    await client.send(document, **variables)


@pytest.mark.parametrize("mend", [try_again, build_anew])
async def test_what_is_mended_is_pushed_to_all_who_follow(
    shop: Shop, mend: Callable[[str], None]
) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    board, untouched = await shop.product(), await shop.product()
    order = await create(ada, "10.00", {untouched: 1})
    run(shop.url, BREAK)
    async with AsyncExitStack() as stack:

        async def follow(client: Client, document: str, **variables: object) -> Following:
            return await stack.enter_async_context(client.follow(document, **variables))

        result = await follow(ada, RESULT, name="stuck")
        progress = await follow(ada, PROGRESS, name="stuck")
        account = await follow(ada, ACCOUNT)
        named = await follow(shop.visitor(), CHANGED, ids=[board])
        await place(ada, order, "stuck")
        assert (await account.next())["balance"] == {"amount": "990.00"}
        steps = [await progress.next() for _ in range(4)]
        await ada.send(DEPOSIT, input={"amount": "5"})
        await admin.send(UPDATE_PRODUCT, input={"id": board, "name": "Mended"})
        await until_parked(shop.url, 3)
        # Only now, so that what follows is of the mending alone.
        everything = await follow(shop.visitor(), CHANGED)

        run(shop.url, MEND)
        await asyncio.to_thread(mend, shop.url)
        [told] = await result.rest()
        assert (told["status"], told["order"]["status"]) == ("COMPLETED", "COMPLETED")
        steps += await progress.rest()
        assert [step["number"] for step in steps] == [1, 2, 3, 4, 5]
        assert steps[-1]["type"] == "SUCCEEDED"
        assert (await account.next())["balance"] == {"amount": "995.00"}
        assert await named.next() == {"id": board, "name": "Mended"}
        assert await everything.next() == {"id": board, "name": "Mended"}
    async with ada.follow(PROGRESS, name="stuck") as again:
        assert await again.rest() == steps
    with psycopg.connect(conninfo(shop.url, "test"), autocommit=True) as connection:
        # What is parked for the copy that was live before concerns nobody.
        assert parked(connection) == {}
        assert connection.execute(PARKED).fetchall() == []
