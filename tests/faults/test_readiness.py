"""Readiness: green means that an order would go through now, and asking costs next to nothing."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from api.http import readiness
from api.http.readiness import Shared
from infrastructure.postgres.connections import conninfo
from tests.api.shop import Shop, whole_shop
from tests.conftest import copy_of
from tests.faults.waiting import until


@pytest.fixture(scope="module")
def shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    """A shop that works under an ordinary role."""
    with copy_of(migrated_template, postgres_server) as url:
        grant = "GRANT ALL ON ALL TABLES IN SCHEMA public, products, orders, accounts TO {0};"
        schemas = "GRANT ALL ON SCHEMA public, products, orders, accounts TO {0};"
        name = conninfo_to_dict(url)["dbname"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN; {schemas} {grant}".format(name).encode())
            try:
                with whole_shop(psycopg.conninfo.make_conninfo(url, user=str(name))) as shop:
                    yield shop
            finally:
                connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


async def problems(shop: Shop) -> dict[str, str]:
    answer = (await shop.visitor().get({}, "/health/ready")).json()
    found: dict[str, str] = answer.get("problems", {})
    return found


async def is_green(shop: Shop) -> bool:
    return not await problems(shop)


async def turns_red(shop: Shop, name: str, reason: str) -> None:
    async def is_red() -> bool:
        return reason in (await problems(shop)).get(name, "")

    await until(is_red)


@pytest.mark.parametrize(
    ("right", "name", "reason"),
    [
        ("INSERT ON stored_events", "appending", "permission denied for table stored_events"),
        ("SELECT ON users", "signing in", "permission denied for table users"),
        ("INSERT ON refresh_tokens", "signing in", "permission denied for table refresh_tokens"),
        ("SELECT ON orders.orders", "reading", "permission denied for table orders"),
    ],
)
async def test_what_customers_cannot_do_any_more_turns_it_red(
    right: str, name: str, reason: str, shop: Shop, postgres_server: str
) -> None:
    await until(lambda: is_green(shop))
    database = conninfo_to_dict(shop.url)["dbname"]
    url = psycopg.conninfo.make_conninfo(shop.url, user="postgres")
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        connection.execute(f"REVOKE {right} FROM {database}".encode())
        try:
            await turns_red(shop, name, reason)
        finally:
            connection.execute(f"GRANT {right} TO {database}".encode())
    await until(lambda: is_green(shop))


async def test_who_holds_up_all_appends_turns_it_red(shop: Shop) -> None:
    await until(lambda: is_green(shop))
    with psycopg.connect(conninfo(shop.url, "test")) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(7461726401)")
        await turns_red(shop, "appending", "does not answer")
    await until(lambda: is_green(shop))


async def test_a_listener_that_hears_nothing_turns_it_red(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await until(lambda: is_green(shop))
    follower = shop.api.services.follower
    with monkeypatch.context() as patch:
        patch.setattr(type(follower), "_hear", lambda *_: None)
        await turns_red(shop, "being pushed to", "does not answer")
    await until(lambda: is_green(shop))


async def test_however_many_ask_it_is_done_once_a_moment(shop: Shop) -> None:
    writer = shop.api.services.writer.statistics
    before = writer.batches
    answers = await asyncio.gather(*(shop.visitor().get({}, "/health/ready") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert writer.batches - before <= 50 / 10


async def test_readiness_records_nothing(shop: Shop) -> None:
    await until(lambda: is_green(shop))
    with psycopg.connect(conninfo(shop.url, "test")) as connection:
        [counts] = connection.execute(
            "SELECT (SELECT count(*) FROM stored_events), (SELECT count(*) FROM sessions),"
            " (SELECT count(*) FROM refresh_tokens)"
        ).fetchall()
    assert counts == (0, 0, 0)


async def test_an_answer_is_shared_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def ask() -> int:
        asked.append(len(asked))
        await asyncio.sleep(0.01)
        return asked[-1]

    monkeypatch.setattr(readiness, "FRESH", 60.0)
    shared = Shared(ask)
    assert list(await asyncio.gather(shared.get(), shared.get())) == [0, 0]
    assert await shared.get() == 0
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    assert await shared.get() == 1
