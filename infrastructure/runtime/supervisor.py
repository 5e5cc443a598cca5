"""Runs processes, starts again what dies, and stops them in order when it is told to stop."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from time import monotonic, sleep
from types import FrameType
from typing import Self

import structlog

log = structlog.get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Process = subprocess.Popen[bytes]

POLL = 0.1  # seconds between two looks at who has died
FIRST_PAUSE = 0.2  # seconds before a process is started again; doubled each time it dies
LONGEST_PAUSE = 15.0
HEALTHY = 10.0  # seconds after which a process that ran is not held its last death against


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running. `start` starts it; it ends on SIGTERM, or when its stdin ends.

    `patience` is how many seconds it has to end in before it is killed; None: it never is.
    """

    name: str
    start: Callable[[], Process]
    patience: float | None = 30.0


def shop_program(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], fds: Sequence[int] = ()
) -> Program:
    """A command of the shop's own as a program, which inherits the file descriptors `fds`."""

    def start() -> Process:
        return subprocess.Popen(
            # -P: the folder that the shop is started in may have an `api` of its own
            [sys.executable, "-P", "-m", "api.cli", *arguments],
            stdin=subprocess.PIPE,
            env={**os.environ, **environment},
            pass_fds=fds,
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor to handle
        )

    return Program(name, start)


@dataclass(slots=True)
class _Running:
    program: Program
    process: Process | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = field(default_factory=monotonic)

    def look(self) -> None:
        """Notice that the process has died, or that it is time to start it again."""
        now = monotonic()
        if self.process is None:
            if now >= self.due:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self.deaths = 1 if now - self.started > HEALTHY else self.deaths + 1
        pause = min(FIRST_PAUSE * 2 ** (self.deaths - 1), LONGEST_PAUSE)
        pause *= random.uniform(0.5, 1.5)  # noqa: S311  # jitter, no secret
        self.due = now + pause
        self.close()
        log.error(
            "process died",
            name=self.program.name,
            reason=_reason(status),
            starts_again_in=round(pause, 2),
        )

    def start(self) -> None:
        self.started = monotonic()
        try:
            self.process = self.program.start()
        except Exception as error:
            self.deaths += 1
            self.due = self.started + LONGEST_PAUSE
            log.exception("process does not start", name=self.program.name, error=str(error))
        else:
            log.info("process started", name=self.program.name, pid=self.process.pid)

    def close(self) -> None:
        if self.process is not None:
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.process.wait()
            self.process = None


class Supervisor:
    """Processes in groups: started in order, stopped in the reverse order.

    A context manager: whatever ends the block, nothing that was started outlives it.
    """

    def __init__(self, on_stop: Callable[[], object] | None = None) -> None:
        """`on_stop` is called once, before anything is stopped."""
        self._on_stop = on_stop
        self._groups: list[list[_Running]] = []
        self._watching = False
        self._stop = Event()
        self._hurry = Event()

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._on_stop is not None:
            self._on_stop()
        while self._groups:
            _stop_group(self._groups.pop(), self._hurry)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(self, *programs: Program) -> None:
        """Start a group of programs, which are started again whenever they die."""
        group = [_Running(program) for program in programs]
        self._groups.append(group)
        for running in group:
            running.start()

    def run(self) -> None:
        """Watch over all of them until SIGTERM, SIGINT or SIGHUP; a second one kills what is left.

        Before this is called, such a signal ends the process as an exception does.
        """
        self._watching = True
        while not self._stop.wait(POLL):
            for group in self._groups:
                for running in group:
                    running.look()
        log.info("stopping")

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():
            self._hurry.set()
        elif self._watching:
            self._stop.set()
        else:
            raise SystemExit(128 + number)


def _stop_group(group: list[_Running], hurry: Event) -> None:
    for running in group:
        if running.process is not None:
            running.process.terminate()
    asked = monotonic()
    for running in group:
        process, patience = running.process, running.program.patience
        while process is not None and process.poll() is None:
            late = patience is not None and monotonic() - asked > patience
            if late or (hurry.is_set() and patience is not None):
                log.error("did not stop in time, killed", name=running.program.name)
                process.kill()
                break
            sleep(POLL / 5)
        running.close()
        log.info("process stopped", name=running.program.name)


def _reason(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
