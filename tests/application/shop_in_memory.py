"""A shop without a store: deciders and the saga, where chance says what happens next."""

from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from application.deciders import DECIDERS, stream_id
from application.place_order import PlaceOrderProcess, Refused, react
from domain.commands import Command, PrepareShipment
from domain.errors import Conflict, DomainError
from domain.events import Event, OrderPlaced


@dataclass
class Shop:
    """`log` is what was recorded, in order; `states` the aggregates by stream id.

    Commands of the executions wait in `commands`, events that were not reacted to in `inbox`; each
    step takes any one of them. `lost_shipments` are the executions whose shipment is refused.
    """

    random: Random
    lost_shipments: set[UUID] = field(default_factory=set)
    log: list[Event] = field(default_factory=list)
    states: dict[UUID, Any] = field(default_factory=dict)
    processes: dict[UUID, PlaceOrderProcess | None] = field(default_factory=dict)
    commands: list[tuple[UUID, Command]] = field(default_factory=list)
    inbox: list[Event] = field(default_factory=list)

    def send(self, command: Command) -> None:
        """Decide and record. Raises DomainError."""
        decider, stream = DECIDERS[type(command)], stream_id(command)
        state = self.states.get(stream, decider.initial)
        happened = decider.decide(command, state)
        self.states[stream] = decider.fold(happened, state)
        self.log += happened
        self.inbox += [event for event in happened if hasattr(event, "execution_id")]

    def step(self) -> bool:
        """Execute a command or react to an event, whichever; False when there is nothing to do."""
        n = self.random.randrange(len(self.commands) + len(self.inbox) or 1)
        if n < len(self.commands):
            self._execute(*self.commands.pop(n))
        elif self.inbox:
            self._deliver(self.inbox.pop(n - len(self.commands)))
        else:
            return False
        return True

    def _execute(self, execution_id: UUID, command: Command) -> None:
        try:
            if isinstance(command, PrepareShipment) and execution_id in self.lost_shipments:
                raise Conflict("The parcel was lost.")
            self.send(command)
        except DomainError as error:
            self._react(execution_id, Refused(execution_id, stream_id(command), str(error)))

    def _deliver(self, event: Any) -> None:
        execution_id: UUID = event.execution_id
        self._react(execution_id, event)
        # The log may be read again from any point after the beginning of what is under way.
        if not isinstance(event, OrderPlaced) and self.random.random() < 0.2:
            self.inbox.append(event)

    def _react(self, execution_id: UUID, event: Event | Refused) -> None:
        process, commands = react(self.processes.get(execution_id), event)
        self.processes[execution_id] = process
        self.commands += [(execution_id, command) for command in commands]
