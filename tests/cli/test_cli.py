"""The command line: help, and one clear line where something is wrong."""

import json
import re
import signal
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest

from tests.cli.forked import SHOP
from tests.cli.running import KEY, environment, free_port
from tests.infrastructure.postgres.poolers import dropping_options

# All of them, in one process.
EVERY_HELP = """
from api.cli.main import app
from api.cli.operators import add_commands
from typer.main import get_command

def ask(command, words):
    app([*words, "-h"], prog_name="shop", standalone_mode=False)
    for name, inner in getattr(command, "commands", {}).items():
        ask(inner, [*words, name])

add_commands(app)
ask(get_command(app), [])
"""
NO_TERMINAL = "There is no terminal to ask for the password on: add --password-stdin"


def shop(*arguments: str, stdin: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SHOP, *arguments],
        env=environment(**settings),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command", ["serve", "api", "worker", "migrate", "schema", "users create-admin"]
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = shop(*command.split(), "--help")
    assert done.returncode == 0
    assert f"shop {command}" in done.stdout.split("Example:")[1]


def test_it_says_its_version() -> None:
    assert shop("--version").stdout.startswith(f"shop {version('shop')} (Python ")


@pytest.mark.parametrize("command", ["", "events", "events list"])
def test_h_is_help_everywhere(command: str) -> None:
    done = shop(*command.split(), "-h")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: shop {command}".rstrip())


@pytest.mark.parametrize("group", ["", "events", "projections"])
def test_help_says_whole_what_each_command_does(group: str) -> None:
    said = shop(*group.split(), "-h", COLUMNS="80").stdout
    assert "...\n" not in said.split("Commands:")[1]
    assert max(map(len, said.splitlines())) <= 80


def test_help_says_nothing_in_the_words_of_a_programming_language() -> None:
    every = subprocess.run(
        [sys.executable, "-c", EVERY_HELP], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert every.count("Usage: shop") > 30
    assert re.findall(r"<\w+>|[<>]=|\{\w+\}|\bstr\b|\bint\b|\bbool\b", every) == []
    assert "--limit N" in every
    assert "At most so many; 0 is all.  [default: 50]" in every


def test_a_shell_can_complete_what_is_typed() -> None:
    asked = {"COMP_WORDS": "shop events exp", "COMP_CWORD": "2", "_SHOP_COMPLETE": "complete_bash"}
    assert shop(**asked).stdout.split() == ["export"]


@pytest.mark.parametrize("command", ["serve", "migrate", "events list"])
def test_a_mistyped_setting_is_told_at_every_start(command: str, tmp_path: Path) -> None:
    (tmp_path / "data").touch()  # none of them gets far
    done = shop(*command.split(), SHOP_PROT="8080", SHOP_DATA_DIR=str(tmp_path / "data"))
    assert "SHOP_PROT is no setting; did you mean SHOP_PORT?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("sell", "there is no command sell (see `shop -h`)"),
        ("events list --limit x", "--limit is not a whole number (see `shop events list -h`)"),
        ("events list --limit -1", "--limit must be 0 or more (see `shop events list -h`)"),
        ("events import /nowhere", "FILE: there is no file /nowhere (see `shop events import -h`)"),
        ("orders history", "ID is missing (see `shop orders history -h`)"),
        (
            "users create-admin --email a@b.c --name A",
            f"{NO_TERMINAL} (see `shop users create-admin -h`)",
        ),
        ("users lock \udcff", "'\\udcff' is not UTF-8 (see `shop -h`)"),
    ],
)
def test_wrong_usage_is_told_in_one_plain_line(arguments: str, said: str) -> None:
    done = shop(*arguments.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"shop: {said}\n"


@pytest.mark.parametrize(
    ("redirected", "status", "said"),
    [
        (">/dev/full", 1, "shop: No space left on device\n"),
        (">&-", 1, "shop: the standard output: Bad file descriptor\n"),
        ("| :; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_output_that_cannot_be_written_has_its_own_end(
    redirected: str, status: int, said: str
) -> None:
    command = f"{sys.executable} -m api.cli schema {redirected}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (status, said)


def test_what_is_printed_is_utf_8_in_an_ascii_locale() -> None:
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "api.cli", "schema"]
    done = subprocess.run(
        command, env=environment(**narrow), capture_output=True, check=True, timeout=60
    )
    assert not done.stdout.decode().isascii()


def test_ctrl_c_while_it_still_imports_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "api.cli", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "api.cli.streams" in line:  # what comes next takes half a second
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in said


def test_an_unknown_command_is_wrong_usage() -> None:
    assert shop("sell").returncode == 2


@pytest.mark.parametrize("command", ["serve", "api", "worker", "migrate"])
def test_a_wrong_setting_stops_every_start(command: str) -> None:
    done = shop(command, SHOP_PORT="abc")
    assert done.returncode == 2
    assert done.stderr == "shop: SHOP_PORT: 'abc' is not a port number\n"


@pytest.mark.parametrize("command", ["serve", "api", "worker", "migrate"])
def test_a_database_that_is_not_there_is_one_line(command: str) -> None:
    database, api = free_port(), free_port()
    done = shop(
        command,
        SHOP_DATABASE_URL=f"postgresql://someone:hunter2@127.0.0.1:{database}/shop",
        SHOP_SECRET_KEY=KEY,
        SHOP_PORT=str(api),
    )
    assert done.returncode == 75  # as UNAVAILABLE: it may work in a moment
    assert done.stderr.startswith("shop: The database cannot be reached: ")
    assert "refused" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_database_without_tables_is_one_line(command: str, empty_database_url: str) -> None:
    done = shop(command, SHOP_DATABASE_URL=empty_database_url, SHOP_SECRET_KEY=KEY)
    assert done.returncode == 1
    assert done.stderr == "shop: The database has no tables yet: run `shop migrate`\n"


@pytest.mark.parametrize("command", ["api", "worker"])
def test_no_database_at_all_is_one_line(command: str, tmp_path: Path) -> None:
    done = shop(command, SHOP_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"shop: No shop runs on the data in {tmp_path}/data: start ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["serve", "api"])
def test_a_port_in_use_is_one_line(command: str, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = shop(
            command,
            SHOP_DATABASE_URL=database_url,
            SHOP_SECRET_KEY=KEY,
            SHOP_PORT=port,
            SHOP_LOG_LEVEL="error",
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"shop: Cannot listen on 127.0.0.1, port {port}: Address already in use."
        " SHOP_HOST and SHOP_PORT choose another\n"
    )


@pytest.mark.parametrize("command", ["serve", "api", "worker"])
def test_a_missing_key_is_one_line(command: str, database_url: str) -> None:
    done = shop(command, SHOP_DATABASE_URL=database_url)
    assert done.returncode == 2
    assert done.stderr == "shop: SHOP_SECRET_KEY: must be set where SHOP_DATABASE_URL is\n"


def test_migrate_can_be_run_again_and_again(empty_database_url: str) -> None:
    for _ in range(2):
        done = shop("migrate", SHOP_DATABASE_URL=empty_database_url)
        assert done.returncode == 0, done.stderr
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("SELECT FROM stored_events")


def test_an_administrator_is_made(database_url: str) -> None:
    arguments = ("users", "create-admin", "--email", "ada@example.com", "--name", "Ada", "--json")
    made, again = (
        shop(
            *arguments,
            "--password-stdin",
            stdin="correct horse battery\n",
            SHOP_DATABASE_URL=database_url,
            SHOP_SECRET_KEY=KEY,
        )
        for _ in range(2)
    )
    user = json.loads(made.stdout)
    assert (user["email"], user["role"], user["emailVerified"]) == (
        "ada@example.com",
        "ADMIN",
        True,
    )
    assert again.returncode == 2
    assert again.stderr == "shop: email: Has an account already.\n"


def test_an_administrator_is_made_before_the_shop_was_ever_started(data_dir: Path) -> None:
    done = shop(
        "users",
        "create-admin",
        *("--email", "ada@example.com", "--name", "Ada", "--password-stdin"),
        stdin="correct horse battery\n",
        SHOP_DATA_DIR=str(data_dir),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Ada <ada@example.com> is an administrator.\n"


@pytest.mark.parametrize("command", ["serve", "api", "worker", "migrate"])
def test_a_database_that_will_not_do_is_one_line(command: str, database_url: str) -> None:
    with dropping_options(database_url) as url:
        done = shop(command, SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=KEY, SHOP_PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.startswith("shop: The connection has not kept what was asked for")
    assert done.stderr.count("\n") == 1
