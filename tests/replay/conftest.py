"""Shops with a past, and the command line in the test's own process."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import orjson
import psycopg
import pytest
import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import main as cli
from infrastructure.consumers.runner import ELECT, Lead
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Connections
from tests.infrastructure.conftest import quiet_shop, runners  # noqa: F401  # fixtures
from tests.replay.histories import History, busy_shop, store


def until(true: Callable[[], bool]) -> None:
    end = monotonic() + 10
    while not true():
        assert monotonic() < end, "it does not come about"
        sleep(0.02)


def project(url: str) -> None:
    """Bring the read models up to date, as the projector does."""
    with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
        row = connection.execute(ELECT, {"name": "projector", "holder": "test"}).fetchone()
        assert row is not None
        lead = Lead("projector", row[0], connection)
        projector = Projector()
        projector.recover(lead)
        while projector.work(lead):
            pass


@pytest.fixture
def past(database_url: str) -> History:
    """A shop of 80 orders of every outcome, in its log and its read models."""
    history = busy_shop(80, products=6, customers=8)
    store(database_url, history.recorded)
    project(database_url)
    return history


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[TupleRow]]:
    """In autocommit."""
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def on(database_url: str) -> Iterator[Connections]:
    """One to read and one to write."""
    with (
        tool_connection(database_url, "test reads") as reader,
        tool_connection(database_url, "test writes") as writer,
    ):
        yield Connections(reader, writer)


@dataclass
class Said:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> list[Any]:
        """The values of JSON Lines."""
        return [orjson.loads(line) for line in self.lines]


Command = Callable[..., Said]


@pytest.fixture
def command(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """`shop` with these arguments, on the test's database; nobody is at the terminal."""
    root = logging.getLogger()
    handlers, level, logs = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setenv("SHOP_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["shop", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        return Said(status, *capsys.readouterr())

    yield run
    root.handlers, root.level = handlers, level
    structlog.configure(**logs)
