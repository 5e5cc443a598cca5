"""A log that has changed underneath: nothing that was remembered of it is built on."""

import asyncio
from uuid import UUID

import pytest

from domain.commands import CancelOrder, Deposit, Withdraw
from domain.errors import DomainError, NotFound
from infrastructure.event_store.appender import VersionConflict, Writer
from infrastructure.event_store.store import NewEvent
from infrastructure.ids import new_id
from tests.infrastructure.conftest import Shop

CUT = "DELETE FROM stored_events WHERE notification_id > %s RETURNING 1"
VERSIONS = "SELECT originator_version FROM stored_events WHERE originator_id = %s ORDER BY 1"


async def rich(shop: Shop) -> UUID:
    """An account with 510.00, of which only 10.00 were there when the backup was made."""
    _, account = await shop.customer(money=10_00)
    await shop.send(Deposit(account, new_id(), 500_00))
    return account


async def test_what_a_backup_lacks_cannot_be_withdrawn(quiet_shop: Shop) -> None:
    shop, account = quiet_shop, await rich(quiet_shop)
    await shop.rows(CUT, 1)
    with pytest.raises(DomainError):
        await shop.send(Withdraw(account, new_id(), 400_00))
    await shop.send(Withdraw(account, new_id(), 4_00))
    assert await shop.rows(VERSIONS, account) == [(1,), (2,)]


async def test_what_others_have_recorded_in_its_place_counts(
    quiet_shop: Shop, database_url: str
) -> None:
    """The log is longer than what is remembered, and the stream too: only its events differ."""
    shop, account = quiet_shop, await rich(quiet_shop)
    await shop.rows(CUT, 1)
    async with Writer(database_url) as other:
        await other.append([NewEvent(new_id(), 1, "Other", b"{}")])
    await shop.rows(
        "INSERT INTO stored_events SELECT originator_id, 2, topic, replace(convert_from(state,"
        " 'UTF8'), '\"opening_deposit\":1000', '\"opening_deposit\":0')::bytea, 3, now()"
        " FROM stored_events WHERE originator_id = %s RETURNING 1",
        account,
    )
    with pytest.raises(DomainError):
        await shop.send(Withdraw(account, new_id(), 400_00))


async def test_an_order_that_is_remembered_and_gone_is_not_there(quiet_shop: Shop) -> None:
    """Orders are decided on memory, without a look at the log: the append looks."""
    shop = quiet_shop
    ada = await shop.customer()
    order = await shop.order(ada, {new_id(): 1}, 10_00)
    await shop.rows(CUT, 1)
    with pytest.raises(NotFound):
        await shop.send(CancelOrder(order))
    assert await shop.rows(VERSIONS, order) == []


async def test_a_hole_is_impossible_whatever_is_believed(database_url: str) -> None:
    async with Writer(database_url) as writer:
        stream = new_id()
        results = await asyncio.gather(
            writer.append([NewEvent(stream, 2, "Tested", b"{}")]),
            writer.append([NewEvent(new_id(), 1, "Tested", b"{}")]),
            return_exceptions=True,
        )
        assert isinstance(results[0], VersionConflict)
        assert await writer.append([NewEvent(stream, 1, "Tested", b"{}")]) > 0


async def test_what_is_asked_for_again_is_recorded_again_where_it_is_gone(
    quiet_shop: Shop,
) -> None:
    shop, (_, account), transfer = quiet_shop, await quiet_shop.customer(), new_id()
    await shop.send(Deposit(account, transfer, 5_00))
    assert (await shop.send(Deposit(account, transfer, 5_00))).duplicate
    await shop.rows(CUT, 1)
    assert not (await shop.send(Deposit(account, transfer, 5_00))).duplicate
    assert await shop.rows(VERSIONS, account) == [(1,), (2,)]


async def test_a_snapshot_of_what_is_gone_is_passed_over(quiet_shop: Shop) -> None:
    shop, account = quiet_shop, await rich(quiet_shop)
    await shop.rows(
        "INSERT INTO snapshots VALUES (%s, 'Account', 7, 7, '', '{}') RETURNING 1", account
    )
    shop.dispatcher._aggregates.clear()
    assert (await shop.dispatcher.load(account)).version == 2


async def test_who_waits_for_a_position_of_another_history_waits_for_the_present_one(
    quiet_shop: Shop,
) -> None:
    shop = quiet_shop
    await shop.rows("UPDATE projections SET position = 9 RETURNING 1")
    await shop.follower.wait_for(9)
    await shop.rows("UPDATE projections SET position = 3 RETURNING 1")
    await shop.rows("SELECT pg_notify('projected', '3')")
    waiting = asyncio.create_task(shop.follower.wait_for(4))
    await asyncio.sleep(0.1)
    while shop.follower.position != 3:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0.01)
    late = asyncio.create_task(shop.follower.wait_for(5))
    await shop.rows("UPDATE projections SET position = 5 RETURNING 1")
    await shop.rows("SELECT pg_notify('projected', '5')")
    await asyncio.gather(waiting, late)
    assert shop.follower.position == 5
