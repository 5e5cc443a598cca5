"""Where every command goes: the decider that answers it and the stream that it is about."""

from typing import get_args
from uuid import UUID

from application.decider import AnyDecider, Decider
from domain import account, commands, events, order, stock

STOCK = Decider(
    "Stock",
    stock.decide,
    stock.evolve,
    stock.Stock(),
    commands.ListProduct,
    "product_id",
    frozenset(get_args(events.StockEvent)),
    grows=True,
)
ACCOUNT = Decider(
    "Account",
    account.decide,
    account.evolve,
    account.Account(),
    commands.OpenAccount,
    "account_id",
    frozenset(get_args(events.AccountEvent)),
    grows=True,
)
ORDER = Decider(
    "Order",
    order.decide,
    order.evolve,
    order.Order(),
    commands.CreateOrder,
    "order_id",
    frozenset(get_args(events.OrderEvent)),
    calm=True,  # but while an execution runs; accounts and products are moved all the time
)

DECIDERS: dict[type, AnyDecider] = {
    **dict.fromkeys(get_args(commands.StockCommand), STOCK),
    **dict.fromkeys(get_args(commands.AccountCommand), ACCOUNT),
    **dict.fromkeys(get_args(commands.OrderCommand), ORDER),
}

ALL: tuple[AnyDecider, ...] = (STOCK, ACCOUNT, ORDER)

DECIDER_OF_EVENT: dict[type, AnyDecider] = {
    event_type: decider for decider in ALL for event_type in decider.events
}


def stream_id(command: commands.Command) -> UUID:
    """The stream that `command` is about."""
    found: UUID = getattr(command, DECIDERS[type(command)].id_field)
    return found
