"""What the shop says when it cannot do what was asked, though nothing is wrong with the asking.

InfrastructureError
 ├─ Overloaded          too much is waiting already; try again after `retry_after` seconds
 ├─ Unavailable         the database cannot be reached or does not answer in time
 ├─ ReadModelsLate      the command was accepted, but the read models have not seen it in time
 ├─ NotMigrated         the read models were made by other code than this
 ├─ LogChanged          the log is not the one that a consumer has read
 ├─ Fenced              another runner has taken over; this one must not write any more
 └─ ReplayError         a tool cannot do what it was asked
     ├─ NotThere        nothing in the log or the read models has this id or name
     └─ InTheWay        somebody else is at it, or the shop is in a state that does not allow it
"""


class InfrastructureError(Exception):
    """Its text is one sentence for a person."""


class Overloaded(InfrastructureError):
    """`retry_after` is in seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("The shop is busy; try again in a moment.")
        self.retry_after = retry_after


class Unavailable(InfrastructureError):
    """Nothing is known to have been recorded; sending the same id again is safe."""

    def __init__(self) -> None:
        super().__init__("The shop cannot reach its database; try again in a moment.")
        self.retry_after = 2


class ReadModelsLate(InfrastructureError):
    """The events are recorded; only the answer is late."""

    def __init__(self) -> None:
        super().__init__("The command was accepted, but its outcome cannot be shown yet.")


class NotMigrated(InfrastructureError):
    """`names` are the read models that this code must not fill as they are."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"The read models were made by other code than this ({', '.join(names)}):"
            " run `shop migrate` of the release that shall run"
        )


class LogChanged(InfrastructureError):
    """The log ends before what a consumer has seen of it, or has other events in their places."""


class Fenced(InfrastructureError):
    """Another runner has taken over."""


class ReplayError(InfrastructureError):
    """Its text is one sentence for the operator."""


class NotThere(ReplayError):
    """Nothing in the log or the read models has this id or name."""


class InTheWay(ReplayError):
    """Somebody else is at it, or the shop is in a state that does not allow it."""
