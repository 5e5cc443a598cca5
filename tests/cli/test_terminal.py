"""What people see in a terminal of 80 columns."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime

import pytest

from api.cli.terminal import say_table
from infrastructure.ids import new_id


class Terminal(io.StringIO):
    """Output that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    with redirect_stdout(Terminal()) as terminal:
        say_table(headings, rows)
    return terminal.getvalue()


def test_a_table_that_fits_is_a_table() -> None:
    said = table(("NAME", "AT"), [("orders", datetime(2026, 11, 20, 8, 30, 1, 999, tzinfo=UTC))])
    assert "orders  2026-11-20 08:30:01" in said


def test_what_does_not_fit_is_not_cut_but_takes_a_line_each() -> None:
    order, customer, address = str(new_id()), str(new_id()), f"{'ada' * 10}@example.com"
    said = table(("ID", "CUSTOMER", "EMAIL"), [(order, customer, address)] * 2)
    for whole in (order, customer, address):
        assert said.count(whole) == 2
    assert max(map(len, said.splitlines())) <= 80
