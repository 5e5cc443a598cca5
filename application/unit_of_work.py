"""Loaded streams and what commands make happen on top of them (a unit of work): nothing is read or
written here."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from application.decider import AnyDecider
from application.deciders import DECIDER_OF_EVENT, DECIDERS, stream_id
from domain.commands import Command
from domain.errors import Conflict, NotFound
from domain.events import Event
from domain.message import message
from domain.recorded import Origin, Uncommitted


@message
class Loaded:
    """A stream folded to its state: `decider` is None while nothing is recorded in it. `position`
    is that of its last event in the log, 0 while that event is not recorded yet."""

    decider: AnyDecider | None = None
    state: Any = None
    version: int = 0
    position: int = 0

    def after(self, event: Event, version: int, position: int) -> "Loaded":
        """The stream with one event more."""
        decider = self.decider or DECIDER_OF_EVENT[type(event)]
        state = decider.initial if self.decider is None else self.state
        return Loaded(decider, decider.evolve(state, event), version, position)

    def decide(self, command: Command) -> Sequence[Event]:
        """What the command makes happen. Raises DomainError, also for a stream of another kind."""
        decider = DECIDERS[type(command)]
        if self.decider is None:
            return decider.decide(command, decider.initial)
        if self.decider is decider:
            return decider.decide(command, self.state)
        if type(command) is decider.creates:
            raise Conflict("This id was used for something else.")
        raise NotFound(decider.name.lower(), stream_id(command))


EMPTY = Loaded()


def begins_a_stream(command: Command) -> bool:
    """Whether the command can only be meant for a stream in which nothing is recorded yet."""
    return type(command) is DECIDERS[type(command)].creates


class UnitOfWork:
    """What commands made happen on top of loaded streams, before anything is recorded."""

    def __init__(self, streams: dict[UUID, Loaded]) -> None:
        self.streams = streams
        self.events: list[Uncommitted] = []

    def handle(self, command: Command, origin: Origin) -> list[Uncommitted]:
        """Decide, move the stream forward and keep the events. Raises DomainError, and then nothing
        has changed, or LookupError where the stream is not here."""
        stream = stream_id(command)
        try:
            loaded = self.streams[stream]
        except KeyError:
            raise LookupError(f"stream {stream} cannot be read") from None
        happened = []
        for event in loaded.decide(command):
            version = loaded.version + 1
            loaded = loaded.after(event, version, 0)
            happened.append(Uncommitted(event, stream, version, origin))
        self.events += happened
        self.streams[stream] = loaded
        return happened
