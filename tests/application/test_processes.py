"""Every event is something to every process: it begins one, is its own, or is foreign."""

from typing import get_args

import pytest

from application.process import AnyProcess
from application.processes import PROCESSES
from domain.events import Event

EVENTS: tuple[type, ...] = get_args(Event)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_no_event_falls_through(process: AnyProcess, event: type) -> None:
    roles = [event is process.begins, event in process.own, event in process.hears]
    assert sum(roles) <= 1, f"{event.__name__} is two things to {process.name}"
    if process.id_field in event.__dataclass_fields__:  # type: ignore[attr-defined]
        assert any(roles), (
            f"{event.__name__} names a process of {process.name} by its {process.id_field}, but"
            " neither begins one, nor is its own, nor is heard by it: say which in its PROCESS"
        )
    else:
        assert not any(roles), f"{event.__name__} does not say which {process.name} it is about"


def test_their_names_are_their_own() -> None:
    assert len({process.name for process in PROCESSES}) == len(PROCESSES)
