"""Nothing outlives who started it, not even where it is told to stop at an awkward moment."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cli.running import KEY, environment, eventually, free_port, has_ended

ROOT = Path(__file__).parents[2]
# Told to stop when its command runs, but is not known to yet.
GUARD = """
import os, signal, subprocess, sys
from infrastructure.runtime import orphans

start = subprocess.Popen

def interrupted(*args, **options):
    process = start(*args, **options)
    print(process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    return process

subprocess.Popen = interrupted
sys.exit(orphans.main("", [sys.executable, "-c", "import time; time.sleep(600)"]))
"""
# Told to stop just before uvicorn begins to mind signals.
API = """
import os, signal, uvicorn
from api.cli import main as cli

run = uvicorn.Server.run

def interrupted(self, sockets):
    os.kill(os.getpid(), signal.SIGTERM)
    run(self, sockets)

uvicorn.Server.run = interrupted
cli.app(["api"])
"""
DEAF = """
import signal, time
from api import serving

serving.PATIENCE = 0.5
signal.signal(signal.SIGTERM, signal.SIG_IGN)
serving.stop_when_orphaned()
time.sleep(600)
"""


def python(script: str, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(**settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_guard_that_is_stopped_while_it_starts_its_command_stops_it() -> None:
    with python(GUARD) as guard:
        assert guard.stdout is not None
        pid = int(guard.stdout.readline())
        try:
            guard.wait(20)
            with suppress(psutil.NoSuchProcess):
                command = psutil.Process(pid)
                eventually(lambda: has_ended(command))
        finally:
            guard.kill()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_an_api_that_is_stopped_while_it_starts_ends(database_url: str) -> None:
    port = str(free_port())
    with python(API, SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY, SHOP_PORT=port) as api:
        try:
            assert api.wait(30) == 0
        finally:
            api.kill()


def test_who_does_not_stop_when_the_parent_is_gone_is_killed() -> None:
    with python(DEAF) as deaf:
        assert deaf.stdin is not None
        deaf.stdin.close()
        try:
            assert deaf.wait(20) == -9
        finally:
            deaf.kill()
