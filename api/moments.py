"""Moments as clients write them, which may be of fewer digits than events are recorded with."""

import re
from datetime import UTC, datetime, timedelta

_FEW_DIGITS = re.compile(r":?\d\d[.,]\d{1,3}(?!\d)")


class Milliseconds(datetime):
    """A moment that was written with at most three digits of a second, as browsers know it.

    Where it ends a time it means its whole millisecond: what happened within it is what whoever
    saw it there means (`end_of`).
    """


def read_moment(text: str) -> datetime:
    """The moment in UTC that `text` says in ISO 8601; without an offset it is taken for UTC.

    Raises ValueError or OverflowError."""
    kind = Milliseconds if _FEW_DIGITS.search(text) else datetime
    moment = kind.fromisoformat(text)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return kind.combine(moment.date(), moment.timetz())


def end_of(moment: datetime) -> datetime:
    """The last microsecond that is meant where the moment ends a time."""
    if isinstance(moment, Milliseconds):
        return datetime.combine(moment.date(), moment.timetz()) + timedelta(microseconds=999)
    return moment
