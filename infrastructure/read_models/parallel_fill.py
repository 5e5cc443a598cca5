"""Filling a copy by several processes: they read and decode at once, and write in turns.

The log is cut into stretches of positions, dealt out in turn. Each process reads, decodes and
applies its next stretch, then waits for the word to write it, which it gets when the one before is
committed. So any read model can be filled this way, whatever its rows depend on. Where a stretch
cannot be written as a whole, the processes stop, and whoever asked goes on alone from there.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import cast

from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from infrastructure.postgres import patience
from infrastructure.read_models.copy import Copy, search_path, without_gc
from infrastructure.read_models.copy_table import Kind, kept, open_copy
from projections import PROJECTIONS

STRETCH = 10_000  # positions
WORTH_IT = 200_000  # positions; the processes take a second to start
MOST_PROCESSES = 4
CONNINFO = "SHOP_FILLING_CONNINFO"
WRITTEN = b"written\n"


def fill_in_processes(
    copy: Copy, writer: Connection[TupleRow], kind: Kind, up_to: int
) -> Iterator[int]:
    """Fill the stored copy towards the position `up_to`, where it is far enough away and there are
    processors for it; yields how far it is."""
    processes = min(_processors() - 1, MOST_PROCESSES)
    if (
        processes < 2
        or up_to - copy.position < WORTH_IT
        or copy.has_aside
        or copy.projection not in PROJECTIONS
    ):
        return
    name, first = copy.projection.name, copy.position
    numbers = (first, up_to, STRETCH, processes)
    children = [_start(writer, (name, kind, *numbers, turn)) for turn in range(processes)]
    try:
        for number, end in enumerate(_ends(first, up_to, STRETCH)):
            child = children[number % processes]
            if not _written(child):
                break
            copy.position = end
            yield end
            if number & (number + 1) == 0:
                copy.count_rows()
    finally:
        for child in children:
            child.communicate()  # closes its input, which is the word to stop
        found = kept(writer, name, kind) if not writer.broken else None
        if found is not None:
            copy.position = found.position


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _start(
    writer: Connection[TupleRow], arguments: tuple[str | int, ...]
) -> "subprocess.Popen[bytes]":
    # The address may hold a password, which a command line would show to everybody.
    address = make_conninfo(writer.info.dsn, password=writer.info.password or None)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, CONNINFO: address, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _written(child: "subprocess.Popen[bytes]") -> bool:
    """Let it write its next stretch; whether it has."""
    assert child.stdin is not None  # noqa: S101  # both are pipes
    assert child.stdout is not None  # noqa: S101
    try:
        child.stdin.write(b"write\n")
        child.stdin.flush()
    except BrokenPipeError:
        return False
    return child.stdout.readline() == WRITTEN


def _ends(first: int, up_to: int, stretch: int) -> Iterator[int]:
    """Where the stretches end."""
    for begin in range(first, up_to, stretch):
        yield min(begin + stretch, up_to)


def _fill(name: str, kind: Kind, numbers: Sequence[int]) -> None:
    """What one of the processes does: every stretch whose turn it is."""
    first, up_to, stretch, processes, turn = numbers
    (projection,) = (p for p in PROJECTIONS if p.name == name)
    with (
        patience.Connection.connect(os.environ[CONNINFO], autocommit=True) as connection,
        without_gc(),
    ):
        copy = open_copy(connection, connection, projection, kind, stretch)
        search_path(connection, f"{name}_{kind}")
        for number, end in enumerate(_ends(first, up_to, stretch)):
            if number % processes != turn:
                continue
            begin = first + number * stretch
            batch = copy.take(begin, end)
            if not sys.stdin.readline():
                return
            copy.position = begin
            copy.write(batch)
            sys.stdout.buffer.write(WRITTEN)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever has started this says when to stop
    who, what, *numbers = sys.argv[1:]
    with suppress(Exception):  # whatever it is: who goes on alone will meet it, and say it
        _fill(who, cast("Kind", what), [int(number) for number in numbers])
