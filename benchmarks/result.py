"""What a benchmark found: figures, what they must show, and the machine that they were taken on."""

import os
import platform
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import psutil
from pydantic import TypeAdapter

from domain.message import message


@message
class Figure:
    """What one contestant reached `at` some load, in each round."""

    contestant: str
    at: str
    measure: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


@message
class Claim:
    """A figure or ratio that has to reach `at_least`, or where `smaller`, to stay below it."""

    what: str
    value: float
    at_least: float
    aim: float
    unit: str = ""
    smaller: bool = False

    @property
    def verdict(self) -> Literal["aim", "met", "missed"]:
        if self._reaches(self.aim):
            return "aim"
        return "met" if self._reaches(self.at_least) else "missed"

    def _reaches(self, bound: float) -> bool:
        return self.value <= bound if self.smaller else self.value >= bound


@message
class Machine:
    """Where and when the figures were taken. `busy`: the share of the cores, from 0 to 1, that was
    taken by others when the run began."""

    cpu: str
    cores: int
    memory_gb: int
    python: str
    at: datetime
    busy: float


@message
class Result:
    """`plot` is the measure that the plot shows; `how` says in a few words what was done."""

    name: str
    title: str
    how: str
    plot: str
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    machine: Machine
    quick: bool


def find(figures: Iterable[Figure], contestant: str, at: str, measure: str) -> Figure | None:
    """That figure, if there is one."""
    for figure in figures:
        if (figure.contestant, figure.at, figure.measure) == (contestant, at, measure):
            return figure
    return None


def median(figures: Iterable[Figure], contestant: str, at: str, measure: str) -> float:
    """The median of that figure's rounds. Raises KeyError when there is none."""
    figure = find(figures, contestant, at, measure)
    if figure is None:
        raise KeyError((contestant, at, measure))
    return figure.median


RESULT = TypeAdapter(Result)


def machine() -> Machine:
    """This one, now."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        python=platform.python_version(),
        at=datetime.now(UTC).replace(microsecond=0),
        busy=busy(),
    )


@cache
def busy() -> float:
    """Measured when it is first asked for, which is before anything of ours runs."""
    return psutil.cpu_percent(interval=0.5) / 100


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0 to 1) of `values` do not exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
