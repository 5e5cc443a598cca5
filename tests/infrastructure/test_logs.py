"""Logs: complete, on one line, and without secrets."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
import structlog
from structlog.contextvars import bound_contextvars
from infrastructure.observability.logs import configure_logs
configure_logs("test", *sys.argv[1:])
log = structlog.get_logger("shop")
"""


def logged(code: str, level: str = "INFO", style: str = "json") -> list[str]:
    command = [sys.executable, "-c", SCRIPT + code, level, style]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()


def test_a_line_of_json_has_what_was_said_and_its_circumstances() -> None:
    (line,) = logged("with bound_contextvars(request_id='r1'): log.info('order placed', order=7)")
    event = json.loads(line)
    assert event["message"] == "order placed"
    assert (event["order"], event["request_id"]) == (7, "r1")
    assert (event["process"], event["level"], event["logger"]) == ("test", "info", "shop")
    assert event["timestamp"].endswith("Z")


def test_the_standard_librarys_logs_look_the_same() -> None:
    (line,) = logged("logging.getLogger('psycopg.pool').warning('%s lost', 'connection')")
    event = json.loads(line)
    assert (event["message"], event["logger"]) == ("connection lost", "psycopg.pool")


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_not_written(style: str) -> None:
    lines = logged(
        """
for key in ("password", "new_password", "code", "admin_code", "token", "Authorization", "email"):
    log.info("x", **{key: "hunter2", "deep": [{key: "hunter2"}]})
    logging.getLogger("x").info("y", extra={key: "hunter2"})
""",
        style=style,
    )
    assert len(lines) == 14
    assert not [line for line in lines if "hunter2" in line]


def test_less_important_than_the_level_is_not_written() -> None:
    lines = logged("log.info('a'); log.warning('b'); logging.getLogger('x').info('c')", "WARNING")
    assert [json.loads(line)["message"] for line in lines] == ["b"]


def test_an_exception_stays_on_the_line_as_data() -> None:
    (line,) = logged("""
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
""")
    assert json.loads(line)["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_people_can_read_the_console_style() -> None:
    (line,) = logged("log.info('order placed', order=7)", style="console")
    assert "order placed" in line
    assert "order=7" in line
