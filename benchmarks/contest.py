"""Contestants in turns: what changes on the machine during a run hits all of them alike."""

from collections.abc import Callable, Mapping, Sequence

from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

from benchmarks.result import Figure
from domain.message import message


@message
class Case:
    """One contestant under one load. `run` answers with a value for each of its measures."""

    contestant: str
    at: str
    run: Callable[[], Mapping[str, float]]


def in_turns(title: str, cases: Sequence[Case], rounds: int) -> tuple[Figure, ...]:
    """Run all cases one after another, `rounds` times over."""
    found: dict[tuple[str, str, str], list[float]] = {}
    columns = (SpinnerColumn(), *Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), transient=True) as progress:
        task = progress.add_task(title, total=rounds * len(cases))
        for number in range(rounds):
            for case in cases:
                progress.update(
                    task, description=f"{title}, round {number + 1}: {case.contestant}, {case.at}"
                )
                for measure, value in case.run().items():
                    found.setdefault((case.contestant, case.at, measure), []).append(value)
                progress.advance(task)
    return tuple(Figure(*key, tuple(values)) for key, values in found.items())
