"""The return-order saga: what follows from what has happened.

The customer asks for it; the goods must come within a time. Somebody says that they are there, or
refuses them with a reason; or the time passes. When they are there, put every item back in stock,
refund what was paid for them, complete the return.

Where the first saga runs in milliseconds, this one waits for a person and a date. Nothing has to be
undone: as long as it waits nothing was done, and what comes afterwards cannot be refused.
"""

from dataclasses import replace
from enum import Enum
from uuid import UUID

from application.process import CannotGoOn, Process, Refused, TimedOut
from domain.commands import Command, CompleteReturn, ExpireReturn, RefundReturn, TakeBack
from domain.events import (
    Event,
    ReturnCompleted,
    ReturnExpired,
    ReturnReceived,
    ReturnRefunded,
    ReturnRejected,
    ReturnRequested,
    StockReturned,
)
from domain.message import message


class Step(Enum):
    """What a return waits for."""

    EXPECTING_GOODS = "EXPECTING_GOODS"
    RESTOCKING = "RESTOCKING"
    REFUNDING = "REFUNDING"
    COMPLETING = "COMPLETING"


@message
class ReturnOrderProcess:
    """A return that is under way. `waiting_for` are the products, account or order whose answer to
    the last commands is outstanding."""

    request: ReturnRequested
    step: Step
    waiting_for: frozenset[UUID] = frozenset()


Reaction = tuple[ReturnOrderProcess | None, list[Command]]


def react(process: ReturnOrderProcess | None, event: Event | Refused | TimedOut) -> Reaction:
    """The process after `event` (None: there is none, or it is finished) and the commands to send.

    Raises CannotGoOn when a command was refused that had to succeed.
    """
    if process is None:
        return _expect(event) if isinstance(event, ReturnRequested) else (None, [])
    request = process.request
    match process.step, event:
        # Happy path
        case Step.EXPECTING_GOODS, ReturnReceived():
            return _restock(process)
        case Step.RESTOCKING, StockReturned(product_id):
            return _when_restocked(process, product_id)
        case Step.REFUNDING, ReturnRefunded():
            return _wait_for(process, Step.COMPLETING, request.order_id), [
                CompleteReturn(request.order_id, request.return_id)
            ]
        case Step.COMPLETING, ReturnCompleted():
            return None, []

        # The goods are refused, or do not come
        case Step.EXPECTING_GOODS, ReturnRejected() | ReturnExpired():
            return None, []
        case Step.EXPECTING_GOODS, TimedOut():
            return process, [ExpireReturn(request.order_id, request.return_id)]

        case _, Refused(_, stream, reason) if stream in process.waiting_for:
            raise CannotGoOn(f"{process.step.value}: {reason}")
    return process, []


def _expect(request: ReturnRequested) -> Reaction:
    return ReturnOrderProcess(request, Step.EXPECTING_GOODS), []


def _restock(process: ReturnOrderProcess) -> Reaction:
    request = process.request
    products = [line.product_id for line in request.lines]
    return _wait_for(process, Step.RESTOCKING, *products), [
        TakeBack(line.product_id, request.return_id, line.quantity) for line in request.lines
    ]


def _when_restocked(process: ReturnOrderProcess, answered: UUID) -> Reaction:
    process = replace(process, waiting_for=process.waiting_for - {answered})
    if process.waiting_for:
        return process, []
    request = process.request
    return _wait_for(process, Step.REFUNDING, request.account_id), [
        RefundReturn(request.account_id, request.return_id, request.order_id, request.refund)
    ]


def _wait_for(process: ReturnOrderProcess, step: Step, *streams: UUID) -> ReturnOrderProcess:
    return replace(process, step=step, waiting_for=frozenset(streams))


PROCESS = Process(
    name="return-order",
    begins=ReturnRequested,
    own=frozenset({StockReturned, ReturnRefunded, ReturnCompleted, ReturnExpired}),
    hears=frozenset({ReturnReceived, ReturnRejected}),
    id_field="return_id",
    state=ReturnOrderProcess,
    react=react,
    due_at=lambda process: process.request.due_at if process.step is Step.EXPECTING_GOODS else None,
    step=lambda process: process.step.value,
    actor=lambda request: request.customer_id,
    label=lambda request: request.reason,
)
