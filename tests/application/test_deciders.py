"""Where commands go."""

from dataclasses import fields
from typing import get_args
from uuid import UUID

import pytest

from application.decider import AnyDecider
from application.deciders import (
    ACCOUNT,
    DECIDER_OF_EVENT,
    DECIDERS,
    ORDER,
    STOCK,
    stream_id,
)
from domain.commands import CancelOrder, Command, Refund, ReserveStock
from domain.events import AccountOpened, Deposited, Event, Withdrawn

ID, OTHER = UUID(int=1), UUID(int=2)


def test_every_command_has_a_decider() -> None:
    assert DECIDERS.keys() == set(get_args(Command))


def test_every_event_has_a_decider() -> None:
    assert DECIDER_OF_EVENT.keys() == set(get_args(Event))


@pytest.mark.parametrize(
    "cls", [*get_args(Command), *get_args(Event)], ids=lambda cls: cls.__name__
)
def test_every_command_and_event_names_its_stream_first(cls: type) -> None:
    decider = {**DECIDERS, **DECIDER_OF_EVENT}[cls]
    assert fields(cls)[0].name == decider.id_field


@pytest.mark.parametrize("decider", [STOCK, ACCOUNT, ORDER], ids=lambda decider: decider.name)
def test_a_stream_begins_with_a_command_of_its_own(decider: AnyDecider) -> None:
    assert DECIDERS[decider.creates] is decider


@pytest.mark.parametrize(
    "command", [ReserveStock(ID, OTHER, 1), Refund(ID, OTHER), CancelOrder(ID)]
)
def test_a_command_goes_to_the_stream_that_it_is_about(command: Command) -> None:
    assert stream_id(command) == ID


def test_a_history_is_folded_from_the_beginning_or_from_a_state() -> None:
    opened, withdrawn = AccountOpened(ID, OTHER, 10), Withdrawn(ID, OTHER, 10)
    deposited = Deposited(ID, OTHER, 5)
    assert ACCOUNT.fold([]) == ACCOUNT.initial
    assert ACCOUNT.fold([opened, withdrawn]).balance == 0
    assert ACCOUNT.fold([deposited], ACCOUNT.fold([opened, withdrawn])).balance == 5
