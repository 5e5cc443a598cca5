"""Snapshots: taken by the process manager, equal to the replay, worthless to other code."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import TupleRow

from application.unit_of_work import Loaded
from domain.commands import Deposit, ReserveStock, Withdraw
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.command_handling.snapshots import (
    EVERY,
    READ_SNAPSHOTS,
    from_snapshot,
    save_snapshots,
)
from infrastructure.ids import new_id
from tests.infrastructure.conftest import Shop

pytestmark = pytest.mark.usefixtures("runners")


async def snapshot_of(shop: Shop, stream: UUID) -> TupleRow:
    for _ in range(100):
        async with shop.pool.connection() as connection:
            cursor = await connection.execute(READ_SNAPSHOTS, ([stream],), binary=True)
            if row := await cursor.fetchone():
                return row
        await asyncio.sleep(0.1)
    raise AssertionError("no snapshot was taken")


async def loaded_cold(shop: Shop, stream: UUID) -> Loaded:
    return await Dispatcher(shop.pool, shop.writer).load(stream)


async def busy_account(shop: Shop) -> UUID:
    _, account = await shop.customer(money=0)
    for _ in range(EVERY + 5):
        await shop.send(Deposit(account, new_id(), 1))
    return account


async def test_a_snapshot_and_what_came_after_it_equal_the_whole_replay(quiet_shop: Shop) -> None:
    account = await busy_account(quiet_shop)
    snapshot = from_snapshot(await snapshot_of(quiet_shop, account))
    assert snapshot
    assert (snapshot.version, snapshot.state.balance) == (EVERY, EVERY - 1)
    shortened = await loaded_cold(quiet_shop, account)
    await quiet_shop.rows("DELETE FROM snapshots RETURNING 1")
    assert await loaded_cold(quiet_shop, account) == shortened


async def test_a_snapshot_of_what_executions_moved_equals_the_replay(quiet_shop: Shop) -> None:
    product, ada = await quiet_shop.product(quantity=1_000), await quiet_shop.customer()
    for n in range(EVERY // 2 + 5):  # each reserves and ships
        order = await quiet_shop.order(ada, {product: 1}, 10_00)
        await quiet_shop.place(order, ada, f"{n}")
    snapshot = from_snapshot(await snapshot_of(quiet_shop, product))
    assert snapshot
    recorded = await quiet_shop.rows(
        "SELECT notification_id FROM stored_events"
        " WHERE originator_id = %s AND originator_version = %s",
        product,
        snapshot.version,
    )
    assert recorded == [(snapshot.position,)]
    await quiet_shop.settled()
    shortened = await loaded_cold(quiet_shop, product)
    await quiet_shop.rows("DELETE FROM snapshots RETURNING 1")
    assert await loaded_cold(quiet_shop, product) == shortened


async def test_a_snapshot_tells_a_withdrawal_from_a_deposit(quiet_shop: Shop) -> None:
    _, account = await quiet_shop.customer()
    await quiet_shop.send(Withdraw(account, new_id(), 1))
    replayed = await loaded_cold(quiet_shop, account)
    with psycopg.connect(quiet_shop.url) as connection, connection.cursor() as cursor:
        save_snapshots(cursor, [(account, replayed)])
    assert from_snapshot(await snapshot_of(quiet_shop, account)) == replayed


async def test_a_snapshot_keeps_open_reservations(quiet_shop: Shop) -> None:
    product = await quiet_shop.product(quantity=10_000)
    for _ in range(20):
        await quiet_shop.send(ReserveStock(product, new_id(), 2))
    replayed = await loaded_cold(quiet_shop, product)
    with psycopg.connect(quiet_shop.url) as connection, connection.cursor() as cursor:
        save_snapshots(cursor, [(product, replayed)])
    assert from_snapshot(await snapshot_of(quiet_shop, product)) == replayed
    assert len(replayed.state.reservations) == 20


async def test_a_snapshot_by_other_code_is_passed_over(quiet_shop: Shop) -> None:
    account = await busy_account(quiet_shop)
    await snapshot_of(quiet_shop, account)
    await quiet_shop.rows("UPDATE snapshots SET fingerprint = '', state = '{}' RETURNING 1")
    assert (await loaded_cold(quiet_shop, account)).state.balance == EVERY + 5
