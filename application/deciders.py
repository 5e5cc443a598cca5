"""Where every command goes: the decider that answers it and the stream that it is about."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Generic, TypeVar, get_args
from uuid import UUID

from domain import account, commands, events, order, stock
from domain.message import message

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")


@message
class Decider(Generic[C, S, E]):
    """A kind of aggregate as two pure functions and where they begin. `creates` is the command type
    that begins a stream; `events` are the types that its streams hold; `id_field` is the field that
    names the stream."""

    name: str
    decide: Callable[[C, S], list[E]]
    evolve: Callable[[S, E], S]
    initial: S
    creates: type
    id_field: str
    events: frozenset[type]

    def fold(self, happened: Iterable[E], state: S | None = None) -> S:
        """The state after all that `happened`, from `state` or the beginning."""
        return reduce(self.evolve, happened, self.initial if state is None else state)


STOCK = Decider(
    "Stock",
    stock.decide,
    stock.evolve,
    stock.Stock(),
    commands.ListProduct,
    "product_id",
    frozenset(get_args(events.StockEvent)),
)
ACCOUNT = Decider(
    "Account",
    account.decide,
    account.evolve,
    account.Account(),
    commands.OpenAccount,
    "account_id",
    frozenset(get_args(events.AccountEvent)),
)
ORDER = Decider(
    "Order",
    order.decide,
    order.evolve,
    order.Order(),
    commands.CreateOrder,
    "order_id",
    frozenset(get_args(events.OrderEvent)),
)

AnyDecider = Decider[Any, Any, Any]

DECIDERS: dict[type, AnyDecider] = {
    **dict.fromkeys(get_args(commands.StockCommand), STOCK),
    **dict.fromkeys(get_args(commands.AccountCommand), ACCOUNT),
    **dict.fromkeys(get_args(commands.OrderCommand), ORDER),
}

DECIDER_OF_EVENT: dict[type, AnyDecider] = {
    event_type: decider for decider in (STOCK, ACCOUNT, ORDER) for event_type in decider.events
}


def stream_id(command: commands.Command) -> UUID:
    """The stream that `command` is about."""
    found: UUID = getattr(command, DECIDERS[type(command)].id_field)
    return found
