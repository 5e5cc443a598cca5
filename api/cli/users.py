"""`shop users`: who there is, making administrators, keeping somebody out."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, TypeVar, get_args

import typer

from api.cli.help import App
from api.cli.terminal import (
    AsJson,
    Shop,
    moment,
    open_shop,
    say,
    say_json_object,
    say_table,
    shown,
)
from api.startup import any_database, begin
from api.validation import parse_uuid
from infrastructure.errors import NotThere
from infrastructure.identity.tokens import Role
from infrastructure.identity.users import User, Users
from infrastructure.postgres.connections import async_pool

app = App(help="Who there is, and who may do what.")

T = TypeVar("T")

Who = Annotated[str, typer.Argument(metavar="EMAIL|ID")]


def _role(text: str) -> str:
    """Raises typer.BadParameter."""
    if text.upper() not in get_args(Role):
        raise typer.BadParameter(f"{text!r} is none of {', '.join(get_args(Role))}")
    return text.upper()


@app.command(epilog="Example: shop users create-admin --email ada@example.com --name Ada")
def create_admin(
    email: Annotated[str, typer.Option(help="To sign in with.")],
    name: Annotated[str, typer.Option(help="As others see it.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the standard input.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an administrator. The password is asked for, unless it comes by the standard input."""
    from api.cli.administrators import create_administrator  # noqa: PLC0415  # the others do without it

    settings = begin("create-admin")
    if not password_stdin and not (sys.stdin and sys.stdin.isatty()):
        raise typer.BadParameter(
            "There is no terminal to ask for the password on: add --password-stdin"
        )
    password = (
        sys.stdin.readline().rstrip("\r\n")
        if password_stdin
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with any_database(settings) as url:
        user = asyncio.run(create_administrator(settings, url, email, name, password))
    _say(user, "is an administrator", as_json)


@app.command("list", epilog="Example: shop users list --role admin --limit 0")
def list_users(
    *,
    role: Annotated[
        str | None, typer.Option(parser=_role, metavar="ROLE", help="USER or ADMIN.")
    ] = None,
    locked: Annotated[bool, typer.Option("--locked", help="Only who is kept out.")] = False,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="At most so many; 0 is all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Print users in the order in which they signed up."""

    async def find(users: Users) -> list[User]:
        found: list[User] = []
        async for user in _everybody(users):
            if (role is None or user.role == role) and (user.locked or not locked):
                found.append(user)
                if len(found) == limit:
                    break
        return found

    with open_shop("users") as shop:
        found = _ask(shop, find)
    if as_json:
        for user in found:
            say_json_object(_object(user))
        return
    say_table(
        ("ID", "EMAIL", "NAME", "ROLE", "VERIFIED", "LOCKED", "SIGNED UP"),
        (
            (
                user.user_id,
                user.email,
                user.name,
                user.role,
                "yes" if user.email_verified else "no",
                "yes" if user.locked else "no",
                user.created_at,
            )
            for user in found
        ),
    )


@app.command(epilog="Example: shop users lock ada@example.com")
def lock(who: Who, as_json: AsJson = False) -> None:
    """Keep somebody out: all sessions end at once, and no other is opened."""
    with open_shop("users") as shop:
        user = _ask(shop, lambda users: _change(users, who, users.lock))
    _say(user, "is locked: all sessions have ended", as_json)


@app.command(epilog="Example: shop users unlock ada@example.com")
def unlock(who: Who, as_json: AsJson = False) -> None:
    """Let somebody who was locked sign in again."""
    with open_shop("users") as shop:
        user = _ask(shop, lambda users: _change(users, who, users.unlock))
    _say(user, "may sign in", as_json)


def _ask(shop: Shop, question: Callable[[Users], Awaitable[T]]) -> T:
    async def answer() -> T:
        async with async_pool(shop.url, shop.name, size=1) as pool:
            return await question(Users(pool))

    return asyncio.run(answer())


async def _everybody(users: Users) -> AsyncIterator[User]:
    page = await users.page()
    while page:
        for user in page:
            yield user
        page = await users.page(after=page[-1].user_id)


async def _change(users: Users, who: str, change: Callable[..., Awaitable[User]]) -> User:
    user_id = parse_uuid(who)
    user = await (users.by_id(user_id) if user_id else users.by_email(who))
    if user is None:
        raise NotThere(f"There is no user {shown(who)}")
    return await change(user.user_id)


def _say(user: User, what: str, as_json: bool) -> None:
    if as_json:
        say_json_object(_object(user))
    else:
        say(f"{shown(user.name)} <{shown(user.email)}> {what}.")


def _object(user: User) -> dict[str, Any]:
    return {
        "id": str(user.user_id),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "emailVerified": user.email_verified,
        "locked": user.locked,
        "accountId": str(user.account_id),
        "createdAt": moment(user.created_at),
    }
