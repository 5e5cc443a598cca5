"""The six stories, played over HTTP and websocket, and what is shown of them."""

import json
import subprocess
from io import StringIO

import pytest
from rich.console import Console

from api.demo.client import Unexpected
from api.demo.command import Name
from api.demo.play import JsonLines, Terminal, play
from api.demo.stage import Stage, Tell
from api.demo.stories import STORIES, Story
from api.demo_data import COMET, MOJAVE
from tests.api.shop import Shop, whole_shop
from tests.cli.forked import SHOP
from tests.cli.running import environment


def shop_demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SHOP, "demo", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def text_console() -> Console:
    return Console(file=StringIO(), width=100, highlight=False)


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_command_has_help_with_an_example() -> None:
    assert "shop demo" in shop_demo("--help").stdout.split("Example:")[1]


def test_the_command_knows_every_story() -> None:
    assert [story.name for story in STORIES] == list(Name)


async def test_all_stories_end_as_they_should_as_often_as_one_likes(demo: Shop) -> None:
    url = f"http://{demo.api.address}"
    for _ in range(2):
        console = text_console()
        assert await play(url, STORIES, JsonLines(console))
        lines = [json.loads(line) for line in written(console).splitlines()]
        outcomes = {line["story"]: line["ok"] for line in lines if line["type"] == "outcome"}
        assert outcomes == dict.fromkeys(Name, True)
        steps = [line["step"]["type"] for line in lines if line.get("step")]
        assert steps[:6] == [
            "STARTED",
            "STOCK_RESERVED",
            "STOCK_RESERVED",
            "PAYMENT_TAKEN",
            "SHIPMENT_PREPARED",
            "SUCCEEDED",
        ]
        assert all(line["milliseconds"] >= 0 for line in lines)
    # What the stories change for a while is as it was.
    page = await demo.visitor().ask("{ products { nodes { name price { amount } available } } }")
    boards = {node["name"]: node for node in page["nodes"]}
    assert boards["Comet"]["available"] == COMET.quantity
    assert boards["Mojave"]["price"] == {"amount": f"{MOJAVE.price}.00"}


async def test_without_a_terminal_the_text_is_plain(demo: Shop) -> None:
    console = text_console()
    [retry] = [story for story in STORIES if story.name == "retry"]
    assert await play(f"http://{demo.api.address}", [retry], Terminal(console))
    text = written(console)
    assert "\x1b" not in text
    assert text.startswith("\n1  A retry that then works\n")
    assert " ms  STOCK_REFUSED Undertow\n" in text
    assert text.endswith(" ms  ✓ COMPLETED: the same order, placed a second time\n")


async def test_a_story_that_ends_otherwise_is_a_failure_and_the_others_go_on(demo: Shop) -> None:
    async def play_it(stage: Stage, tell: Tell) -> str:
        raise Unexpected("the order is FAILED")

    [retry] = [story for story in STORIES if story.name == "retry"]
    console = text_console()
    stories = [Story("sad", "A sad story", play_it), retry]
    assert not await play(f"http://{demo.api.address}", stories, Terminal(console))
    assert "✗ not as it should: the order is FAILED" in written(console)
    assert "✓ COMPLETED" in written(console)


def test_the_command_plays_the_stories_that_are_named(demo: Shop) -> None:
    url = f"http://{demo.api.address}"
    done = shop_demo("--url", url, "--json", "little-money")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["story"] for line in lines} == {"little-money"}
    assert lines[-1]["ok"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_no_shop_is_one_line(url: str) -> None:
    done = shop_demo("--url", url)
    assert done.returncode == 1
    assert done.stderr == f"shop: No shop answers at {url}: start `make run`\n"


def test_a_shop_without_demo_data_is_one_line(database_url: str) -> None:
    with whole_shop(database_url) as shop:
        done = shop_demo("--url", f"http://{shop.api.address}")
    assert done.returncode == 1
    assert "is no shop with demo data (INVALID_CREDENTIALS" in done.stderr
    assert done.stderr.count("\n") == 1
