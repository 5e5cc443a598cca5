"""What has to run for ever is ended, one after the other, in a shop that is at work."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
import structlog

from infrastructure.consumers.signs_of_life import SignsOfLife
from infrastructure.postgres.connections import async_pool
from infrastructure.postgres.watchdog import Watchdog
from infrastructure.read_models import changes
from infrastructure.runtime.watched import Watched
from tests.api.mutations import DEPOSIT, buy
from tests.api.shop import Shop, whole_shop
from tests.conftest import copy_of
from tests.faults.test_seeing import figures
from tests.faults.waiting import until

TASKS = ["backlog", "follower follows", "follower listens", "session watch", "writer"]
THREAD = "database watchdog"
NONSENSE = ["", "x", "1.5", "-1", "99999999999", "9" * 5_000, "\N{SKATEBOARD}", "{}"]
CHANNELS = ["projected", "sessions_ended", "outbox_mails", "stored_events"]


@pytest.fixture(scope="module")
def shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    with copy_of(migrated_template, postgres_server) as url, whole_shop(url) as shop:
        yield shop


async def end(name: str) -> None:
    for task in asyncio.all_tasks():
        if task.get_name() == name:
            task.cancel()


async def problems(shop: Shop) -> dict[str, str]:
    answer = (await shop.visitor().get({}, "/health/ready")).json()
    found: dict[str, str] = answer.get("problems", {})
    return found


def test_every_task_is_ended_here(shop: Shop) -> None:
    assert sorted(lasting.name for lasting in shop.api.services.watched) == sorted([*TASKS, THREAD])


async def test_the_end_of_the_watchdog_is_seen_and_it_heals(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    async def is_red() -> bool:
        return THREAD in await problems(shop)

    async def is_green() -> bool:
        return not await is_red()

    with monkeypatch.context() as patch:
        patch.setattr(Watchdog, "look", fail)
        await until(is_red)
    await until(is_green)


@pytest.mark.parametrize("task", TASKS)
async def test_the_end_of_a_task_is_seen_and_it_heals(task: str, shop: Shop) -> None:
    ada, board = await shop.customer(), await shop.product(price=10_00)
    metric = f"shop_task_ends_total{{task={task}}}"
    before = (await figures(shop))[metric]
    with structlog.testing.capture_logs() as lines:
        await shop.api.call(end(task))

        async def is_red() -> bool:
            return (await problems(shop)).get(task) == "has ended: it was cancelled"

        await until(is_red)
    assert [line["task"] for line in lines if line["event"] == "ended, and must not"] == [task]

    async def is_green() -> bool:
        return not await problems(shop)

    await until(is_green)
    assert (await figures(shop))[metric] == before + 1
    await buy(ada, f"after the end of {task}", "10.00", {board: 1})


async def test_what_was_under_way_when_the_writer_ended_is_recorded_once(shop: Shop) -> None:
    ada = await shop.customer(money=0)
    deposits = [asyncio.create_task(ada.ask(DEPOSIT, input={"amount": "1"})) for _ in range(20)]
    for _ in range(3):
        await asyncio.sleep(0.01)
        await shop.api.call(end("writer"))
    for answer in await asyncio.gather(*deposits):
        assert answer["transaction"]["amount"] == {"amount": "1.00", "currency": "USD"}
    balance = await ada.ask("{ viewer { account { balance { amount } } } }")
    assert balance == {"account": {"balance": {"amount": "20.00"}}}


async def test_nonsense_on_any_channel_ends_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL", 60.0)  # whoever hears nothing any more is found out
    ends = {lasting.name: lasting.ends for lasting in shop.api.services.watched}
    with psycopg.connect(shop.url, autocommit=True) as connection:
        for channel in CHANNELS:
            for payload in NONSENSE:
                connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))
    ada, board = await shop.customer(), await shop.product(price=10_00)
    await buy(ada, "after all that nonsense", "10.00", {board: 1})
    assert {lasting.name: lasting.ends for lasting in shop.api.services.watched} == ends


async def test_a_courier_that_cannot_work_says_why_and_the_shop_is_not_ready(shop: Shop) -> None:
    watched, stop = Watched(), asyncio.Event()

    async def fail() -> None:
        raise ZeroDivisionError("no stamps")

    async with async_pool(shop.url, "test", size=2) as pool:
        signs = SignsOfLife(pool, "courier", watched, every=0.02)
        failing = watched.task("sending", fail)
        telling = watched.task("signs of life", lambda: signs.run(stop), until=stop)

        async def is_red() -> bool:
            said = "cannot work: sending: ZeroDivisionError: no stamps"
            return (await problems(shop)).get("courier") == said

        await until(is_red)
        found = await figures(shop)
        assert found["shop_courier_task_ends_total{task=sending}"] >= 1
        await failing.stop()
        stop.set()
        await telling.finish()

        works, done = SignsOfLife(pool, "courier", Watched(), every=0.02), asyncio.Event()
        works._holder = "another"
        working = asyncio.create_task(works.run(done))

        async def is_green() -> bool:
            return not await problems(shop)

        await until(is_green)
        done.set()
        await working
