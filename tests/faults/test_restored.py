"""A backup that is put back while the shop runs: what it lacks is not built on."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.postgres.embedded import BINARIES
from tests.api.mutations import DEPOSIT, WITHDRAW, buy
from tests.api.shop import Client
from tests.faults.checks import faults, is_settled
from tests.faults.conftest import Stand
from tests.faults.server import Server
from tests.faults.waiting import until

VIEWER = "{ viewer { account { balance { amount } } } }"
CHANGES = "subscription { accountChanged { balance { amount } } }"


@contextmanager
def folder_put_back(server: Server, folder: Path) -> Iterator[None]:
    """A copy of the data folder as it is on entering is put in its place on leaving: same timeline,
    same system identifier."""
    server.stop()
    copied(server._data, folder / "backup")
    server.start()
    yield
    server.stop()
    shutil.rmtree(server._data)
    copied(folder / "backup", server._data)
    server.start()


@contextmanager
def dump_put_back(server: Server, folder: Path) -> Iterator[None]:
    """A dump as of entering replaces the database on leaving; no server is started anew."""
    dump = folder / "shop.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", server.url)
    yield
    name = str(conninfo_to_dict(server.url)["dbname"])
    new = make_conninfo(server.url, dbname="restored")
    with psycopg.connect(make_conninfo(server.url, dbname="postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE restored")
        run("pg_restore", f"--dbname={new}", dump)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        admin.execute(f"ALTER DATABASE restored RENAME TO {name}".encode())


@contextmanager
def dump_put_over(server: Server, folder: Path) -> Iterator[None]:
    """A dump as of entering is restored into the running database: no connection breaks."""
    dump = folder / "shop.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", server.url)
    yield
    run("pg_restore", "--clean", "--single-transaction", f"--dbname={server.url}", dump)


def copied(source: Path, target: Path) -> None:
    subprocess.run(["/bin/cp", "-a", source, target], check=True)  # with its owner


def run(program: str, *arguments: str | Path) -> None:
    subprocess.run([BINARIES / program, *arguments], check=True)


@pytest.mark.parametrize("put_back", [folder_put_back, dump_put_back, dump_put_over])
async def test_what_a_backup_lacks_is_not_built_on(
    put_back: Callable[[Server, Path], AbstractContextManager[None]], stand: Stand, tmp_path: Path
) -> None:
    ada = await stand.shop.customer(money=10_00)
    board = await stand.shop.product(quantity=10)
    await stand.settled()
    with put_back(stand.server, tmp_path):
        await until(lambda: deposited(ada, "500"))
        await buy(ada, "lost", "10.00", {board: 1})
    refused = await answered(ada, WITHDRAW, input={"amount": "400"})
    assert refused["balance"]["amount"] == "10.00"
    again = await buy(ada, "lost", "10.00", {board: 1})
    assert again["status"] == "COMPLETED"
    await until(lambda: is_settled(stand.server.url))
    assert not (found := faults(stand.server.url)), found


async def test_who_signed_in_after_the_backup_has_to_sign_in_again(
    stand: Stand, tmp_path: Path
) -> None:
    ada = await stand.shop.customer(money=10_00)
    with dump_put_back(stand.server, tmp_path):
        bob = await stand.shop.customer(money=10_00)
        assert "errors" not in await bob.send(VIEWER)
    await answered(ada, VIEWER)

    async def is_signed_out() -> bool:
        answer = await bob.send(VIEWER)
        return [e["extensions"]["code"] for e in answer.get("errors", ())] == ["UNAUTHENTICATED"]

    await until(is_signed_out)
    assert "errors" not in await ada.send(VIEWER)


async def test_who_follows_an_account_goes_on_being_told(stand: Stand, tmp_path: Path) -> None:
    ada = await stand.shop.customer(money=10_00)
    await stand.settled()
    async with ada.follow(CHANGES) as following:
        with dump_put_over(stand.server, tmp_path):
            for _ in range(3):
                await ada.ask(DEPOSIT, input={"amount": "500"})
        told = [await following.next() for _ in range(3)]
        await ada.ask(DEPOSIT, input={"amount": "7"})
        while told[-1]["balance"]["amount"] != "17.00":
            told.append(await following.next())
    assert [each["balance"]["amount"] for each in told[:3]] == ["510.00", "1010.00", "1510.00"]


async def deposited(client: Client, amount: str) -> bool:
    return "errors" not in await client.send(DEPOSIT, input={"amount": amount})


async def answered(client: Client, document: str, **variables: object) -> Any:
    """The answer, as soon as the database is back."""
    answer: dict[str, Any] = {}

    async def is_answered() -> bool:
        answer.update(await client.send(document, **variables))
        return answer.pop("errors", None) is None

    await until(is_answered)
    [value] = answer["data"].values()
    return value
