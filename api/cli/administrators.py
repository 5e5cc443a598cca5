"""Administrators made by an operator: the only ones there are where sign-up makes none."""

from api.bootstrap import core
from infrastructure.identity.sign_up import SignUp
from infrastructure.identity.users import User
from infrastructure.ids import new_id
from infrastructure.settings import Settings


async def create_administrator(
    settings: Settings, url: str, email: str, name: str, password: str
) -> User:
    """Make an administrator who can sign in at once. Raises ValidationFailed."""
    async with core(settings, url, "create-admin", size=2) as shop:
        form = SignUp(email=email, password=password, name=name, role="ADMIN")
        return (await shop.identity.create_user(form, new_id())).user
