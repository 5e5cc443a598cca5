"""README is run: its GraphQL documents and commands as they stand, its example on a copy."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from api.graphql.transport.graphiql import tour
from infrastructure.settings import FOR_TESTS, PREFIX, Settings
from tests.api.shop import Client, Following, Shop
from tests.cli.forked import SHOP
from tests.cli.running import KEY, environment
from tests.docs.markdown import README, ROOT, blocks, commands, links

DOCUMENTS = [*sorted(ROOT.glob("docs/**/*.md")), README]
PACKAGES = ("domain", "application", "projections", "infrastructure", "api", "tests", "benchmarks")


async def take_tour(demo: Shop) -> list[Any]:
    """What each of README's documents is answered with, sent in their order by one client."""
    client = Client(demo.api.address)
    answers: list[Any] = []
    async with AsyncExitStack() as stack:
        for document in blocks(README, "graphql"):
            if "\nsubscription " in document:
                following = await stack.enter_async_context(client.follow(document))
                # The result is there when all is done, which the next document asks about.
                ends = "orderResult" in document
                answers.append(await following.rest() if ends else following)
            else:
                answers.append(await client.ask(document))
                if "mutation SignIn" in document:
                    client.token = answers[-1]["session"]["accessToken"]
        return [await a.rest() if isinstance(a, Following) else a for a in answers]


def run(command: Sequence[str], cwd: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_readme_names_every_setting() -> None:
    named = set(re.findall(r"`(SHOP_[A-Z_]+)`", README.read_text()))
    of_the_shop = Settings.model_fields.keys() - FOR_TESTS
    assert {f"{PREFIX}{name.upper()}" for name in of_the_shop} == named


def test_readme_has_the_tour_of_graphiql() -> None:
    assert blocks(README, "graphql") == tour()


async def test_the_tour_can_be_taken_as_often_as_one_likes(demo: Shop) -> None:
    for _ in range(2):
        signed_in, window, deposited, created, steps, placed, results, mine = await take_tour(demo)
        assert signed_in["session"]["user"]["name"] == "Ada"
        assert window["totalCount"] == 10
        assert deposited["account"]["balance"]["currency"] == "USD"
        assert created["order"]["total"] == {"amount": "247.00", "currency": "USD"}
        assert [step["number"] for step in steps] == [1, 2, 3, 4, 5, 6]
        assert placed["execution"]["name"] == "my first boards"
        [result] = results
        assert result["status"] == "COMPLETED"
        assert result["problem"] is None
        assert mine["account"]["balance"]["amount"] == "853.00"  # 1,000 and 100 less 247
        [order] = mine["orders"]["nodes"]
        assert len(order["executions"]) == 1


async def test_every_command_can_be_typed_as_it_stands(demo: Shop) -> None:
    await take_tour(demo)
    signed_in = await Client(demo.api.address).ask(blocks(README, "graphql")[0])
    token = signed_in["session"]["accessToken"]
    for line in commands(README):
        command = shlex.split(line, comments=True)
        match command:
            case ["make", *targets]:
                command = ["make", "--dry-run", *targets]
            case [".venv/bin/shop", *arguments]:
                command = [*SHOP, *arguments]
            case ["curl", *_] if shutil.which("curl"):
                here = {"$TOKEN": token, "127.0.0.1:8000": demo.api.address}
                for written, meant in here.items():
                    command = [argument.replace(written, meant) for argument in command]
            case ["curl", *_]:
                continue  # not everybody has it
            case _:
                pytest.fail(f"nobody tries {line}")
        host, _, port = demo.api.address.partition(":")
        done = run(
            command,
            ROOT,
            SHOP_DATABASE_URL=demo.url,
            SHOP_SECRET_KEY=KEY,
            SHOP_HOST=host,
            SHOP_PORT=port,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if command[0] == "curl":
            assert '"type":"SUCCEEDED"' in done.stdout
            assert done.stdout.endswith("event: complete\ndata: \n\n")


def test_the_worked_example_applies_and_its_tests_pass(tmp_path: Path) -> None:
    [patch] = blocks(README, "diff")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    applied = subprocess.run(
        ["git", "apply"], cwd=tmp_path, input=patch, capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    tests = ["tests/domain/test_withdraw_all.py", "tests/security/test_who_may.py"]
    done = run([sys.executable, "-m", "pytest", "-n0", "-q", "--no-cov", *tests], tmp_path)
    assert done.returncode == 0, done.stdout
    schema = run([sys.executable, "-m", "api.cli", "schema"], tmp_path)
    assert "withdrawAll: Account!" in schema.stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    missing = [link for link in links(document) if not (document.parent / link).exists()]
    assert missing == []
