"""What comes back of an order: asked for, received or refused, given back. A part of the order."""

from collections import Counter
from dataclasses import replace
from enum import Enum
from uuid import UUID

from rpds import HashTrieMap

from domain.commands import (
    CompleteReturn,
    ExpireReturn,
    ReceiveReturn,
    RejectReturn,
    RequestReturn,
    ReturnCommand,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import (
    OrderCreated,
    ReturnCompleted,
    ReturnEvent,
    ReturnExpired,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
)
from domain.message import message
from domain.values import ReceiptLine


class ReturnStatus(Enum):
    """Where a return stands. REQUESTED: the goods are on their way."""

    REQUESTED = "REQUESTED"
    RECEIVED = "RECEIVED"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


@message
class Return:
    """One return, and where it stands."""

    request: ReturnRequested
    status: ReturnStatus = ReturnStatus.REQUESTED


@message
class Returns:
    """All returns of an order; `delivered` is what they are of."""

    delivered: tuple[ReceiptLine, ...] = ()
    # Quoted, because the maps of rpds take no type parameters at run time.
    by_id: "HashTrieMap[UUID, Return]" = HashTrieMap()

    def returnable(self) -> Counter[UUID]:
        """Of each product, what was delivered and neither came back nor is on its way."""
        left = Counter({line.product_id: line.quantity for line in self.delivered})
        for each in self.by_id.values():
            if each.status not in (ReturnStatus.REJECTED, ReturnStatus.EXPIRED):
                left.subtract({line.product_id: line.quantity for line in each.request.lines})
        return +left


def decide(command: ReturnCommand, returns: Returns, order: OrderCreated) -> list[ReturnEvent]:
    """Say what happens to a return of the order. Raises NotFound, Conflict or Invalid."""
    if isinstance(command, RequestReturn):
        return _request(command, returns, order)
    order_id, return_id = command.order_id, command.return_id
    found = returns.by_id.get(return_id)
    if found is None:
        raise NotFound("return", return_id)
    match command, found.status:
        case ReceiveReturn(), ReturnStatus.REQUESTED:
            return [ReturnReceived(order_id, return_id)]
        case RejectReturn(reason=reason), ReturnStatus.REQUESTED:
            return [ReturnRejected(order_id, return_id, reason)]
        case ExpireReturn(), ReturnStatus.REQUESTED:
            return [ReturnExpired(order_id, return_id)]
        case CompleteReturn(), ReturnStatus.RECEIVED:
            return [ReturnCompleted(order_id, return_id)]
        case (
            (ReceiveReturn(), ReturnStatus.RECEIVED | ReturnStatus.COMPLETED)
            | (RejectReturn(), ReturnStatus.REJECTED)
            | (CompleteReturn(), ReturnStatus.COMPLETED)
            | (ExpireReturn(), _)  # somebody was quicker than the clock
        ):
            return []
        case _:
            raise Conflict(f"The return is {found.status.value}: this is no longer possible.")


def _request(command: RequestReturn, returns: Returns, order: OrderCreated) -> list[ReturnEvent]:
    known = returns.by_id.get(command.return_id)
    if known is not None:
        if _is_same(command, known.request):
            return []
        raise Conflict("Another return has this id.")
    if not command.lines:
        raise Invalid("items", "A return has at least one item.")
    if any(line.quantity <= 0 for line in command.lines):
        raise Invalid("items", "Of every item at least one is returned.")
    wanted = {line.product_id: line.quantity for line in command.lines}
    if len(wanted) < len(command.lines):
        raise Invalid("items", "Every product stands once in a return.")
    left = returns.returnable()
    if any(quantity > left[product_id] for product_id, quantity in wanted.items()):
        raise Conflict("More would come back than was delivered and is not returned yet.")
    paid = {line.product_id: line.unit_price for line in returns.delivered}
    lines = tuple(ReceiptLine(product, n, paid[product]) for product, n in wanted.items())
    return [
        ReturnRequested(
            command.order_id,
            command.return_id,
            order.customer_id,
            order.account_id,
            lines,
            sum(line.quantity * line.unit_price for line in lines),
            command.reason,
            command.due_at,
        )
    ]


def _is_same(command: RequestReturn, request: ReturnRequested) -> bool:
    """Whether it was asked for before: the date is set by whoever takes the call."""
    asked = [(line.product_id, line.quantity) for line in command.lines]
    return command.reason == request.reason and asked == [
        (line.product_id, line.quantity) for line in request.lines
    ]


def evolve(returns: Returns, event: ReturnEvent) -> Returns:
    """The returns after `event`."""
    match event:
        case ReturnRequested(return_id=return_id):
            return replace(returns, by_id=returns.by_id.insert(return_id, Return(event)))
        case ReturnReceived(_, return_id):
            return _with(returns, return_id, ReturnStatus.RECEIVED)
        case ReturnRejected(_, return_id):
            return _with(returns, return_id, ReturnStatus.REJECTED)
        case ReturnExpired(_, return_id):
            return _with(returns, return_id, ReturnStatus.EXPIRED)
        case ReturnCompleted(_, return_id):
            return _with(returns, return_id, ReturnStatus.COMPLETED)


def _with(returns: Returns, return_id: UUID, status: ReturnStatus) -> Returns:
    found = returns.by_id.get(return_id)
    if found is None:  # history always loads
        return returns
    return replace(returns, by_id=returns.by_id.insert(return_id, replace(found, status=status)))
