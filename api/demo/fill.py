"""`shop serve --demo`: a shop that has something in it, and that lets anybody in."""

import os
import sys

import structlog
import typer
import uvloop
from argon2 import PasswordHasher

from api import serving
from api.bootstrap import core
from api.demo_data import ADA, ADMIN, GRACE, PASSWORD, PEOPLE, SKATEBOARDS, Person
from api.money import currency_of
from api.startup import StartError
from domain.commands import ListProduct
from domain.recorded import Origin
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.identity.authentication import Identity
from infrastructure.identity.sign_up import SignUp
from infrastructure.ids import new_id
from infrastructure.settings import PREFIX, Settings

log = structlog.get_logger(__name__)


def serve_demo(settings: Settings) -> None:
    """Run the whole shop with demo data. Anybody may sign up as an administrator, unless a code is
    set. Raises what `processes.serve` does, and StartError where other people's data is in it."""
    if settings.admin_code is None:
        os.environ[f"{PREFIX}ADMIN_CODE"] = "*"  # what the processes that are started go by
    os.environ[f"{PREFIX}DEMO"] = "on"
    log.warning("this is a demo: everybody knows its administrator's password")
    serving.serve(
        settings,
        prepare=lambda url: uvloop.run(fill(settings, url)),
        announce=lambda address: typer.echo(welcome(settings, address)),
    )


async def fill(settings: Settings, url: str, hasher: PasswordHasher | None = None) -> None:
    """Add what is missing of the demo's people and products. Raises StartError."""
    async with core(settings, url, "demo", size=4, hasher=hasher) as shop:
        identity = shop.identity
        if not settings.embedded and await identity.users.by_email(ADMIN.email) is None:
            await _check_nobody_there(identity)
        digits = currency_of(settings.currency).digits
        for person in PEOPLE:
            await _add_person(identity, person, digits)
        await _add_products(shop.dispatcher, digits)


async def _check_nobody_there(identity: Identity) -> None:
    """A database that was chosen may be a shop that is no demo."""
    if await identity.users.page(first=1):
        raise StartError(
            "The database holds a shop already: demo data would let everybody into it."
            " SHOP_DATABASE_URL must be that of an empty one"
        )


async def _add_person(identity: Identity, person: Person, digits: int) -> None:
    known = await identity.users.by_email(person.email)
    if known is None or not known.email_verified:
        deposit = person.deposit * 10**digits
        form = SignUp(
            person.email, PASSWORD, person.name, role=person.role, opening_deposit=deposit
        )
        await identity.create_user(form, new_id())


async def _add_products(dispatcher: Dispatcher, digits: int) -> None:
    commands = [
        ListProduct(board.id, board.name, board.image_url, board.price * 10**digits, board.quantity)
        for board in SKATEBOARDS
        if (await dispatcher.load(board.id)).version == 0
    ]
    if commands:
        await dispatcher.dispatch(*commands, origin=Origin(None, new_id(), "demo data"))


def welcome(settings: Settings, address: str) -> str:
    """What to open, and whom to sign in as."""
    folder = settings.data_dir / "mail"
    mails = "by SMTP" if settings.smtp_url else f"{folder}/*.eml, each named in the log"
    return "\n".join(
        [
            "\nThe shop is open.\n",
            *_rows(
                ("Shop", f"{address}/"),
                ("GraphiQL", f"{address}/graphql, with a tour in its tabs"),
                ("Health", f"{address}/health/ready"),
                ("Mails", mails),
                ("Stories", f"{sys.argv[0]} demo --url {address}"),
            ),
            f"\nSign in with the password `{PASSWORD}` as\n",
            *_rows(
                (ADMIN.email, "administrator"),
                *(
                    (who.email, f"customer, {_money(settings, who)} to begin with")
                    for who in (ADA, GRACE)
                ),
            ),
            "\nCtrl+C stops it.\n",
        ]
    )


def _rows(*rows: tuple[str, str]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:{width}}   {value}" for name, value in rows]


def _money(settings: Settings, person: Person) -> str:
    currency = currency_of(settings.currency)
    money = currency.money(person.deposit * 10**currency.digits)
    return f"{money.amount:,} {money.currency}"
