"""Other code has another fingerprint; other words about it have not."""

import ast
import inspect
from collections.abc import Iterator

import pytest

from infrastructure.read_models import fingerprint as fingerprints
from infrastructure.read_models.fingerprint import fingerprint
from projections import PROJECTIONS, orders


def forget() -> None:
    fingerprint.cache_clear()
    fingerprints._names.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def changed(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether orders have another fingerprint where their module says `new` instead of `old`."""
    before, source = fingerprint("orders"), inspect.getsource(orders)
    assert old in source
    real = inspect.getsource
    monkeypatch.setattr(
        inspect,
        "getsource",
        lambda of: source.replace(old, new) if of is orders else real(of),
    )
    forget()
    return fingerprint("orders") != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"CANCELLED"', '"CALLED OFF"'),
        ("status text NOT NULL", "status text"),
        ("version=2", "version=3"),
        ("change.created_position, change.status = recorded.position", "change.status = 1"),
    ],
)
def test_a_change_of_what_is_written_changes_it(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed(old, new, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""The rows of orders and executions', '"""Rows of orders and of executions'),
        ("def apply(", "# A comment.\n\n\ndef apply("),
        ("SELECT customer_id, count(*) FROM orders", "SELECT customer_id, count(1) FROM orders"),
    ],
)
def test_words_and_queries_do_not(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not changed(old, new, monkeypatch)


def test_what_other_modules_bring_counts_too() -> None:
    reached: dict[tuple[str, str], str] = {}
    fingerprints._reach("projections.orders", "PROJECTION", reached)
    for name in (
        ("projections.executions", "Fold"),
        ("domain.events", "StockReserved"),
        ("domain.values", "OrderItem"),
    ):
        assert name in reached
    assert ("domain.events", "ChargeSettled") not in reached
    assert all(ast.parse(source) for source in reached.values())


def test_every_read_model_has_its_own() -> None:
    assert len({fingerprint(projection.name) for projection in PROJECTIONS}) == len(PROJECTIONS)
    assert fingerprint("nowhere") == ""
