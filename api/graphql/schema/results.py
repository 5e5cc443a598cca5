"""What mutations share: sending commands for who calls, and the problems that they answer with."""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

import strawberry

from api import sending
from api.graphql.context import Context
from api.graphql.dataloaders.batching import Asked
from api.graphql.dataloaders.kinds import Kind
from api.graphql.errors import BadUserInput, Unauthenticated
from api.graphql.schema.problems import (
    ConflictProblem,
    FieldProblem,
    NotFoundProblem,
    ValidationProblem,
)
from api.graphql.schema.scalars import given, uuid_of
from api.ids import booking_position
from domain.commands import Command
from domain.errors import Conflict, Invalid, NotFound
from infrastructure.command_handling.dispatcher import Dispatched
from infrastructure.event_store.store import IdempotencyKey

Row = TypeVar("Row")
Kinds = Sequence[tuple[UUID, Asked[Kind | None]]]


async def send(
    context: Context,
    *commands: Command,
    key: IdempotencyKey | None = None,
    correlation_id: UUID | None = None,
) -> Dispatched:
    """As `api.sending.send` does, for who has called; what was read of this call before is read
    again."""
    caller = context.caller
    context.execution_id = correlation_id
    dispatched = await sending.send(
        context.dispatcher,
        context.follower,
        *commands,
        call=context.call,
        actor_id=caller.user_id if caller else None,
        correlation_id=correlation_id,
        key=key,
    )
    context.refresh()
    return dispatched


async def own_account(context: Context) -> UUID:
    """The id of the caller's account. Raises Unauthenticated, also for who was deleted."""
    user = await context.loaders.users.load(context.user().user_id)
    if user is None:
        raise Unauthenticated
    return user.account_id


def client_id(id: strawberry.ID | None) -> UUID | None:
    """The id that the client has brought, if it has. Raises BadUserInput, also where it bears the
    mark of those that only transactions have."""
    text = given(id)
    brought = None if text is None else uuid_of(text)
    if brought is not None and booking_position(brought) is not None:
        raise BadUserInput("This id is a transaction's: bring a new one.")
    return brought


def ask_for_kinds(context: Context, ids: Iterable[UUID | None]) -> Kinds:
    """What has the ids that a client has brought for new things: to be awaited by `taken`."""
    return [(own, context.rows.kinds.load(own)) for own in ids if own is not None]


async def taken(kinds: Kinds) -> ConflictProblem | None:
    """That something without a stream of its own has one of the ids. What has one, the log itself
    refuses a second time."""
    for own, kind in kinds:
        if await kind in {"user", "execution", "transfer"}:
            return ConflictProblem(message=f"Something else has the id {own}.")
    return None


def invalid(problems: Iterable[tuple[str, str]]) -> ValidationProblem:
    """All that is wrong with the input, as (path, message)."""
    return ValidationProblem(
        fields=[FieldProblem(path=path, message=text) for path, text in problems]
    )


def invalid_of(error: Invalid) -> ValidationProblem:
    """What the domain has found."""
    return invalid([(error.field, str(error))])


def conflict(error: Conflict) -> ConflictProblem:
    """Why it cannot be done any more, or not under this id."""
    return ConflictProblem(message=str(error))


def not_found(error: NotFound) -> NotFoundProblem:
    """What there is not, or not for this caller."""
    return NotFoundProblem(message=str(error), id=strawberry.ID(str(error.id)))


def found(row: Row | None) -> Row:
    """A row that is there, because its event has been waited for. Raises LookupError."""
    if row is None:
        raise LookupError("The read models lack a row that they have seen the event of.")
    return row
