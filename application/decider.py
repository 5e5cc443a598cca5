"""What an aggregate is: a state, and two pure functions, one from a command to events and one from
an event to the next state (the decider pattern; see Emmett's `typing/decider.ts`)."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Generic, TypeVar

from domain.message import message

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


@message
class Decider(Generic[C, S, E]):
    """A kind of aggregate as two pure functions and where they begin. `creates` is the command type
    that begins a stream; `events` are the types that its streams hold; `id_field` is the field that
    names the stream.

    `grows`: its streams have no end, so that states are kept as snapshots. `calm`: mostly one at a
    time moves it, so that commands are decided on what memory has first (optimistic concurrency
    without a read); where that is seldom true, a vain append costs more than reading.
    """

    name: str
    decide: Callable[[C, S], list[E]]
    evolve: Callable[[S, E], S]
    initial: S
    creates: type
    id_field: str
    events: frozenset[type]
    grows: bool = False
    calm: bool = False

    def fold(self, happened: Iterable[E], state: S | None = None) -> S:
        """The state after all that `happened`, from `state` or the beginning."""
        return reduce(self.evolve, happened, self.initial if state is None else state)


AnyDecider = Decider[Any, Any, Any]
