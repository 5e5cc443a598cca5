"""Sending commands for a caller, whatever way they came in: where they come from, and waiting until
what they did can be read (read your writes)."""

from uuid import UUID

from api.call import Call
from domain.commands import Command
from domain.recorded import Origin
from infrastructure.command_handling.dispatcher import Dispatched, Dispatcher
from infrastructure.event_store.store import IdempotencyKey
from infrastructure.read_models.changes import Follower


async def send(
    dispatcher: Dispatcher,
    follower: Follower,
    *commands: Command,
    call: Call,
    actor_id: UUID | None,
    correlation_id: UUID | None = None,
    key: IdempotencyKey | None = None,
) -> Dispatched:
    """Dispatch all commands or none, and return when the read models have seen what they did.

    Events belong to the call where no `correlation_id` is given. Raises DomainError, Overloaded,
    Unavailable, and ReadModelsLate: then they are done, but cannot be read yet.
    """
    origin = Origin(actor_id, correlation_id or call.correlation_id, call.id)
    dispatched = await dispatcher.dispatch(*commands, origin=origin, key=key)
    await follower.wait_for(dispatched.position)
    return dispatched
