"""What amounts are in is a fact about the data, not a setting of the day."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from infrastructure.operations.facts import OtherCurrency, agree_on_currency, currency_of_amounts
from infrastructure.operations.transfer import Seal, check_file, export
from infrastructure.postgres.connections import conninfo
from tests.cli.forked import SHOP
from tests.cli.running import free_port
from tests.replay.histories import busy_shop, store


def shop(url: str, currency: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SHOP, *arguments],
        env={
            **os.environ,
            "SHOP_DATABASE_URL": url,
            "SHOP_SECRET_KEY": "a key that is long enough for a test of this shop",
            "SHOP_CURRENCY": currency,
            "SHOP_PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def a_log(url: str, path: Path, currency: str) -> Path:
    """An export of a shop whose amounts are in `currency`."""
    store(url, busy_shop(3, products=4, customers=2).recorded)
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        agree_on_currency(connection, currency)
        *_, seal = export(connection, path)
    assert isinstance(seal, Seal)
    assert seal.currency == currency
    return path


def test_the_first_start_says_what_amounts_are_in(database_url: str) -> None:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        assert currency_of_amounts(connection) is None
        agree_on_currency(connection, "USD")
        agree_on_currency(connection, "USD")
        with pytest.raises(OtherCurrency, match=r"SHOP_CURRENCY is JPY.*are USD"):
            agree_on_currency(connection, "JPY")
        assert currency_of_amounts(connection) == "USD"


@pytest.mark.parametrize("command", ["serve", "api", "worker", "migrate"])
def test_nobody_begins_with_another_currency(command: str, database_url: str) -> None:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        agree_on_currency(connection, "USD")
    ended = shop(database_url, "JPY", command)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        "shop: SHOP_CURRENCY is JPY, but the amounts in this database are USD:"
        " set SHOP_CURRENCY=USD, or use another database"
    )


def test_a_log_of_another_currency_is_not_taken_in(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    file = a_log(database_url, tmp_path / "shop.jsonl", "USD")
    assert check_file(file).currency == "USD"
    assert shop(empty_database_url, "JPY", "migrate").returncode == 0
    for currency in ("JPY", "USD"):  # the file's is another; the database's is
        ended = shop(empty_database_url, currency, "events", "import", str(file))
        assert (ended.returncode, "SHOP_CURRENCY" in ended.stderr) == (2, True)
