"""A batch of executions played forward in memory: events to `react`, its commands to the deciders,
and what comes of them back to `react`. Nothing is recorded here."""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from application.deciders import stream_id
from application.place_order import PlaceOrderProcess, react
from application.process import Refused, TimedOut
from application.unit_of_work import UnitOfWork
from domain.commands import Command
from domain.errors import DomainError
from domain.events import Event, OrderPlaced
from domain.message import message
from domain.recorded import Origin

# What an execution begins with.
BEGINS = frozenset({OrderPlaced.__name__})


@message
class Unreadable:
    """An event of an execution that this release cannot read."""

    topic: str
    error: Exception


@message
class Input:
    """An event to react to; `place` is its stream and version, None for what stands in no log, and
    `position` 0 until it is recorded. `unparks` are the positions of what is parked of its
    execution, and done with when this is."""

    execution_id: UUID
    event: Event | TimedOut | Unreadable
    actor_id: UUID | None
    place: tuple[UUID, int] | None
    position: int
    ordinal: int = 0
    unparks: tuple[int, ...] = ()

    def origin(self) -> Origin:
        """That of what follows from it."""
        cause = f"{self.place[0]}/{self.place[1]}" if self.place else "time limit"
        return Origin(self.actor_id, self.execution_id, cause)


class Poison(Exception):
    """The execution cannot be processed; nothing is wrong with the others."""

    def __init__(self, execution_id: UUID, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.execution_id = execution_id


@dataclass(slots=True)
class Outcome:
    """What a batch comes to; of all that `happened`, `left` is to be reacted to after the commit.
    An execution whose process is None is finished."""

    work: UnitOfWork
    processes: dict[UUID, PlaceOrderProcess | None] = field(default_factory=dict)
    left: list[Input] = field(default_factory=list)
    happened: list[Input] = field(default_factory=list)


class Batch:
    """`processes` are the executions under way; `load` brings streams into the unit of work, or
    leaves those out that cannot be read; `hops` limits the reactions in a row (0: no limit)."""

    def __init__(
        self,
        processes: Mapping[UUID, PlaceOrderProcess],
        load: Callable[[UnitOfWork, set[UUID]], None],
        hops: int,
    ) -> None:
        self._processes = processes
        self._load = load
        self._hops = hops
        self._outcome = Outcome(UnitOfWork({}))

    def play(self, inputs: list[Input]) -> Outcome:
        """What comes of the inputs. Raises Poison for the first execution that cannot go on."""
        queue, hops = inputs, 0
        while queue and (self._hops == 0 or hops < self._hops):
            commands: deque[tuple[Origin, Command]] = deque()
            for reacted in queue:
                if following := self._reaction_to(reacted):
                    origin = reacted.origin()
                    commands.extend((origin, command) for command in following)
            self._load_for(commands)
            queue = []
            while commands:
                origin, command = commands.popleft()
                try:
                    queue += self._send(origin, command)
                except DomainError as error:
                    # A refusal stands in no log, so it has to be answered in the same commit.
                    execution_id = origin.correlation_id
                    refused = Refused(execution_id, stream_id(command), str(error))
                    following = self._reaction(execution_id, refused)
                    commands.extend((origin, command) for command in following)
                    self._load_for(commands)
            hops += 1
            self._outcome.happened += queue
        self._outcome.left = queue
        return self._outcome

    def _load_for(self, commands: Collection[tuple[Origin, Command]]) -> None:
        self._load(self._outcome.work, {stream_id(command) for _, command in commands})

    def _reaction_to(self, reacted: Input) -> list[Command]:
        execution_id, event = reacted.execution_id, reacted.event
        match event:
            case Unreadable(topic, error):
                if topic in BEGINS or self._process(execution_id) is not None:
                    raise Poison(execution_id, error)
                return []
            case TimedOut() if self._process(execution_id) is None:
                return []
            case OrderPlaced() if reacted.unparks:
                # What there is of it only waits until this is tried again.
                self._outcome.processes[execution_id] = None
        return self._reaction(execution_id, event)

    def _process(self, execution_id: UUID) -> PlaceOrderProcess | None:
        processes = self._outcome.processes
        return (
            processes[execution_id]
            if execution_id in processes
            else self._processes.get(execution_id)
        )

    def _reaction(self, execution_id: UUID, event: Event | Refused | TimedOut) -> list[Command]:
        process = self._process(execution_id)
        try:
            self._outcome.processes[execution_id], commands = react(process, event)
        except Exception as error:  # whatever it is, it is this execution's alone
            raise Poison(execution_id, error) from error
        return commands

    def _send(self, origin: Origin, command: Command) -> list[Input]:
        work, execution_id = self._outcome.work, origin.correlation_id
        first = len(work.events) + 1
        try:
            happened = work.handle(command, origin)
        except DomainError:
            raise
        except Exception as error:  # whatever it is, it is this execution's alone
            raise Poison(execution_id, error) from error
        return [
            Input(execution_id, each.event, origin.actor_id, (each.stream_id, each.version), 0, n)
            for n, each in enumerate(happened, first)
        ]


def not_begun(
    inputs: Sequence[Input], poisoned: Collection[UUID]
) -> dict[UUID, PlaceOrderProcess | None]:
    """Executions that could not even begin, as processes that wait: so they are seen, and given up
    when their time has come."""
    waiting: dict[UUID, PlaceOrderProcess | None] = {}
    for each in inputs:
        if each.execution_id in poisoned and isinstance(each.event, OrderPlaced):
            with suppress(Exception):  # when it was `react` that failed, the parked event is all
                waiting[each.execution_id], _ = react(None, each.event)
    return waiting
