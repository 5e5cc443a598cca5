"""Why a tool cannot do what it was asked.

ReplayError            (an InfrastructureError) one sentence for the operator
 ├─ NotThere           nothing in the log or the read models has this id or name
 └─ InTheWay           somebody else is at it, or the shop is in a state that does not allow it
"""

from infrastructure.errors import InfrastructureError


class ReplayError(InfrastructureError):
    """Its text is one sentence for the operator."""


class NotThere(ReplayError):
    """Nothing in the log or the read models has this id or name."""


class InTheWay(ReplayError):
    """Somebody else is at it, or the shop is in a state that does not allow it."""
