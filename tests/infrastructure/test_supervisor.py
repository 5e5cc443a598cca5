"""The supervisor: restarts what dies, stops in order, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

SUPERVISE = """
import subprocess, sys
from infrastructure.runtime.supervisor import Program, Supervisor

def program(name, code, patience=30.0):
    command = [sys.executable, "-c", code, name]
    def start():
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    return Program(name, start, patience)

CHILD = '''
import os, signal, sys, threading, time
from infrastructure.runtime.orphans import when_orphaned
def stop(*_):
    open("stopped", "a").write(sys.argv[1] + "\\\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
when_orphaned(stop)
open("started", "a").write(f"{sys.argv[1]} {os.getpid()}\\\\n")
while True:
    time.sleep(1)
'''
STUBBORN = CHILD.replace("signal.SIGTERM, stop", "signal.SIGTERM, signal.SIG_IGN")
"""


class Supervised:
    """A process that supervises, and what its children have written down."""

    def __init__(self, folder: Path, script: str) -> None:
        self.folder = folder
        self.log = (folder / "log").open("wb")
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", SUPERVISE + script]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=self.log, stderr=self.log
        )

    def started(self, name: str) -> list[psutil.Process]:
        pids = [line.split()[1] for line in self._lines("started") if line.startswith(f"{name} ")]
        return [psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))]

    def starts(self, name: str) -> int:
        return sum(line.startswith(f"{name} ") for line in self._lines("started"))

    def stopped(self) -> list[str]:
        return self._lines("stopped")

    def output(self) -> str:
        return (self.folder / "log").read_text()

    def _lines(self, file: str) -> list[str]:
        path = self.folder / file
        return path.read_text().splitlines() if path.exists() else []

    def end(self) -> None:
        with self.process:
            self.process.kill()
        self.log.close()


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[[str], Supervised]]:
    made: list[Supervised] = []

    def start(script: str) -> Supervised:
        made.append(Supervised(tmp_path, script))
        return made[-1]

    yield start
    for supervised in made:
        supervised.end()


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


TWO_GROUPS = """
with Supervisor() as supervisor:
    supervisor.start(program("first", CHILD))
    supervisor.start(program("second", CHILD), program("third", CHILD))
    supervisor.run()
"""


def test_what_was_killed_is_started_again_and_said_so(
    supervise: Callable[[str], Supervised],
) -> None:
    supervised = supervise(TWO_GROUPS)
    eventually(lambda: all(supervised.starts(name) == 1 for name in ("first", "second", "third")))
    supervised.started("second")[0].kill()
    eventually(lambda: supervised.starts("second") == 2)
    assert supervised.starts("first") == 1
    assert "process died" in supervised.output()
    assert "SIGKILL" in supervised.output()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_last_group_first(
    supervise: Callable[[str], Supervised], number: signal.Signals
) -> None:
    supervised = supervise(TWO_GROUPS)
    eventually(lambda: all(supervised.starts(name) == 1 for name in ("first", "second", "third")))
    supervised.process.send_signal(number)
    assert supervised.process.wait(20) == 0
    assert sorted(supervised.stopped()[:2]) == ["second", "third"]
    assert supervised.stopped()[2:] == ["first"]


def test_what_does_not_stop_is_killed_and_said_so(
    supervise: Callable[[str], Supervised],
) -> None:
    supervised = supervise("""
with Supervisor() as supervisor:
    supervisor.start(program("first", STUBBORN, patience=0.3), program("second", CHILD))
    supervisor.run()
""")
    eventually(lambda: supervised.starts("first") == supervised.starts("second") == 1)
    supervised.process.terminate()
    assert supervised.process.wait(20) == 0
    assert supervised.stopped() == ["second"]
    assert "did not stop in time" in supervised.output()


def test_a_second_signal_stops_the_waiting(supervise: Callable[[str], Supervised]) -> None:
    supervised = supervise("""
with Supervisor() as supervisor:
    supervisor.start(program("first", STUBBORN, patience=600))
    supervisor.run()
""")
    eventually(lambda: supervised.starts("first") == 1)
    supervised.process.terminate()
    eventually(lambda: "stopping" in supervised.output())
    supervised.process.terminate()
    assert supervised.process.wait(20) == 0


def test_nothing_outlives_a_supervisor_that_was_killed(
    supervise: Callable[[str], Supervised],
) -> None:
    supervised = supervise(TWO_GROUPS)
    eventually(lambda: all(supervised.starts(name) == 1 for name in ("first", "second", "third")))
    children = [supervised.started(name)[0] for name in ("first", "second", "third")]
    supervised.process.kill()
    eventually(lambda: all(map(has_ended, children)))


def test_nothing_outlives_a_start_that_failed(supervise: Callable[[str], Supervised]) -> None:
    supervised = supervise("""
with Supervisor() as supervisor:
    supervisor.start(program("first", CHILD))
    sys.stdin.read()
    raise SystemExit(3)
""")
    assert supervised.process.wait(20) == 3
    assert supervised.starts("first") == len(supervised.stopped())


def test_what_dies_at_once_is_not_started_in_a_hot_loop(
    supervise: Callable[[str], Supervised],
) -> None:
    supervised = supervise("""
with Supervisor() as supervisor:
    supervisor.start(program("first", "open('started', 'a').write('first 1\\\\n')"))
    supervisor.run()
""")
    time.sleep(2.5)
    assert 2 <= supervised.starts("first") <= 6
