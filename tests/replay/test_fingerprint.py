"""Other code has another fingerprint; other words about it have not."""

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from domain.recorded import Recorded
from infrastructure.read_models import fingerprint as fingerprints
from infrastructure.read_models.fingerprint import _fingerprint, fingerprint
from projections import PROJECTIONS, orders
from projections.projection import Statement

PACKAGES = frozenset({"projections", "domain"})


def forget() -> None:
    _fingerprint.cache_clear()
    fingerprints._names.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def changed(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether orders have another fingerprint where their module says `new` instead of `old`."""
    before, source = fingerprint(orders.PROJECTION), inspect.getsource(orders)
    assert old in source
    real = inspect.getsource
    monkeypatch.setattr(
        inspect,
        "getsource",
        lambda of: source.replace(old, new) if of is orders else real(of),
    )
    forget()
    return fingerprint(orders.PROJECTION) != before


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
    fingerprints._reach("projections.orders", "PROJECTION", PACKAGES, reached)
    for name in (
        ("projections.executions", "Fold"),
        ("domain.events", "StockReserved"),
        ("domain.values", "OrderItem"),
    ):
        assert name in reached
    assert ("domain.events", "ChargeSettled") not in reached
    assert all(ast.parse(source) for source in reached.values())


def test_every_read_model_has_its_own() -> None:
    assert len({fingerprint(projection) for projection in PROJECTIONS}) == len(PROJECTIONS)


def test_the_name_of_a_read_model_need_not_be_that_of_its_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, renamed = fingerprint(orders.PROJECTION), replace(orders.PROJECTION, name="purchases")
    monkeypatch.setattr(orders, "PROJECTION", renamed)
    assert fingerprint(renamed) == before


def test_an_apply_from_elsewhere_counts_by_itself() -> None:
    def nothing(_: Sequence[Recorded]) -> list[Statement]:
        return []

    def nothing_either(_: Sequence[Recorded]) -> list[Statement]:
        return list[Statement]()

    other, another = (replace(orders.PROJECTION, apply=a) for a in (nothing, nothing_either))
    assert len({fingerprint(orders.PROJECTION), fingerprint(other), fingerprint(another)}) == 3
