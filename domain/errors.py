"""Commands that should not have been sent. Nothing is recorded when one of these is raised.

DomainError
 ├─ NotFound          there is no such product, account or order
 ├─ Conflict          its state no longer allows this, or the id was used for something else
 ├─ Invalid           the command's own values make no sense
 └─ BalanceTooLow     more was to be withdrawn than the account holds
"""

from uuid import UUID


class DomainError(Exception):
    """A refusal; its text is one sentence for a person."""


class NotFound(DomainError):
    """There is no such thing as `id`; `kind` says what was looked for, such as `product`."""

    def __init__(self, kind: str, id: UUID) -> None:
        super().__init__(f"There is no {kind} {id}.")
        self.kind = kind
        self.id = id


class Conflict(DomainError):
    """The thing is no longer in a state that allows this, or its id was used for something else."""


class Invalid(DomainError):
    """A value of the command makes no sense; `field` names it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class BalanceTooLow(DomainError):
    """`required` minor units were to be withdrawn of `balance`."""

    def __init__(self, balance: int, required: int) -> None:
        super().__init__("The account holds less than that.")
        self.balance = balance
        self.required = required
