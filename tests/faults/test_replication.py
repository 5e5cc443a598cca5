"""A streaming replica: customers read what they wrote, and a promotion loses nothing that the
replica had."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from infrastructure.operations.migrate import migrate
from tests.api.mutations import CREATE_ORDER, DEPOSIT, buy, order_input
from tests.api.shop import whole_shop
from tests.conftest import _temporary_folder
from tests.faults.buyers import Answers, buying
from tests.faults.checks import faults, is_settled
from tests.faults.conftest import OPTIONS, Stand
from tests.faults.server import STANDBY, Server, primary_of, running_server
from tests.faults.waiting import until

BEHIND = "SELECT pg_last_wal_replay_lsn() < %s::pg_lsn"


@pytest.fixture
def another_data_dir() -> Iterator[Path]:
    with _temporary_folder() as folder:
        yield folder


@contextmanager
def replicated(
    primary: Path, replica: Path, *, reading: bool = True
) -> Iterator[tuple[Stand, Server]]:
    """A shop that knows its server and a standby of it, and reads from that where `reading`."""
    with running_server(primary, OPTIONS) as server:
        migrate(server.url)
        with server.standby(replica) as standby:
            url = primary_of(server, standby)
            read = SecretStr(standby.url) if reading else None
            with whole_shop(url, limits=False, read_database_url=read) as shop:
                yield Stand(standby, shop, Answers()), server


def set_up(server: Server, setting: str, value: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        name, text = sql.Identifier(setting), sql.Literal(value)
        connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(name, text))
        connection.execute("SELECT pg_reload_conf()")


def written(server: Server) -> str:
    """Up to where the server's log is written."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    assert row
    return str(row[0])


def is_behind(standby: Server, position: str) -> bool:
    with psycopg.connect(standby.url, autocommit=True) as connection:
        return connection.execute(BEHIND, [position]).fetchone() == (True,)


async def test_customers_read_what_they_wrote_from_a_replica_that_is_late(
    data_dir: Path, another_data_dir: Path
) -> None:
    with replicated(data_dir, another_data_dir) as (stand, _):
        shop = stand.shop
        set_up(stand.server, "recovery_min_apply_delay", "200ms")
        board = await shop.product()
        ada = await shop.customer(money=100_00)
        result = await buy(ada, "first", "10.00", {board: 1})
        assert result["status"] == "COMPLETED"
        paid = await ada.ask(DEPOSIT, input={"amount": "7"})
        assert paid["account"]["balance"]["amount"] == "97.00"
        order = await ada.ask(CREATE_ORDER, input=order_input("10.00", {board: 1}))
        found = await ada.ask("query ($id: ID!) { order(id: $id) { id } }", id=order["order"]["id"])
        assert found == {"id": order["order"]["id"]}


@pytest.mark.parametrize("synchronous", [False, True])
async def test_orders_go_on_when_the_standby_is_promoted(
    data_dir: Path, another_data_dir: Path, *, synchronous: bool
) -> None:
    with replicated(data_dir, another_data_dir) as (stand, primary):
        if synchronous:
            set_up(primary, "synchronous_standby_names", STANDBY)
        async with buying(await stand.buyers()):
            await stand.takes_orders(30)
            known = list(stand.answers.placed)
            here = written(primary)
            await until(lambda: not is_behind(stand.server, here))
            primary.kill()
            told = list(stand.answers.placed)
            stand.server.promote()
            await stand.takes_orders(30)
        await until(lambda: is_settled(stand.server.url))
        kept: list[UUID] = told if synchronous else known
        assert not (found := faults(stand.server.url, placed=kept)), found


async def test_what_the_promoted_one_never_knew_is_forgotten(
    data_dir: Path, another_data_dir: Path
) -> None:
    """An account of which the API remembers more than there is now: nothing is built on that."""
    with replicated(data_dir, another_data_dir, reading=False) as (stand, primary):
        ada = await stand.shop.customer(money=100_00)
        await ada.ask(DEPOSIT, input={"amount": "1"})
        here = written(primary)
        await until(lambda: not is_behind(stand.server, here))
        set_up(stand.server, "primary_conninfo", "")
        await until(lambda: nobody_follows(primary))
        for _ in range(3):
            await ada.ask(DEPOSIT, input={"amount": "5"})
        primary.kill()
        stand.server.promote()

        async def is_back() -> bool:
            return "errors" not in await ada.send(DEPOSIT, input={"amount": "2"})

        await until(is_back)
        await ada.ask(DEPOSIT, input={"amount": "2"})
        await until(lambda: is_settled(stand.server.url))
        assert not (found := faults(stand.server.url)), found


def nobody_follows(primary: Server) -> bool:
    with psycopg.connect(primary.url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    return row == (0,)
