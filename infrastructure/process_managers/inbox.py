"""What an execution has still to react to. Every input has one owner: it is added here when it is
read or recorded, and taken for a batch whose commit says that it was reacted to, or parked."""

from collections.abc import Iterable

from infrastructure.saga_batch import Input


class Inbox:
    """Recorded events wait until the position comes to them. Wishes stand in no log: time limits,
    retries, and whatever else may be wanted of an execution."""

    def __init__(self) -> None:
        self._waiting: list[Input] = []
        self._wishes: list[Input] = []

    def clear(self) -> None:
        """Begin anew: all that was not committed is read again."""
        self._waiting, self._wishes = [], []

    def add(self, recorded: Iterable[Input]) -> None:
        """Let these recorded events wait, each of which comes but once."""
        self._waiting += recorded

    def wish(self, wishes: Iterable[Input]) -> list[Input]:
        """Take in the wishes for executions for which nothing else waits, and answer with those:
        the others have to be asked for again. Only for what has read all that is recorded."""
        waits = {i.execution_id for i in self._waiting} | {i.execution_id for i in self._wishes}
        accepted = [wish for wish in wishes if wish.execution_id not in waits]
        self._wishes += accepted
        return accepted

    def take(self, position: int) -> list[Input]:
        """All up to the position in the log, in its order, then the wishes. They must be committed
        with that position before anything else is taken."""
        taken = sorted((i for i in self._waiting if i.position <= position), key=_position)
        self._waiting = [i for i in self._waiting if i.position > position]
        taken += self._wishes
        self._wishes = []
        return taken


def _position(recorded: Input) -> int:
    return recorded.position
