"""Plays stories and shows them: live in a terminal, as plain lines elsewhere, or as JSON Lines."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any, Protocol

import httpx
import orjson
from rich.console import Console
from rich.text import Text
from websockets.exceptions import WebSocketException

from api.demo.client import Unexpected
from api.demo.stage import Stage
from api.demo.stories import Story

PATIENCE = 60.0  # seconds for a story
BROKEN = (Unexpected, httpx.HTTPError, WebSocketException, OSError, TimeoutError)


class NoStage(Exception):
    """There is no shop to play on; the text is one line."""


class Audience(Protocol):
    """Whom the stories are shown to; times in seconds."""

    def playing(self, number: int, story: Story) -> AbstractContextManager[object]:
        """A story begins, and is over when the block ends."""

    def step(self, story: Story, text: str, took: float, step: Mapping[str, Any] | None) -> None:
        """Something has happened, so long after what happened before it."""

    def end(self, story: Story, text: str, took: float, *, ok: bool) -> None:
        """How the story ended, so long after its beginning."""


async def play(url: str, stories: Sequence[Story], audience: Audience) -> bool:
    """Whether all stories ended as they should. Raises NoStage."""
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE / 2, limits=limits) as http:
        try:
            stage = await Stage.enter(http)
        except Unexpected as error:
            raise NoStage(f"{url} is no shop with demo data ({error}): start `make run`") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoStage(f"No shop answers at {url}: start `make run`") from error
        ended_well = [
            await _play(stage, number, story, audience) for number, story in enumerate(stories, 1)
        ]
    return all(ended_well)


async def _play(stage: Stage, number: int, story: Story, audience: Audience) -> bool:
    began = last = perf_counter()

    def tell(
        text: str, *, step: Mapping[str, Any] | None = None, took: float | None = None
    ) -> None:
        nonlocal last
        before, last = last, perf_counter()
        audience.step(story, text, last - before if took is None else took, step)

    with audience.playing(number, story):
        try:
            async with asyncio.timeout(PATIENCE):
                outcome, ok = await story.play(stage, tell), True
        except BROKEN as error:
            outcome, ok = f"not as it should: {str(error) or type(error).__name__}", False
        audience.end(story, outcome, perf_counter() - began, ok=ok)
    return ok


class Terminal:
    """Lines for people; colours and movement only where somebody looks."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def playing(self, number: int, story: Story) -> AbstractContextManager[object]:
        self._console.print(Text(f"\n{number}  {story.title}", "bold"))
        return self._console.status(story.title)

    def step(self, story: Story, text: str, took: float, step: Mapping[str, Any] | None) -> None:
        self._print(_milliseconds(took), text, "cyan" if step else "")

    def end(self, story: Story, text: str, took: float, *, ok: bool) -> None:
        mark, style = ("✓", "bold green") if ok else ("✗", "bold red")
        self._print(_milliseconds(took), f"{mark} {text}", style)

    def _print(self, time: str, text: str, style: str) -> None:
        self._console.print(Text.assemble((f"{time:>13}  ", "dim"), (text, style)), soft_wrap=True)


class JsonLines:
    """One JSON object a line: steps, with those of executions as GraphQL has them, and outcomes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def playing(self, number: int, story: Story) -> AbstractContextManager[object]:
        return nullcontext()

    def step(self, story: Story, text: str, took: float, step: Mapping[str, Any] | None) -> None:
        self._write(story, took, type="step", text=text, step=step)

    def end(self, story: Story, text: str, took: float, *, ok: bool) -> None:
        self._write(story, took, type="outcome", text=text, ok=ok)

    def _write(self, story: Story, took: float, **values: object) -> None:
        line = {"story": story.name, **values, "milliseconds": round(took * 1000, 2)}
        self._console.out(orjson.dumps(line).decode(), highlight=False)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"
