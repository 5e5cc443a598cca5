"""Moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from api.cli import times

SATURDAY = datetime(2026, 11, 21, 15, 30, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def saturday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "now", lambda: SATURDAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-21T15:30:05"),
        ("2h ago", "2026-11-21T13:30:05"),
        ("90 s ago", "2026-11-21T15:28:35"),
        ("3 days ago", "2026-11-18T15:30:05"),
        ("1 Week ago", "2026-11-14T15:30:05"),
        ("10min ago", "2026-11-21T15:20:05"),
        ("today", "2026-11-21T00:00:00"),
        ("Yesterday", "2026-11-20T00:00:00"),
        ("last friday", "2026-11-20T00:00:00"),
        ("friday", "2026-11-20T00:00:00"),
        ("last saturday", "2026-11-14T00:00:00"),
        ("last sunday", "2026-11-15T00:00:00"),
        ("2026-11-02", "2026-11-02T00:00:00"),
        ("2026-W45-1", "2026-11-02T00:00:00"),
        ("2026-11-02T14:30", "2026-11-02T14:30:00"),
        ("2026-11-02 14:30:07", "2026-11-02T14:30:07"),
        ("2026-11-02T14:30+02:00", "2026-11-02T12:30:00"),
        ("2026-11-02T14:30:00Z", "2026-11-02T14:30:00"),
        ("2026-11-02T14:30:00.123Z", "2026-11-02T14:30:00.123000"),
    ],
)
def test_a_moment_is_understood(text: str, expected: str) -> None:
    assert times.since(text).isoformat() == f"{expected}+00:00"


@pytest.mark.parametrize("text", ["today", "yesterday", "last friday", "2026-11-02"])
def test_up_to_a_day_means_up_to_its_end(text: str) -> None:
    day = timedelta(days=1) - timedelta(microseconds=1)
    assert times.until(text) - times.since(text) == day


@pytest.mark.parametrize("digits", ["1", "12", "123"])
def test_up_to_a_millisecond_means_up_to_its_end(digits: str) -> None:
    text = f"2026-11-02T14:30:00.{digits}Z"
    assert times.until(text) - times.since(text) == timedelta(microseconds=999)


@pytest.mark.parametrize("text", ["2026-11-02T14:30:00.1234", "2026-11-02T14:30:00.123000+02:00"])
def test_up_to_a_microsecond_means_the_moment(text: str) -> None:
    assert times.until(text) == times.since(text)


def test_up_to_a_moment_means_the_moment() -> None:
    assert times.until("2h ago") == times.since("2h ago")


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2h", "ago", "2 fortnights ago", "last week", "31.12.2026", "9" * 30 + "w ago"],
)
def test_what_is_no_moment_is_said_so(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no moment"):
        times.since(text)


def test_ages() -> None:
    assert times.age("5m") == timedelta(minutes=5)
    with pytest.raises(typer.BadParameter, match="is not such as"):
        times.age("five")
