"""The recipes of docs/replay.md are run as they stand, in a shop in which something is stuck."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain.commands import AdjustStock
from domain.events import AccountOpened, OrderRejected, ProductListed
from infrastructure.postgres.connections import conninfo
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.cli.forked import SHOP
from tests.docs.markdown import ROOT, blocks
from tests.infrastructure.conftest import running
from tests.replay.conftest import project, until
from tests.replay.histories import busy_shop, store

RECIPES = ROOT / "docs" / "replay.md"
PARK = (
    "INSERT INTO parked_events (consumer, position, belongs_to, error, parked_at)"
    " VALUES ('process-manager', %s, %s, 'ValueError: out of paper', now())"
)


@pytest.fixture
def names(database_url: str) -> Iterator[dict[str, str]]:
    """What `$ORDER` and the others stand for, while workers run; a read model is wrong."""
    history = busy_shop(60, products=5, customers=6)

    def first(kind: type) -> str:
        return str(next(r.stream_id for r in history.recorded if isinstance(r.event, kind)))

    board = history.product()
    history.send(AdjustStock(board, history.new_id(), 5, "Skateboards from the fair"))
    ada = history.customer()
    stuck = history.place(ada, history.order(ada, {board: 1}), "stuck")
    store(database_url, history.recorded)
    project(database_url)
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO notification_tracking VALUES ('process-manager', %s)",
            (len(history.recorded),),
        )
        connection.execute(PARK, (len(history.recorded), stuck))
        connection.execute("UPDATE orders SET status = 'PENDING'")
        with running(database_url, ProcessManager()), running(database_url, Projector()):
            leaders = "SELECT count(*) FROM runners WHERE holder <> ''"
            until(lambda: connection.execute(leaders).fetchone() == (2,))
            yield {
                "ORDER": first(OrderRejected),
                "PRODUCT": first(ProductListed),
                "ACCOUNT": first(AccountOpened),
                "RUN": str(stuck),
            }


def run(script: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    shop = f'shop() {{ {shlex.join(SHOP)} "$@"; }}\n'
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shop + script],
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_every_recipe_can_be_typed_as_it_stands(
    names: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    said = []
    for script in blocks(RECIPES, "sh"):
        done = run(script, tmp_path, SHOP_DATABASE_URL=database_url, **names)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout)
    everything = "\n".join(said)
    for outcome in (
        "status is ",
        "orders is rebuilt",
        "orders is the earlier copy again",
        "ValueError: out of paper",
        "ReserveStock",
        "stuck is SUCCEEDED",
        "nothing found",
    ):
        assert outcome in everything, outcome
    [test] = blocks(RECIPES, "python")
    done = subprocess.run(
        [sys.executable, "-c", test],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
