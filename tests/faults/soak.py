"""The whole shop under load while its processes and its PostgreSQL are killed, for as long as one
likes: `python -m tests.faults.soak --minutes 5`. Ends with 1 where anything was lost or doubled."""

import asyncio
import random
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Annotated
from uuid import UUID

import psycopg
import typer

from domain.commands import ListProduct, OpenAccount
from domain.recorded import Origin
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.identity.tokens import AccessTokens
from infrastructure.ids import new_id
from infrastructure.postgres.connections import async_pool, conninfo
from tests.cli.running import KEY, environment
from tests.faults.buyers import Answers, Buyer, Product, buying
from tests.faults.checks import faults, is_settled
from tests.faults.results import Results
from tests.faults.victims import Reaper, ServedShop
from tests.faults.waiting import until

BUYERS = 12
PRODUCTS = ((10_00, 10_000_000), (25_00, 10_000_000), (5_00, 200))  # price and quantity of each
MONEY = 20_000_00  # of a customer: the last orders of a long run are refused
ADD_USER = (
    "INSERT INTO users (user_id, email, email_key, name, role, password_hash, email_verified,"
    " account_id, opening_deposit, created_at) VALUES (%(user)s, %(user)s || '@shop.test',"
    " %(user)s || '@shop.test', 'Ada', 'USER', '', true, %(account)s, 0, now())"
)


@dataclass
class Report:
    """What happened, and what was wrong in the end."""

    seed: int
    answers: Answers
    results: list[Results]
    reaper: Reaper
    faults: dict[str, list[object]]

    def __str__(self) -> str:
        answers = self.answers
        lines = [
            f"seed {self.seed}",
            f"killed {sum(self.reaper.killed.values())}: {dict(self.reaper.killed)}",
            f"frozen {sum(self.reaper.frozen.values())}: {dict(self.reaper.frozen)}",
            f"orders placed {len(answers.placed)}",
            f"results pushed {sum(len(r.told) for r in self.results)}",
            f"websockets {sum(r.connections for r in self.results)}",
            f"slowest answer {answers.slowest:.1f} s",
            *(f"{count} x {error}" for error, count in answers.errors.most_common()),
            *(f"WRONG: {name}: {rows}" for name, rows in self.faults.items()),
            "WRONG" if self.faults else "nothing lost, nothing doubled, everything agrees",
        ]
        return "\n".join(lines)


async def soak(folder: Path, seconds: float, pause: tuple[float, float], seed: int) -> Report:
    """Run it in `folder`; a process is killed every `pause` seconds, between the two."""
    chance = random.Random(seed)
    shop = ServedShop(folder)
    shop.start()
    try:
        await shop.ready()
        products, customers = await _open(shop.url)
        answers, reaper, results = Answers(), Reaper(shop, chance), list[Results]()
        async with AsyncExitStack() as listening:
            buyers = []
            for user in customers:
                token, _ = AccessTokens([KEY]).issue(user, "USER", new_id())
                own = Results(f"ws://{shop.address}/graphql", token, random.Random(chance.random()))
                await listening.enter_async_context(own.listening())
                results.append(own)
                buyers.append(
                    Buyer(
                        f"http://{shop.address}/graphql",
                        token,
                        products,
                        answers,
                        random.Random(chance.random()),
                        pause=0.1,
                        before_placing=own.follow,
                    )
                )
            end = monotonic() + seconds
            async with buying(buyers):
                await reaper.reap(lambda: monotonic() > end, pause)
                await shop.ready()
                before = len(answers.placed)
                await until(lambda: len(answers.placed) > before + len(buyers))
            await until(lambda: asyncio.to_thread(is_settled, shop.url), 60)
            placed = {str(order) for order in answers.placed}
            await until(lambda: placed <= {name for own in results for name in own.told}, 60)
        found = faults(shop.url, created=answers.created, placed=answers.placed)
        if differing := _told_otherwise(shop.url, results):
            found["pushed another result than can be read"] = differing
        if findings := await asyncio.to_thread(_audit, shop.url):
            found["shop audit"] = [findings]
        return Report(seed, answers, results, reaper, found)
    finally:
        shop.end()


async def _open(url: str) -> tuple[list[Product], list[UUID]]:
    """What there is to buy, and who buys."""
    products = [(new_id(), price, quantity) for price, quantity in PRODUCTS]
    customers = [(new_id(), new_id()) for _ in range(BUYERS)]
    origin = Origin(None, new_id(), "soak")
    async with async_pool(url, "soak", size=2) as pool, Writer(url) as writer:
        dispatcher = Dispatcher(pool, writer)
        for product, price, quantity in products:
            listing = ListProduct(product, "Board", "/b.svg", price, quantity)
            await dispatcher.dispatch(listing, origin=origin)
        async with pool.connection() as connection:
            for user, account in customers:
                await connection.execute(ADD_USER, {"user": user, "account": account})
                await dispatcher.dispatch(OpenAccount(account, user, MONEY), origin=origin)
    await until(lambda: asyncio.to_thread(is_settled, url))
    return [Product(str(p), price) for p, price, _ in products], [user for user, _ in customers]


def _told_otherwise(url: str, results: list[Results]) -> list[object]:
    """Executions of which a subscription has told another result than the read model shows."""
    with psycopg.connect(conninfo(url, "soak")) as connection:
        rows = connection.execute(
            "SELECT name, CASE WHEN status = 'SUCCEEDED' THEN 'COMPLETED' ELSE 'FAILED' END"
            " || ' ' || coalesce(problem ->> 'code', '') FROM executions"
        ).fetchall()
    shown = {str(name): result for name, result in rows}
    return [
        (name, result, shown.get(name))
        for own in results
        for name, result in own.told.items()
        if shown.get(name) != result
    ]


def _audit(url: str) -> str:
    """What `shop audit` finds."""
    audited = subprocess.run(
        [sys.executable, "-m", "api.cli", "audit", "--json"],
        env=environment(SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=KEY),
        check=False,
        capture_output=True,
        text=True,
    )
    return audited.stdout + audited.stderr if audited.returncode else ""


def main(
    minutes: Annotated[float, typer.Option(help="How long to kill processes.")] = 5.0,
    seed: Annotated[int | None, typer.Option(help="That of a run to be repeated.")] = None,
) -> None:
    """Kill every process of a shop and its PostgreSQL under load; then look whether all is well."""
    used = random.randrange(1 << 32) if seed is None else seed
    typer.echo(f"seed {used}")
    # On the disk, as the shop's data are: what is in memory outlives everything but the machine.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="shop-soak-") as folder:
        report = asyncio.run(soak(Path(folder), minutes * 60, (0.5, 5.0), used))
    typer.echo(report)
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    typer.run(main)
