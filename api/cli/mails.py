"""`shop mails`: mails that have not left, and why."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.help import App
from api.cli.terminal import AsJson, Yes, confirm, open_shop, say, say_json, say_table
from infrastructure.identity.outbox import (
    OutboxEntry,
    drop_mails,
    given_up_mail,
    outbox,
    retry_mails,
)

app = App(help="Mails that have not left.")

MailId = Annotated[UUID | None, typer.Argument(metavar="[MAIL_ID]", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All that were given up.")]


@app.command("list", epilog="Example: shop mails list --given-up")
def list_mails(
    given_up: Annotated[
        bool, typer.Option("--given-up", help="Only those that are not tried any more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the mails that have not left: at which stage they failed, and what was said."""
    with open_shop("mails") as shop, shop.connection() as connection:
        found = outbox(connection, given_up=given_up)
    if as_json:
        for mail in found:
            say_json(mail)
        return
    if not found:
        say("No mail was given up." if given_up else "All mails have left.")
        return
    say_table(
        ("ID", "KIND", "TO", "ASKED FOR", "TRIES", "GIVEN UP", "STAGE", "ERROR"),
        (
            (
                mail.mail_id,
                mail.kind,
                mail.email,
                mail.created_at,
                mail.attempts,
                mail.given_up_at or "no",
                mail.stage,
                mail.error,
            )
            for mail in found
        ),
    )


@app.command("retry", epilog="Example: shop mails retry --all")
def retry(mail_id: MailId = None, everything: All = False, as_json: AsJson = False) -> None:
    """Send mails that were given up: once the mail server takes the sender again, for example.

    Their codes are made when they leave, and good for 15 minutes from then.
    """
    _do(mail_id, everything, as_json, "is sent again", retry_mails)


@app.command("drop", epilog="Example: shop mails drop --all --yes")
def drop(
    mail_id: MailId = None, everything: All = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Forget mails that were given up; after 30 days that happens by itself."""

    def ask_and_drop(connection: Connection[TupleRow], mails: Sequence[OutboxEntry]) -> None:
        if mails:
            confirm(f"Forget {len(mails)} mails that were given up?", yes)
            drop_mails(connection, mails)

    _do(mail_id, everything, as_json, "is forgotten", ask_and_drop)


def _do(
    mail_id: UUID | None,
    everything: bool,
    as_json: bool,
    what: str,
    do: Callable[[Connection[TupleRow], Sequence[OutboxEntry]], None],
) -> None:
    if (mail_id is None) != everything:
        raise typer.BadParameter("Give the id of a mail, or --all")
    with open_shop("mails") as shop, shop.connection() as connection:
        if mail_id is not None:
            mails = [given_up_mail(connection, mail_id)]
        else:
            mails = outbox(connection, given_up=True)
        do(connection, mails)
    for mail in mails:
        if as_json:
            say_json(mail)
        else:
            say(f"{mail.mail_id} to {mail.email} {what}.")
    if not mails and not as_json:
        say("No mail was given up.")
