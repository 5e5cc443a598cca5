"""The commands of operators: one module for each thing that `shop` can be told to work on."""

import typer

from api.cli import as_of, events, executions, mails, parked, projections, users
from api.cli.audit import audit


def add_commands(app: typer.Typer) -> None:
    """Let `app` have all of them."""
    app.add_typer(users.app, name="users")
    app.add_typer(events.app, name="events")
    app.add_typer(as_of.orders, name="orders")
    app.add_typer(as_of.products, name="products")
    app.add_typer(as_of.accounts, name="accounts")
    app.add_typer(executions.app, name="executions")
    app.add_typer(projections.app, name="projections")
    app.add_typer(parked.app, name="parked")
    app.add_typer(mails.app, name="mails")
    app.command(epilog="Example: shop audit --limit 10")(audit)
