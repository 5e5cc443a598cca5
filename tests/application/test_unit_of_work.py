"""What several commands make happen, one on top of the other, before anything is recorded."""

from uuid import UUID

import pytest

from application.unit_of_work import EMPTY, UnitOfWork, begins_a_stream
from domain.commands import Deposit, DiscontinueProduct, ListProduct, OpenAccount
from domain.errors import Conflict, DomainError, NotFound
from domain.events import AccountOpened, Deposited
from domain.recorded import Origin, Uncommitted

STREAM, OWNER, TRANSFER, RUN = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=5)
ORIGIN = Origin(OWNER, UUID(int=4), "test")
OPEN, DEPOSIT = OpenAccount(STREAM, OWNER, 0), Deposit(STREAM, TRANSFER, 5)


def test_each_command_is_decided_on_what_those_before_it_made_happen() -> None:
    work = UnitOfWork({STREAM: EMPTY})
    opened = work.handle(OPEN, ORIGIN)
    deposited = work.handle(DEPOSIT, ORIGIN)
    assert opened == [Uncommitted(AccountOpened(STREAM, OWNER, 0), STREAM, 1, ORIGIN)]
    assert deposited == [Uncommitted(Deposited(STREAM, TRANSFER, 5), STREAM, 2, ORIGIN)]
    assert work.events == [*opened, *deposited]
    assert (work.streams[STREAM].version, work.streams[STREAM].position) == (2, 0)


def test_a_stream_begins_with_the_state_that_its_kind_begins_with() -> None:
    loaded = EMPTY.after(Deposited(STREAM, TRANSFER, 5), 1, 7)
    assert (loaded.state.balance, loaded.version, loaded.position) == (5, 1, 7)
    assert loaded.after(Deposited(STREAM, RUN, 5), 2, 9).position == 9


@pytest.mark.parametrize(
    ("command", "refusal", "said"),
    [
        (
            ListProduct(STREAM, "Board", "/b.svg", 5, 1),
            Conflict,
            "This id was used for something else.",
        ),
        (DiscontinueProduct(STREAM), NotFound, f"There is no stock {STREAM}."),
    ],
)
def test_a_stream_is_of_one_kind(
    command: ListProduct | DiscontinueProduct, refusal: type[DomainError], said: str
) -> None:
    work = UnitOfWork({STREAM: EMPTY})
    work.handle(OPEN, ORIGIN)
    before = list(work.events), dict(work.streams)
    with pytest.raises(refusal) as refused:
        work.handle(command, ORIGIN)
    assert str(refused.value) == said
    assert (work.events, work.streams) == before


def test_nothing_is_decided_on_a_stream_that_was_not_loaded() -> None:
    with pytest.raises(LookupError, match=str(STREAM)):
        UnitOfWork({}).handle(OPEN, ORIGIN)


def test_some_commands_can_only_begin_a_stream() -> None:
    assert begins_a_stream(OPEN)
    assert not begins_a_stream(DEPOSIT)
