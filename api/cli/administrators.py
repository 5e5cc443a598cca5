"""Administrators made by an operator: the only ones there are where sign-up makes none."""

from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.event_store.appender import Writer
from infrastructure.identity.authentication import Identity
from infrastructure.identity.passwords import Passwords
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.sign_up import SignUp
from infrastructure.identity.users import User
from infrastructure.ids import new_id
from infrastructure.postgres.connections import async_pool
from infrastructure.settings import Settings


async def create_administrator(
    settings: Settings, url: str, email: str, name: str, password: str
) -> User:
    """Make an administrator who can sign in at once. Raises ValidationFailed."""
    async with (
        async_pool(url, "create-admin", size=2) as pool,
        Writer(url) as writer,
        SessionWatch(url) as watch,
    ):
        identity = Identity(
            pool,
            Dispatcher(pool, writer),
            Passwords(),
            watch,
            secret_keys=settings.signing_keys(),
        )
        form = SignUp(email=email, password=password, name=name, role="ADMIN")
        return (await identity.create_user(form, new_id())).user
