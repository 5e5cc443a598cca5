"""Runs one command that knows nothing of its parent, and stops it when the parent is gone.

Started as a script, with the standard library alone: `guard.py USER COMMAND...`; an empty USER
leaves the user as it is. Its standard input is a pipe that the parent holds open: where that ends,
the parent has died, even by `kill -9`. SIGTERM and SIGINT stop the command as well, by SIGINT,
which is the fast shutdown of PostgreSQL. Exits as the command does.
"""

import os
import signal
import subprocess
import sys
import threading
from typing import TypedDict


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
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **switch_to(user))

    def stop(*_: object) -> None:
        process.send_signal(signal.SIGINT)

    def stop_when_orphaned() -> None:
        while os.read(0, 4096):
            pass
        stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=stop_when_orphaned, daemon=True).start()
    return int(process.wait())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
