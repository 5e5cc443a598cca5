"""The place-order saga, run along with the log: what each execution waits for may come next."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from application.audit.ledger import Held
from application.deciders import stream_id
from application.place_order import PROCESS, PlaceOrderProcess, react
from application.process import CannotGoOn, Refused, TimedOut
from application.unit_of_work import Loaded
from domain.commands import Command
from domain.errors import DomainError
from domain.events import Event, OrderCancelled, OrderCompleted, OrderPlaced, OrderRejected
from domain.recorded import Recorded
from domain.values import ProcessingFailed

Expected = dict[UUID, Command]
ENDS = OrderCompleted | OrderRejected | OrderCancelled


class Unexpected(Exception):
    """The event does not follow from what happened to its execution before."""


@dataclass(slots=True)
class Run:
    """An execution that has not ended: the commands that were sent and not answered yet, by the
    stream that they are about, and what it holds. `position` is that of its last event.

    What others ask for may be heard later than it stands in the log: `unheard` is that. `others`
    are how it may stand as well, until an event rules that out."""

    execution_id: UUID
    order: OrderPlaced
    position: int
    process: PlaceOrderProcess | None
    expected: Expected
    held: Held = field(default_factory=Held)
    unheard: Event | None = None
    others: "list[Run]" = field(default_factory=list)

    @property
    def streams(self) -> set[UUID]:
        """Where its events are."""
        order = self.order
        return {order.order_id, order.account_id, *(line.product_id for line in order.lines)}

    def copy(self, unheard: Event | None) -> "Run":
        """One that may go on otherwise."""
        expected = dict(self.expected)
        return Run(
            self.execution_id, self.order, self.position, self.process, expected, unheard=unheard
        )

    def stand_as(self, other: "Run") -> None:
        """It was the other one all the time."""
        self.process, self.expected = other.process, other.expected
        self.unheard = other.unheard


class Runs:
    """All executions that have not ended; `stream` looks a stream up as it is now."""

    def __init__(self, stream: Callable[[UUID], Loaded]) -> None:
        self._stream = stream
        self._runs: dict[UUID, Run] = {}
        self._broken: set[UUID] = set()
        self._unclear: set[UUID] = set()

    def running(self) -> Iterable[Run]:
        """Those that have not ended."""
        return self._runs.values()

    def held(self) -> list[Held]:
        """What they hold."""
        return [run.held for run in self._runs.values()]

    def leave_alone(self, stream: UUID) -> None:
        """What this stream says is not known for certain, so neither is what follows from it."""
        self._broken.add(stream)
        for run in [run for run in self._runs.values() if stream in run.streams]:
            self._unclear.add(run.execution_id)
            del self._runs[run.execution_id]

    def explains(self, recorded: Recorded, before: Loaded) -> bool | Command:
        """Whether the event answers a command of its execution; False where it is of none, the
        command where that should have been answered otherwise. Raises Unexpected."""
        event: Any = recorded.event
        execution_id = getattr(event, "execution_id", None)
        if execution_id is None or type(event) not in PROCESS.own or execution_id in self._unclear:
            return False
        run = self._runs.get(execution_id)
        if run is None:
            raise Unexpected(
                f"{type(event).__name__} is of execution {execution_id}, which is not under way"
            )
        sent = run.expected.get(recorded.stream_id)
        possible = [
            found
            for each in (run, *run.others)
            if (found := self._supposed(each, recorded, before)) is not None
        ]
        if possible:
            run.stand_as(possible[0])
            run.others = possible[1:]
            return True
        if sent is None:
            raise Unexpected(
                f"{type(event).__name__} does not follow from what happened to execution"
                f" {execution_id} before"
            )
        return sent

    def follow(self, recorded: Recorded) -> tuple[Run, Held] | None:
        """Let the execution go on with the event; where it has ended, itself and what it holds."""
        event: Any = recorded.event
        execution_id = getattr(event, "execution_id", None)
        if execution_id is None:
            return None
        if isinstance(event, OrderPlaced) and execution_id not in self._runs:
            run = Run(execution_id, event, recorded.position, None, {})
            if run.streams & self._broken:
                self._unclear.add(execution_id)
                return None
            self._runs[execution_id] = run
        elif execution_id not in self._runs:
            if isinstance(event, ENDS):
                self._unclear.discard(execution_id)
            return None
        run = self._runs[execution_id]
        run.position = recorded.position
        run.held.take(event)
        if type(event) in PROCESS.hears:
            run.others.append(run.copy(unheard=event))
            _go_on(run, event)
        else:
            for each in (run, *run.others):
                each.expected.pop(recorded.stream_id, None)
                _go_on(each, event)
        _hear(run)
        if run.process is not None and not isinstance(event, ENDS):
            return None
        del self._runs[execution_id]
        return run, run.held

    def _supposed(self, run: Run, recorded: Recorded, before: Loaded) -> Run | None:
        """How the execution must have stood for the event to follow; None where it cannot."""
        for each in (run, *self._suppositions(run)):
            sent = each.expected.get(recorded.stream_id)
            if sent is not None and answers(before, sent, recorded.event):
                return each
        return None

    def _suppositions(self, run: Run) -> Iterable[Run]:
        """What the log does not tell: commands were refused, or the time was over."""
        refused = run.copy(run.unheard)
        for stream, command in run.expected.items():
            try:
                self._stream(stream).decide(command)
            except DomainError as refusal:
                refused.expected.pop(stream)
                _go_on(refused, Refused(run.execution_id, stream, str(refusal)))
        yield refused
        for begun in (run, refused):
            late = begun.copy(run.unheard)
            late.expected.clear()
            _go_on(late, TimedOut(run.execution_id))
            yield late


def _hear(run: Run) -> None:
    """Whoever has not heard what was asked for may do so now."""
    for deaf in (run, *run.others):
        if deaf.unheard is None:
            continue
        heard = deaf.copy(None)
        _go_on(heard, deaf.unheard)
        known = [(each.process, each.expected) for each in (run, *run.others)]
        if (heard.process, heard.expected) not in known:
            run.others.append(heard)


def _go_on(run: Run, event: Event | Refused | TimedOut) -> None:
    try:
        run.process, commands = react(run.process, event)
    except CannotGoOn:  # it is put aside until somebody has looked at it
        return
    run.expected.update((stream_id(command), command) for command in commands)


def answers(before: Loaded, command: Command, event: Event) -> bool:
    """Whether the command makes just this event happen."""
    try:
        return any(same(event, other) for other in before.decide(command))
    except DomainError:
        return False


def same(event: Event, other: Event) -> bool:
    """Whether they say the same; what operators are told of a failure is free text."""
    if event == other:
        return True
    if isinstance(event, OrderCompleted) and not event.receipt:  # as the first release recorded it
        return isinstance(other, OrderCompleted) and replace(other, receipt=()) == event
    return (
        isinstance(event, OrderRejected)
        and isinstance(other, OrderRejected)
        and isinstance(event.problem, ProcessingFailed)
        and isinstance(other.problem, ProcessingFailed)
    )
