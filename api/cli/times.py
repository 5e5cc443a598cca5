"""Moments as people write them: ISO 8601, `2h ago`, `yesterday`, `last friday`. All in UTC."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import typer

from api.moments import end_of, read_moment

UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HELP = "ISO 8601, `2h ago`, `yesterday` or `last friday`; UTC."

_AMOUNT = re.compile(
    r"(\d+)\s*(s|m|h|d|w)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?|ays?|eeks?)?", re.IGNORECASE
)
_DAY = re.compile(r"(today|yesterday|(?:last\s+)?(?:" + "|".join(WEEKDAYS) + r"))", re.IGNORECASE)


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def since(text: str) -> datetime:
    """The moment, of a day its beginning. Raises typer.BadParameter."""
    return _moment(text, lambda day: day)


def until(text: str) -> datetime:
    """The moment, of a day or a millisecond its end. Raises typer.BadParameter."""
    return end_of(_moment(text, lambda day: day + timedelta(days=1) - timedelta(microseconds=1)))


def age(text: str) -> timedelta:
    """Such as `90s`, `5m`, `2h`, `3d`. Raises typer.BadParameter."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not such as 90s, 5m, 2h or 3d")
    return int(found[1]) * UNITS[found[2].lower()]


def _moment(text: str, of_day: Callable[[datetime], datetime]) -> datetime:
    words = text.strip()
    try:
        if words.lower() == "now":
            return now()
        if words.lower().endswith("ago"):
            return now() - age(words[: -len("ago")])
        if found := _DAY.fullmatch(words):
            return of_day(_day(found[1].lower()))
        moment = read_moment(words)
        return of_day(moment) if re.fullmatch(r"[\d-]+|\d+-W[\d-]+", words) else moment
    except (ValueError, OverflowError, typer.BadParameter):
        raise typer.BadParameter(
            f"{text!r} is no moment: write it as 2026-11-20, 2026-11-20T14:30, `2h ago`,"
            " `yesterday` or `last friday`"
        ) from None


def _day(words: str) -> datetime:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    if words == "today":
        return today
    if words == "yesterday":
        return today - timedelta(days=1)
    weekday = WEEKDAYS.index(words.rsplit(maxsplit=1)[-1])
    return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)
