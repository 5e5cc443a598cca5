"""`shop serve` as an operator runs it, and somebody who kills and freezes parts of it."""

import asyncio
import os
import random
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from infrastructure.postgres.embedded import running_url
from tests.cli.running import KEY, environment, free_port
from tests.faults.waiting import until

KILLED = ("postgres", "api", "process-manager", "projector", "courier", "backend", "serve")
FROZEN = ("api", "process-manager", "projector")


class ServedShop:
    """The whole shop as processes, on data in `folder`; it can be started again after a kill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "serve.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Its database's; fails while that does not run."""
        url = running_url(self._data)
        assert url is not None, self.log
        return url

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text()

    def start(self) -> None:
        """Start it; it is ready later."""
        settings = {
            "SHOP_DATA_DIR": str(self._data),
            "SHOP_PORT": str(self._port),
            "SHOP_SECRET_KEY": KEY,
            "SHOP_LIMITS": "off",
            "SHOP_LOG_LEVEL": "warning",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve"],
                env=environment(**settings),
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        """Wait until it says so itself."""
        await until(lambda: asyncio.to_thread(self._is_ready), 60)

    def processes(self, kind: str) -> list[psutil.Process]:
        """Those of that kind which live now."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        if kind == "serve":
            return [server]
        found = []
        for process in server.children(recursive=True):
            with suppress(psutil.Error):  # it has just ended
                if _kind(process.cmdline()) == kind:
                    found.append(process)
        return found

    async def kill_all(self) -> None:
        """Kill the first process, upon which the others end, and start it again."""
        assert self._process is not None
        family = self.processes("serve")[0].children(recursive=True)
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        try:
            await until(lambda: not any(map(_lives, family)))
        except TimeoutError:
            left = [process for process in family if _lives(process)]
            raise AssertionError(f"{left} outlived the command: {self.log}") from None
        self.start()

    def end(self) -> None:
        """Stop it."""
        if self._process is not None:
            with self._process as process:
                process.terminate()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/health/ready", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


class Reaper:
    """Kills, and sometimes freezes, one process after another: each in turn, then by chance."""

    def __init__(self, shop: ServedShop, chance: random.Random) -> None:
        self._shop = shop
        self._chance = chance
        self.killed: Counter[str] = Counter()
        self.frozen: Counter[str] = Counter()

    async def reap(self, end: Callable[[], bool], pause: tuple[float, float]) -> None:
        """Do so every `pause` seconds, between the two, until `end`."""
        turn = list(KILLED)
        while turn or not end():
            await asyncio.sleep(self._chance.uniform(*pause))
            if turn:  # who is not there at the moment keeps the turn
                if await self._kill(turn[0]):
                    turn.pop(0)
            elif self._chance.random() < 1 / 5:
                await self._freeze(self._chance.choice(FROZEN))
            else:
                await self._kill(self._chance.choice(KILLED))

    async def _kill(self, kind: str) -> bool:
        """Whether there was one to kill."""
        if kind == "serve":
            await self._shop.kill_all()
        else:
            found = self._shop.processes(kind)
            if not found:
                return False
            try:
                self._chance.choice(found).kill()
            except psutil.NoSuchProcess:
                return False
        self.killed[kind] += 1
        return True

    async def _freeze(self, kind: str) -> None:
        frozen = []
        try:
            for process in self._shop.processes(kind):
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
                    frozen.append(process)
            await asyncio.sleep(self._chance.uniform(0.5, 3))
        finally:
            for process in frozen:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
        self.frozen[kind] += bool(frozen)


def _kind(command: Sequence[str]) -> str:
    match command:
        case [program, "-D", *_] if os.path.basename(program) == "postgres":  # noqa: PTH119
            return "postgres"
        case [title, *_] if title.startswith("postgres: ") and "shop" in title:
            return "backend"
        case [*_, "api", "--fd", _]:
            return "api"
        case [*_, "worker", "--only", kind]:
            return kind
        case _:
            return ""


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ProcessLookupError):  # gone between the two questions
        return False
