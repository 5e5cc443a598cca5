"""Loaded aggregates: what a command is decided against, whoever then appends what happens."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from application.deciders import DECIDER_OF_EVENT, DECIDERS, AnyDecider, stream_id
from domain.commands import Command
from domain.errors import Conflict, NotFound
from domain.events import Event
from domain.message import message
from domain.recorded import Origin, Recorded
from infrastructure.event_store.store import NewEvent, new_event


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


class Aggregates:
    """The streams used last, in memory. Not for several threads."""

    def __init__(self, size: int = 20_000) -> None:
        self._loaded: OrderedDict[UUID, Loaded] = OrderedDict()
        self._size = size

    def get(self, stream: UUID) -> Loaded | None:
        """The stream as far as it is known, or None when it is not in memory."""
        loaded = self._loaded.get(stream)
        if loaded is not None:
            self._loaded.move_to_end(stream)
        return loaded

    def put(self, stream: UUID, loaded: Loaded) -> None:
        """Remember the stream, and forget the one that was not used for longest."""
        self._loaded[stream] = loaded
        self._loaded.move_to_end(stream)
        if len(self._loaded) > self._size:
            self._loaded.popitem(last=False)

    def forget(self, streams: Iterable[UUID]) -> None:
        """Read these anew when they are needed next."""
        for stream in streams:
            self._loaded.pop(stream, None)

    def clear(self) -> None:
        """Read all anew."""
        self._loaded.clear()

    def follow(self, recorded: Recorded) -> None:
        """Move a stream in memory forward by its next event."""
        loaded = self._loaded.get(recorded.stream_id)
        if loaded is None:
            if recorded.version == 1:
                self.put(recorded.stream_id, EMPTY.after(recorded.event, 1, recorded.position))
        elif recorded.version == loaded.version + 1:
            self.put(
                recorded.stream_id,
                loaded.after(recorded.event, recorded.version, recorded.position),
            )
        elif recorded.version > loaded.version:
            self.forget([recorded.stream_id])


class UnitOfWork:
    """What commands made happen on top of loaded streams, before anything is recorded."""

    def __init__(self, streams: dict[UUID, Loaded]) -> None:
        self.streams = streams
        self.events: list[NewEvent] = []

    def handle(self, command: Command, origin: Origin) -> list["Happened"]:
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
            self.events.append(new_event(stream, version, event, origin))
            happened.append(Happened(event, stream, version))
        self.streams[stream] = loaded
        return happened


@message
class Happened:
    """An event that is not recorded yet, with its place in its stream."""

    event: Event
    stream_id: UUID
    version: int
