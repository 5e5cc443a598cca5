"""`shop` without the second that its imports take: a process that has imported it forks for each
command. Tests put `SHOP` before the arguments; it is a command like any other, with its own
environment, folder, streams, standard error and exit status."""

import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHOP = [sys.executable, "-IS", __file__]
ADDRESS = "FORKING_SHOP"  # the variable that says where the process is
LENGTH = struct.Struct("!q")


@contextmanager
def forking_shop(folder: Path) -> Iterator[str]:
    """The address of a process that lives as long as the block, or as whoever has begun it."""
    import subprocess  # noqa: PLC0415  # the command itself does without it

    address = str(folder / "forks")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        number = listener.fileno()
        with subprocess.Popen(
            [sys.executable, __file__, "--serve", str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
        ):
            yield address


def serve(listener: socket.socket) -> None:
    """Fork for each command that comes; returns, in the process that is to run it."""
    import api.cli.main  # noqa: PLC0415
    import api.cli.operators  # noqa: F401, PLC0415  # what takes so long

    gc.freeze()  # or each command would look at all of it once more, and so copy it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            attend(connection)
            return
        connection.close()


def attend(connection: socket.socket) -> None:
    """Become the command that was asked for, while the process above waits for its end."""
    header, streams, _, _ = socket.recv_fds(connection, LENGTH.size, 3)
    body = connection.makefile("rb").read(LENGTH.unpack(header)[0])
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        connection.sendall(LENGTH.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, closefd=False, errors=errors)  # noqa: SIM115  # for as long as we live
        for number, mode, errors in ((0, "r", None), (1, "w", None), (2, "w", "backslashreplace"))
    )
    arguments, environment, folder = json.loads(body)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["shop", *arguments]


def ask(address: str) -> None:
    """Have the command run, and end as it does."""
    body = json.dumps((sys.argv[1:], dict(os.environ), os.getcwd())).encode()  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [LENGTH.pack(len(body))], [0, 1, 2])
        connection.sendall(body)
        status = LENGTH.unpack(connection.makefile("rb").read(LENGTH.size))[0]
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(socket.socket(fileno=int(sys.argv[2])))
        from api.cli.__main__ import main

        main()
    elif ADDRESS in os.environ:
        ask(os.environ.pop(ADDRESS))
    else:
        os.execv(sys.executable, [sys.executable, "-m", "api.cli", *sys.argv[1:]])
