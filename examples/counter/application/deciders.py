"""One aggregate: the counter, whose state is what it shows (None: there is no such counter)."""

from uuid import UUID

from application.decider import AnyDecider, Decider
from domain.commands import Command, Count, Start
from domain.errors import NotFound
from domain.events import Counted, Event, Started


def decide(command: Command, total: int | None) -> list[Event]:
    """What comes of the command."""
    match command:
        case Start(counter_id):
            return [Started(counter_id)] if total is None else []
        case Count(counter_id) if total is None:
            raise NotFound("counter", counter_id)
        case Count(counter_id):
            return [Counted(counter_id, total + 1)]


def evolve(_: int | None, event: Event) -> int:
    """What it shows after the event."""
    return 0 if isinstance(event, Started) else event.total


COUNTER: Decider[Command, int | None, Event] = Decider(
    "Counter", decide, evolve, None, Start, "counter_id", frozenset({Started, Counted}), calm=True
)
ALL: tuple[AnyDecider, ...] = (COUNTER,)
DECIDERS: dict[type, AnyDecider] = dict.fromkeys((Start, Count), COUNTER)
DECIDER_OF_EVENT: dict[type, AnyDecider] = dict.fromkeys(COUNTER.events, COUNTER)


def stream_id(command: Command) -> UUID:
    """The counter that is asked."""
    return command.counter_id
