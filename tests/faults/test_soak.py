"""The short form of `make soak`: each process and PostgreSQL are killed once, under load."""

import random
from pathlib import Path

from tests.faults.soak import soak
from tests.faults.victims import KILLED


async def test_nothing_is_lost_whatever_is_killed(data_dir: Path) -> None:
    report = await soak(data_dir, 7, (0.3, 1.2), random.randrange(1 << 32))
    print(report)  # noqa: T201  # shown where it fails, with the seed
    assert not report.faults
    assert set(report.reaper.killed) == set(KILLED)
