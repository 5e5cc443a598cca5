"""A shop without a store: deciders and processes, where chance says what happens next."""

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from application.deciders import stream_id
from application.process import AnyProcess, Refused, TimedOut
from application.processes import PROCESSES
from application.unit_of_work import EMPTY, UnitOfWork
from domain.commands import Command, PrepareShipment
from domain.errors import Conflict, DomainError
from domain.events import Event
from domain.recorded import Origin

ORIGIN = Origin(None, UUID(int=0), "test")


@dataclass
class Shop:
    """`log` is what was recorded, in order; `work` has the streams, with nothing below them.

    Commands of the processes wait in `commands`, events that were not reacted to in `inbox`; each
    step takes any one of them. `lost_shipments` are the executions whose shipment is refused.
    """

    random: Random
    lost_shipments: set[UUID] = field(default_factory=set)
    log: list[Event] = field(default_factory=list)
    work: UnitOfWork = field(default_factory=lambda: UnitOfWork(defaultdict(lambda: EMPTY)))
    processes: dict[UUID, Any] = field(default_factory=dict)
    commands: list[tuple[AnyProcess, UUID, Command]] = field(default_factory=list)
    inbox: list[tuple[AnyProcess, UUID, Event]] = field(default_factory=list)

    def send(self, command: Command) -> None:
        """Decide and record. Raises DomainError."""
        happened = [each.event for each in self.work.handle(command, ORIGIN)]
        self.log += happened
        for kind in PROCESSES:
            self.inbox += [
                (kind, process_id, event)
                for event in happened
                if (process_id := kind.id_of(event)) is not None
            ]

    def state(self, stream: UUID) -> Any:
        """The aggregate as it is now."""
        return self.work.streams[stream].state

    def step(self) -> bool:
        """Execute a command or react to an event, whichever; False when there is nothing to do."""
        n = self.random.randrange(len(self.commands) + len(self.inbox) or 1)
        if n < len(self.commands):
            self._execute(*self.commands.pop(n))
        elif self.inbox:
            self._deliver(*self.inbox.pop(n - len(self.commands)))
        else:
            return False
        return True

    def pass_time(self) -> None:
        """Tell every process that waits for a date that it has come."""
        for process_id, (kind, process) in list(self.processes.items()):
            if process is not None and kind.due_at(process) is not None:
                self._react(kind, process_id, TimedOut(process_id))

    def _execute(self, kind: AnyProcess, process_id: UUID, command: Command) -> None:
        try:
            if isinstance(command, PrepareShipment) and process_id in self.lost_shipments:
                raise Conflict("The parcel was lost.")
            self.send(command)
        except DomainError as error:
            self._react(kind, process_id, Refused(process_id, stream_id(command), str(error)))

    def _deliver(self, kind: AnyProcess, process_id: UUID, event: Event) -> None:
        begins = type(event) is kind.begins
        if process_id not in self.processes and not begins:  # what began it comes first
            self.inbox.append((kind, process_id, event))
            return
        self._react(kind, process_id, event)
        # The log may be read again from any point after the beginning of what is under way.
        if not begins and self.random.random() < 0.2:
            self.inbox.append((kind, process_id, event))

    def _react(self, kind: AnyProcess, process_id: UUID, event: Event | Refused | TimedOut) -> None:
        _, before = self.processes.get(process_id, (kind, None))
        process, commands = kind.react(before, event)
        self.processes[process_id] = kind, process
        self.commands += [(kind, process_id, command) for command in commands]
