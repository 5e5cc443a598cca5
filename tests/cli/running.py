"""A shop that runs as its operator runs it: processes of its own, stopped and killed by signals."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

KEY = "k" * 32


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with no settings of the shop but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    return {**kept, **proxies, "COLUMNS": "100", **settings}  # a proxy that answers nobody


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone; who is left to nobody may not be waited for in a container."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


class RunningShop:
    """A command of the shop that runs on, such as `serve`; its log is in `folder`."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.port = free_port()
        self._log = folder / f"{self.port}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *arguments],
                env=environment(SHOP_PORT=str(self.port), **settings),
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def family(self) -> list[psutil.Process]:
        """All processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def running(self, word: str) -> list[psutil.Process]:
        """Those of them that live and have `word` in their command line."""
        found = []
        for process in self.family():
            with suppress(psutil.Error):  # it has just ended
                found += [process] if word in process.cmdline() else []
        return found

    def get(self, path: str) -> tuple[int, str]:
        """The status and body of a GET; (0, "") where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        """Whether it says so itself; fails where it has ended."""
        assert self.process.poll() is None, self.log
        return self.get("/health/ready")[0] == 200

    def graphql(self, query: str, **variables: object) -> Any:
        """What it answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read())

    def terminate(self) -> int:
        """Stop it as an operator does; its exit status."""
        self.process.terminate()
        return self.process.wait(60)

    def end(self) -> None:
        """Stop it whatever it does."""
        with self.process:
            self.process.kill()
