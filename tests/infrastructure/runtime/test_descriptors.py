"""How many files a process may open, and for how many clients that leaves room."""

import subprocess
import sys

import pytest
import structlog

from infrastructure.runtime.descriptors import KEPT, Room

RAISE = """
import resource
from infrastructure.runtime.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_limit_is_raised_to_what_the_system_allows() -> None:
    done = subprocess.run([sys.executable, "-c", RAISE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["512", "512", "512"]


@pytest.mark.parametrize("limit", [64, 256, 1024, 1_048_576])
def test_some_are_never_for_clients(limit: int) -> None:
    assert limit / 2 <= Room(limit).most < limit
    assert limit - Room(limit).most in {limit // 2, KEPT}


def test_that_it_becomes_short_is_told_once() -> None:
    room = Room(2 * KEPT)
    clients = [object() for _ in range(KEPT + 1)]
    with structlog.testing.capture_logs() as lines:
        admitted = [room.admit(clients[:n]) for n in range(1, len(clients) + 1)]
    assert admitted == [True] * KEPT + [False]
    assert len(lines) == 1
    assert room.refused == 1
    assert str(room.warning).startswith("129 of the 128 connections are open")
    with structlog.testing.capture_logs() as lines:
        assert room.admit(clients[: KEPT // 2])
        assert not room.is_full
        assert room.admit(clients[:-1])
    assert len(lines) == 1
