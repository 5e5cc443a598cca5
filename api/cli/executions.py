"""`shop executions`: what runs, waits or is stuck, and going on with it."""

from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Annotated, Any
from uuid import UUID

import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import times
from api.cli.help import App
from api.cli.terminal import (
    AsJson,
    By,
    Shop,
    Yes,
    actor,
    confirm,
    open_shop,
    plain,
    say,
    say_json_object,
    say_table,
    shown,
    strong,
)
from infrastructure.consumers.parked import ParkedEvent, parked_events, retry
from infrastructure.errors import NotThere, ReplayError
from infrastructure.process_managers.executions import (
    CONSUMER,
    ExecutionFilter,
    ExecutionState,
    Outlook,
    executions,
    outlook,
)
from infrastructure.text import escaped_lines
from projections.executions import ExecutionRow

app = App(help="Look at executions of the place-order saga.")

STATUSES = ("RUNNING", "COMPENSATING", "SUCCEEDED", "FAILED")
PATIENCE = 10.0  # seconds that a retry waits for its outcome


def _status(text: str) -> str:
    """Raises typer.BadParameter."""
    if text.upper() not in STATUSES:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(STATUSES)}")
    return text.upper()


Customer = Annotated[
    UUID | None, typer.Option(help="Of this customer: names are only unique for one.", metavar="ID")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Or the execution's id.")]


@app.command("list", epilog="Example: shop executions list --stuck --older-than 5m")
def list_executions(
    *,
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="STATUS", help=f"{', '.join(STATUSES)}; may be given more than once."),
    ] = None,
    customer: Customer = None,
    older_than: Annotated[
        timedelta | None,
        typer.Option(parser=times.age, metavar="AGE", help="Begun longer ago, such as 5m."),
    ] = None,
    stuck: Annotated[bool, typer.Option("--stuck", help="Put aside, or overdue.")] = False,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="At most so many; 0 is all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Print executions, the newest first."""
    wanted = ExecutionFilter(
        customer_id=customer,
        statuses=tuple(map(_status, status)) if status else None,
        started_before=None if older_than is None else times.now() - older_than,
        stuck=stuck,
    )
    with open_shop("executions") as shop, shop.connection() as connection:
        found = executions(connection, wanted, limit or None)
    if as_json:
        for execution in found:
            say_json_object(_object(shop, execution))
        return
    say_table(
        ("NAME", "STATUS", "STEP", "STARTED", "TOOK", "ORDER", "CUSTOMER", "ERROR"),
        (
            (
                e.name,
                e.status,
                e.step,
                e.started_at,
                _took(e),
                e.order_id,
                e.customer_id,
                (e.error or "").partition("\n")[0],
            )
            for e in found
        ),
    )


def _object(shop: Shop, execution: ExecutionState) -> dict[str, Any]:
    """As GraphQL has an execution, with what is for operators alone behind it."""
    from api.graphql.schema.types import Execution  # noqa: PLC0415  # half a second that others save

    row = ExecutionRow(
        execution.execution_id,
        execution.order_id,
        execution.customer_id,
        execution.name,
        execution.status,
        execution.steps,
        execution.problem,
        execution.started_at,
        execution.finished_at,
        execution.started_position,
        execution.started_position,
    )
    of_graphql = plain(Execution.of(row, shop.currency))
    for_operators = {
        "startedPosition": execution.started_position,
        "step": execution.step,
        "since": execution.since,
        "dueAt": execution.due_at,
        "error": execution.error,
        "parked": execution.parked,
    }
    return {**of_graphql, **plain(for_operators)}


def _took(execution: ExecutionState) -> str:
    took = (execution.finished_at or datetime.now(UTC)) - execution.started_at
    seconds = took.total_seconds()
    return f"{seconds:.3f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


@app.command(epilog="Example: shop executions show first-order")
def show(name: Name, customer: Customer = None, as_json: AsJson = False) -> None:
    """Print an execution with its steps; where it is put aside, also how it would go on."""
    with open_shop("executions") as shop, shop.connection() as connection:
        execution = _find(connection, name, customer)
        ahead = outlook(connection, execution.execution_id) if execution.parked else None
    if as_json:
        outlook_object = plain(ahead) if ahead else None
        say_json_object({**_object(shop, execution), "outlook": outlook_object})
        return
    for field, value in _object(shop, execution).items():
        if field != "steps" and value is not None:
            say(f"{strong(field)}:", shown(value))
    for step in execution.steps:
        at = shown(datetime.fromisoformat(step["at"]))
        say(f"  {at}  {step['type']}", step["product_id"] or "")
    if ahead is not None:
        _say_outlook(ahead)


@app.command("retry", epilog="Example: shop executions retry first-order --reason 'Mended in 1.4'")
def retry_execution(
    name: Name,
    customer: Customer = None,
    reason: Annotated[str | None, typer.Option(help="Why it should now work.")] = None,
    by: By = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Go on with an execution that was put aside, after showing which commands it would send.

    Exit status 1 where it is put aside again, or nobody goes on with it.
    """
    with open_shop("executions") as shop, shop.connection() as connection:
        execution = _find(connection, name, customer)
        ahead = outlook(connection, execution.execution_id)
        if not as_json:
            _say_outlook(ahead)
        confirm("Go on?", yes)
        parked = _parked(connection, execution.execution_id)
        retry(connection, parked[:1], actor(by), reason)
        after = _wait(connection, execution.execution_id)
    if as_json:
        say_json_object(_object(shop, after))
    else:
        say(f"{after.name} is {after.status}.")


def _wait(connection: Connection[TupleRow], execution_id: UUID) -> ExecutionState:
    end, aside = monotonic() + PATIENCE, True
    while monotonic() < end:
        parked = _parked(connection, execution_id)
        aside = bool(parked)
        if parked and parked[0].retry_at is None:
            raise ReplayError(f"It is put aside again: {parked[0].error}")
        (found,) = executions(connection, ExecutionFilter(id=execution_id), 1)
        if not aside and found.finished_at is not None:
            return found
        sleep(0.1)
    raise ReplayError(
        "Nobody has gone on with it yet: does a worker run? It is marked, and will be tried"
        if aside
        else "It goes on, but has not ended yet: look again with `shop executions show`"
    )


def _parked(connection: Connection[TupleRow], execution_id: UUID) -> list[ParkedEvent]:
    parked = parked_events(connection, CONSUMER, waiting=True)
    return [one for one in parked if one.belongs_to == execution_id]


def _find(connection: Connection[TupleRow], name: str, customer: UUID | None) -> ExecutionState:
    """The one execution of that name or id. Raises NotThere, or typer.BadParameter for several."""
    found = executions(connection, ExecutionFilter(name=name, customer_id=customer), 5)
    if not found:
        try:
            found = executions(connection, ExecutionFilter(id=UUID(name)), 1)
        except ValueError:
            found = []
    if not found:
        raise NotThere(f"There is no execution {name!r}")
    if len(found) > 1:
        customers = ", ".join(str(execution.customer_id) for execution in found)
        raise typer.BadParameter(
            f"Several customers have an execution of that name: add --customer, such as {customers}"
        )
    return found[0]


def _say_outlook(ahead: Outlook) -> None:
    if ahead.error is not None:
        say(f"{strong('It would be put aside again')}:", escaped_lines(ahead.error))
        return
    say(strong("It would send:") if ahead.commands else "It would send nothing.")
    for planned in ahead.commands:
        say(f"  {planned.command}  → {planned.outcome}")
