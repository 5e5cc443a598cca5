"""What a process is: a state, and a pure function from what happened to the commands to send.

A process manager runs processes of any kind; the kinds that there are stand in `processes.py`. The
shape is that of a decider turned round: events in, commands out (a saga with a state; see Emmett's
`workflow`, or Commanded's process managers).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from domain.commands import Command
from domain.events import Event
from domain.message import message

S = TypeVar("S")


@message
class Refused:
    """A command of the process that the domain refused; `stream_id` is what it was about."""

    process_id: UUID
    stream_id: UUID
    reason: str


@message
class TimedOut:
    """The process has waited beyond its limit, and nothing that it waits for is under way."""

    process_id: UUID


class CannotGoOn(Exception):
    """The process can neither be finished nor undone by itself; somebody has to look at it."""


@message
class Process(Generic[S]):
    """A kind of process. To it every type of event is one of three things: it `begins` one, it is
    its `own`, which only its commands record, or it is foreign; of the foreign ones it `hears` what
    others record for it while it runs.

    `id_field` is the field of all these that names the process. `react` takes an event, Refused or
    TimedOut to a state (None: there is none yet) and gives the state after it (None: finished) and
    the commands to send. `due_at` is the moment at which a process that waits is told that its time
    has passed; None leaves it to the limit that all have. `actor` is the field of the first event
    that says for whom it runs; `label` what people call it.
    """

    name: str
    begins: type
    own: frozenset[type]
    hears: frozenset[type]
    id_field: str
    state: type[S]
    react: Callable[[S | None, Event | Refused | TimedOut], tuple[S | None, list[Command]]]
    due_at: Callable[[S], datetime | None]
    step: Callable[[S], str]
    actor: Callable[[Any], UUID]
    label: Callable[[Any], str]

    def id_of(self, event: Event) -> UUID | None:
        """The process that the event is about, None where it is about none of this kind."""
        if type(event) is self.begins or type(event) in self.own or type(event) in self.hears:
            found: UUID | None = getattr(event, self.id_field)
            return found
        return None


AnyProcess = Process[Any]
