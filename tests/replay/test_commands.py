"""The commands: what they print for people and for programs, and how they end."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.operators import add_commands
from domain.commands import ChangeProduct
from domain.events import AccountOpened, OrderPlaced, OrderRejected, ProductListed
from infrastructure.read_models.rebuild import Connections, rebuild
from projections import orders
from tests.cli.forked import SHOP
from tests.replay.conftest import Command
from tests.replay.histories import History, busy_shop, derived, store

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def stream_of(history: History, kind: type) -> UUID:
    return next(r.stream_id for r in history.recorded if isinstance(r.event, kind))


def own_process(
    *arguments: str, url: str, limit: int | None = None
) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, of whose output only `limit` lines are read."""
    command = [*SHOP, *arguments]
    pipe = f" | head -n {limit}" if limit is not None else ""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", '"$@"' + pipe, "bash", *command],
        env={**os.environ, "SHOP_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# Looking. ----------------------------------------------------------------------------------------


def test_events_are_listed_for_people_and_for_programs(past: History, command: Command) -> None:
    said = command("events", "list", "--type", "orderplaced", "--limit", 3)
    assert said.status == 0
    assert len(said.lines) == 3
    assert all("OrderPlaced" in line for line in said.lines)
    (event,) = command("events", "list", "--newest", "--limit", 1, "--json").json
    assert event.keys() == {
        *("position", "streamId", "version", "type", "data", "recordedAt"),
        *("actorId", "correlationId", "causationId"),
    }
    assert event["position"] == len(past.recorded)
    assert event["recordedAt"].endswith("Z")
    assert len(command("events", "list", "--limit", 0).lines) == len(past.recorded)


def test_a_stream_is_shown(past: History, command: Command) -> None:
    order = stream_of(past, OrderRejected)
    assert [e["version"] for e in command("events", "show", order, "--json").json] == [1, 2, 3]
    nothing = command("events", "show", derived("nothing"))
    assert (nothing.status, nothing.out) == (1, "")
    assert nothing.err.startswith("shop: Nothing is recorded under the id")


def test_the_catalog_tells_every_type(past: History, command: Command) -> None:
    types = {found["type"]: found for found in command("events", "catalog", "--json").json}
    placed = types["OrderPlaced"]
    assert placed["readBy"] == ["orders", "process-manager"]
    assert placed["fields"]["lines"] == "tuple[OrderLine, ...]"
    assert placed["stored"]["count"] == sum(isinstance(r.event, OrderPlaced) for r in past.recorded)
    assert sum(found["stored"]["count"] for found in types.values()) == len(past.recorded)
    assert len(command("events", "catalog").lines) == len(types) + 1


def test_the_catalog_tells_what_has_no_class(
    past: History, connection: Connection[TupleRow], command: Command
) -> None:
    connection.execute("UPDATE stored_events SET topic = 'Unheard' WHERE notification_id = 5")
    unheard = command("events", "catalog", "--json").json[-1]
    assert (unheard["type"], unheard["stored"]["first"]) == ("Unheard", 5)
    assert "no class here" in command("events", "catalog").lines[-1]


def test_the_tail_shows_what_was_and_what_comes(database_url: str) -> None:
    history = busy_shop(3)
    store(database_url, history.recorded)
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "events", "tail", "--after", "0", "--json"],
        env={**os.environ, "SHOP_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for _ in history.recorded:
            process.stdout.readline()
        known = len(history.recorded)
        history.product()
        store(database_url, history.recorded[known:], notify=True)
        assert f'"position":{known + 1}' in process.stdout.readline()
        process.terminate()


def test_the_story_of_an_order_is_told(past: History, command: Command) -> None:
    order = stream_of(past, OrderRejected)
    told = command("orders", "history", order, "--json").json
    assert [told[0]["type"], told[0]["took"]] == ["OrderCreated", None]
    assert all(event["took"] > 0 for event in told[1:])
    lines = command("orders", "history", order).lines
    assert len(lines) == len(told)
    assert " ms  " in lines[1]


def test_nothing_that_a_terminal_obeys_is_printed(
    database_url: str, past: History, command: Command
) -> None:
    known, product = len(past.recorded), stream_of(past, ProductListed)
    turned = "Board\u202e\x9b31mgpj.exe"
    past.send(ChangeProduct(product, turned, None, None))
    store(database_url, past.recorded[known:])
    for kind in ("products", "as-of"), ("events", "list", "--stream"):
        for arguments in (kind, (*kind, "--json")):
            told = command(*kind, product, *arguments[len(kind) :])
            assert told.out.replace("\n", "").isprintable()
            assert "\\u009b31mgpj.exe" in told.out
    event = command("events", "list", "--stream", product, "--json").json[-1]
    assert event["data"]["name"] == turned


def test_things_are_shown_as_they_were(past: History, command: Command) -> None:
    order, account = stream_of(past, OrderRejected), stream_of(past, AccountOpened)
    product = stream_of(past, ProductListed)
    (placed,) = command("orders", "as-of", order, "--version", 2, "--json").json
    assert (placed["status"], placed["version"]) == ("PLACED", 2)
    assert placed["executions"][0]["status"] == "RUNNING"
    assert placed["total"].keys() == {"amount", "currency"}
    said = command("orders", "as-of", order, "--version", 2).lines
    assert "status: PLACED" in said
    assert any(re.fullmatch(r"createdAt: [\d-]{10} [\d:]{8}", line) for line in said)
    (was,) = command("accounts", "as-of", account, "--version", 1, "--json").json
    assert was["balance"] == {"amount": "10000.00", "currency": "USD"}
    owner = was["ownerId"]
    assert command("accounts", "as-of", owner, "--version", 1, "--json").json == [was]
    (listed,) = command("products", "as-of", product, "--version", 1, "--json").json
    assert listed["stock"]["reserved"] == 0
    assert command("products", "as-of", product, "--at", "2020-01-01").status == 1
    late = past.now.isoformat()
    assert command("orders", "as-of", order, "--at", late, "--json").json[0]["version"] == 3


def test_two_moments_are_compared(past: History, command: Command) -> None:
    order = stream_of(past, OrderRejected)
    changes = command("orders", "as-of", order, "--version", 1, "--diff", 2).lines
    assert "status: PENDING → PLACED" in changes
    (status,) = (
        change
        for change in command(
            "orders", "as-of", order, "--version", 2, "--diff", "2126-01-01", "--json"
        ).json
        if change["path"] == "status"
    )
    assert status == {"path": "status", "before": "PLACED", "after": "FAILED"}


# Rebuilding and proving. -------------------------------------------------------------------------


def test_read_models_are_rebuilt_and_taken_back(past: History, command: Command) -> None:
    said = command("projections", "rebuild", "orders")
    assert said.lines == [f"orders is rebuilt, as of position {len(past.recorded)}."]
    (status, *_) = (
        m for m in command("projections", "status", "--json").json if m["name"] == "orders"
    )
    assert (status["position"], status["lag"], status["previousVersion"]) == (
        len(past.recorded),
        0,
        2,
    )
    nobody = command("projections", "rollback", "orders")
    assert (nobody.status, "add --yes" in nobody.err) == (2, True)
    (back,) = command("projections", "rollback", "orders", "--yes", "--json").json
    assert back == {"name": "orders", "position": len(past.recorded)}
    assert command("projections", "rollback", "products", "--yes").status == 1


def test_what_differs_is_printed_and_ends_with_1(
    past: History, connection: Connection[TupleRow], command: Command
) -> None:
    assert command("projections", "verify").status == 0
    changed = "UPDATE products SET on_hand = on_hand + 2 WHERE product_id = %s"
    product = stream_of(past, ProductListed)
    connection.execute(changed, (product,))
    connection.execute("DELETE FROM transactions")
    said = command("projections", "verify", "products")
    assert said.status == 1
    assert said.lines[0].startswith(f"products {product}: on_hand is ")
    assert said.lines[0].split(", should be ")[1].isdecimal()
    said = command("projections", "verify", "--limit", 2)
    assert sum("is missing" in line for line in said.lines) == 2
    difference, compared = command("projections", "verify", "products", "--json").json
    assert difference["live"]["on_hand"] == difference["log"]["on_hand"] + 2
    assert compared["differences"] == 1
    assert "would be" in command("projections", "diff", "products").lines[0]


def test_a_sound_shop_passes_the_audit(past: History, command: Command) -> None:
    said = command("audit")
    assert (said.status, said.err) == (0, "")
    (digest,) = (line for line in said.lines if line.startswith("Digest: "))
    assert command("audit", "--log-only", "--expect", digest.split()[1]).status == 0
    assert command("audit", "--expect", "nonsense").status == 2


def test_what_an_audit_finds_is_printed_and_ends_with_1(
    past: History, connection: Connection[TupleRow], command: Command
) -> None:
    connection.execute("DELETE FROM stored_events WHERE notification_id = 7")
    said = command("audit", "--log-only")
    assert said.status == 1
    assert said.lines[0].startswith("positions 8: Position 7 is missing of the log")
    found = command("audit", "--log-only", "--json").json
    assert found[0]["check"] == "positions"
    assert found[-1]["findings"] == len(found) - 1
    assert found[-1]["balance"]["moneyIn"].keys() == {"amount", "currency"}


# Moving. -----------------------------------------------------------------------------------------


def test_a_log_is_exported_and_imported(
    past: History, command: Command, empty_database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "shop.jsonl"
    (seal,) = command("events", "export", path, "--json").json
    assert seal["events"] == len(past.recorded)
    assert command("events", "export", path).status == 1
    piped = own_process("events", "export", "-", url=os.environ["SHOP_DATABASE_URL"])
    assert piped.stdout == path.read_text()
    refused = command("events", "import", path)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert command("events", "import", tmp_path / "nothing").status == 2
    assert own_process("migrate", url=empty_database_url).returncode == 0
    said = own_process("events", "import", str(path), url=empty_database_url)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[1] == f"Digest: {seal['events']}:{seal['digest']}"


def test_an_order_is_taken_out(past: History, command: Command) -> None:
    lines = command("orders", "export", stream_of(past, OrderRejected)).json
    assert lines[-1]["events"] == len(lines) - 1


# How commands end. -------------------------------------------------------------------------------

WRONG = [
    ("events", "show", "nonsense"),
    ("events", "list", "--type", "Unheard"),
    ("events", "list", "--since", "once upon a time"),
    ("events", "list", "--limit", "-1"),
    ("orders", "history", "nonsense"),
    ("orders", "as-of", str(derived("x")), "--version", "0"),
    ("orders", "as-of", str(derived("x")), "--version", "1", "--at", "now"),
    ("executions", "list", "--status", "LOST"),
    ("executions", "list", "--older-than", "long"),
    ("projections", "rebuild", "nothing"),
    ("projections", "verify", "nothing"),
    ("parked", "retry"),
    ("parked", "drop", "projector:orders", "0", "--reason", "x"),
    ("parked", "drop", "projector:orders", "1"),
]
NOT_THERE = [
    ("orders", "history", str(derived("x"))),
    ("orders", "as-of", str(derived("x"))),
    ("orders", "export", str(derived("x"))),
    ("products", "as-of", str(derived("x"))),
    ("accounts", "as-of", str(derived("x"))),
    ("executions", "show", "nothing"),
    ("executions", "retry", "nothing"),
    ("parked", "show", "projector:orders", "1"),
    ("parked", "retry", "projector:orders", "1"),
    ("parked", "drop", "projector:orders", "1", "--reason", "x"),
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_said_and_ends_with_2(arguments: Sequence[str], command: Command) -> None:
    said = command(*arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("shop: ")
    assert said.err.count("\n") == 1
    assert "Input should" not in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("arguments", NOT_THERE, ids=" ".join)
def test_what_is_not_there_is_one_line_and_ends_with_1(
    arguments: Sequence[str], command: Command
) -> None:
    said = command(*arguments)
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("shop: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [("events", "list"), ("orders", "history", str(derived("x"))), ("audit",)],
    ids=" ".join,
)
def test_a_database_that_cannot_be_reached_is_one_line(arguments: Sequence[str]) -> None:
    done = own_process(*arguments, url=NOWHERE)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr.startswith("shop: The database cannot be reached")
    assert done.stderr.count("\n") == 1


def test_tables_of_an_older_release_are_one_line(
    connection: Connection[TupleRow], command: Command
) -> None:
    connection.execute("DROP TABLE projection_copies")
    said = command("projections", "status")
    assert (said.status, said.err.count("\n")) == (1, 1)
    assert "run `shop migrate`" in said.err


@pytest.mark.parametrize("form", ["", "--json"])
def test_a_reader_who_has_read_enough_ends_it_quietly(form: str, database_url: str) -> None:
    history = busy_shop(400)
    store(database_url, history.recorded)
    arguments = [part for part in ("events", "list", "--limit", "0", form) if part]
    done = own_process(*arguments, url=database_url, limit=1)
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)


def test_two_rebuilds_at_once_are_refused_in_one_line(
    past: History, on: Connections, command: Command
) -> None:
    steps = rebuild(on, orders.PROJECTION)
    next(steps)
    said = command("projections", "rebuild", "orders")
    assert (said.status, said.err) == (
        1,
        "shop: Somebody else is rebuilding orders at this moment\n",
    )
    assert "REBUILDING" in command("projections", "status").out
    list(steps)


OURS = ("events", "orders", "products", "accounts", "executions", "projections", "parked")


def commands_of(name: str) -> list[str]:
    add_commands(app := typer.Typer())
    (group,) = (g.typer_instance for g in app.registered_groups if g.name == name)
    assert group is not None
    return [
        c.name or (c.callback.__name__ if c.callback else "") for c in group.registered_commands
    ]


@pytest.mark.parametrize("name", OURS)
def test_every_command_has_help_with_an_example(name: str, command: Command) -> None:
    for subcommand in commands_of(name):
        said = command(name, subcommand, "--help")
        assert f"Example: shop {name} {subcommand}" in said.out
    assert "Example: shop audit" in command("audit", "--help").out


def test_an_execution_is_printed_under_the_names_of_graphql(
    past: History, command: Command
) -> None:
    for found in command("executions", "list", "--json").json:
        graphql = {"id", "name", "status", "steps", "problem", "startedAt", "finishedAt"}
        assert graphql <= found.keys()
        for step in found["steps"]:
            assert step.keys() == {"executionName", "number", "type", "productId", "at"}
        if "provided" in (found["problem"] or {}):
            assert found["problem"]["provided"].keys() == {"amount", "currency"}
