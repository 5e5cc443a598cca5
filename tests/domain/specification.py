"""How behaviour is told: given(decider, *events).when(command).then(*events) or .refuses(error)."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

from application.decider import Decider
from domain.errors import DomainError

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


@dataclass(frozen=True)
class Given(Generic[C, S, E]):
    """An aggregate with a history; `when` says what it is asked."""

    decider: Decider[C, S, E]
    state: S

    def when(self, command: C) -> "When[C, S, E]":
        return When(self.decider, self.state, command)


@dataclass(frozen=True)
class When(Generic[C, S, E]):
    """A command on its way to an aggregate; `then` and `refuses` say what must come of it."""

    decider: Decider[C, S, E]
    state: S
    command: C

    def then(self, *expected: E) -> None:
        """Just these events are recorded, and nothing more when the command comes again."""
        assert self.decider.decide(self.command, self.state) == list(expected)
        assert self.decider.decide(self.command, self.decider.fold(expected, self.state)) == []

    def refuses(self, kind: type[DomainError], text: str | None = None, /, **facts: object) -> None:
        """The command raises `kind`, with this text for a person and with these attributes."""
        with pytest.raises(kind) as refusal:
            self.decider.decide(self.command, self.state)
        assert text in (None, str(refusal.value))
        assert {name: getattr(refusal.value, name) for name in facts} == facts


def given(decider: Decider[C, S, E], *events: E) -> Given[C, S, E]:
    """An aggregate to which `events` have happened."""
    return Given(decider, decider.fold(events))
