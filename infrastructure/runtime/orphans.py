"""Ties a process to the one that started it: when that dies, even by `kill -9`, so does this one.

The standard input is a pipe that the parent holds open; where it ends, the parent is gone. Our own
processes watch it themselves. A command that knows nothing of this is run by this file as a script,
with the standard library alone: `guard.py USER COMMAND...`, where an empty USER changes nothing.
SIGTERM and SIGINT stop the command too, by SIGINT, which is PostgreSQL's fast shutdown.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TypedDict


def wait_until_orphaned() -> None:
    """Return when the parent is gone."""
    while os.read(0, 4096):
        pass


def when_orphaned(stop: Callable[[], object]) -> None:
    """Call `stop`, in a thread, when the parent is gone."""

    def watch() -> None:
        wait_until_orphaned()
        stop()

    threading.Thread(target=watch, name="guard", daemon=True).start()


class User(TypedDict, total=False):
    """Whom `subprocess` is to run a command as."""

    user: str
    group: str
    extra_groups: list[str]


def switch_to(user: str) -> User:
    """The arguments of `subprocess` that run a command as `user`; an empty one changes nothing."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def main(user: str, command: list[str]) -> int:
    """Run the command as `user` until it ends, and return its exit status."""
    stopping = False
    process: subprocess.Popen[bytes] | None = None

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        if process is not None:
            process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **switch_to(user))
    if stopping:  # we were told while it was being started
        stop()
    when_orphaned(stop)
    return int(process.wait())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
