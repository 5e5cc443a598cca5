"""The recipes are followed, on a copy."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import httpx
import psycopg

from domain.commands import CreateOrder
from domain.recorded import Origin
from domain.values import Address, OrderItem
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.ids import new_id
from infrastructure.postgres.connections import async_pool
from infrastructure.read_models.projector import Projector
from tests.cli.running import KEY, environment, eventually, free_port
from tests.docs.markdown import ROOT, blocks
from tests.infrastructure.conftest import running

RECIPES = ROOT / "docs" / "recipes.md"
PACKAGES = ("domain", "application", "projections", "infrastructure", "api")


async def order_to(url: str, *cities: str) -> None:
    async with async_pool(url, "test", size=1) as pool, Writer(url) as writer:
        for city in cities:
            customer, items = new_id(), (OrderItem(new_id(), "Board", "/b.svg", 5, 1),)
            address = Address("NO", city, "0150", "Karl Johans gate", "1")
            command = CreateOrder(new_id(), customer, customer, items, address, 5)
            origin = Origin(None, UUID(int=1), "test")
            await Dispatcher(pool, writer).dispatch(command, origin=origin)


def answered(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def shown(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT min(position) FROM projections").fetchone() == (3,)


def test_a_read_model_and_a_way_in_are_two_files_each(tmp_path: Path, database_url: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    for patch in blocks(RECIPES, "diff"):
        assert patch.count("\n+++ ") + patch.startswith("+++ ") == 2
        applied = subprocess.run(
            ["git", "apply"], cwd=tmp_path, input=patch, capture_output=True, text=True, check=False
        )
        assert applied.returncode == 0, applied.stderr
    asyncio.run(order_to(database_url, "Oslo", "Oslo", "Bergen"))
    with running(database_url, Projector()):
        eventually(lambda: shown(database_url))
    port = free_port()
    settings = environment(SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY, SHOP_PORT=str(port))
    shop = [sys.executable, "-m", "api.cli"]
    subprocess.run([*shop, "migrate"], cwd=tmp_path, env=settings, check=True, timeout=60)
    with subprocess.Popen([*shop, "api"], cwd=tmp_path, env=settings) as api:
        try:
            cities = f"http://127.0.0.1:{port}/cities"
            eventually(lambda: answered(cities))
            assert httpx.get(cities).json() == {"Oslo": 2, "Bergen": 1}
        finally:
            api.terminate()
