"""What a client takes and sends, by its headers: media types and character sets.

RFC 9110, sections 8.3 and 12.5.1: https://www.rfc-editor.org/rfc/rfc9110
"""

from collections.abc import Iterable, Sequence
from email.message import Message

from domain.message import message

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"


@message
class Range:
    """`type` is such as text/html, text/* or */*; `quality` is from 0, for never, to 1."""

    type: str
    quality: float

    def matches(self, type: str) -> int:
        """How closely it names a media type: 0 where it does not."""
        if self.type == type:
            return 3
        if self.type == f"{type.partition('/')[0]}/*":
            return 2
        return 1 if self.type == "*/*" else 0


@message
class Accepted:
    """What a client takes; anything where it does not say. What it says that makes no sense is as
    if it were not said."""

    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Accepted":
        """From all lines of the header."""
        found = [range_of(part) for line in lines for part in line.split(",")]
        return cls(tuple(each for each in found if each is not None))

    def quality(self, type: str) -> float:
        """How much a client likes a media type: what names it most closely counts."""
        if not self.ranges:
            return 1.0
        closest = max(self.ranges, key=lambda each: each.matches(type))
        return closest.quality if closest.matches(type) else 0.0

    def names(self, type: str) -> bool:
        """Whether the type itself is asked for, not just anything."""
        return any(each.type == type and each.quality for each in self.ranges)

    def best(self, types: Sequence[str]) -> str | None:
        """The one that is liked most, the first of several; None where none is taken."""
        best = max(types, key=self.quality)
        return best if self.quality(best) else None


def range_of(text: str) -> Range | None:
    """One media range with its quality, None where it is none."""
    type_, *parameters = (part.strip().lower() for part in text.split(";"))
    if type_.count("/") != 1:
        return None
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value.strip())
            except ValueError:
                return None
    return Range(type_, quality) if 0 <= quality <= 1 else None


def is_json(content_type: str) -> bool:
    """Whether a body of this type is JSON in UTF-8."""
    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_param("charset", "utf-8")
    type_ = content_type.partition(";")[0].strip().lower()
    return type_ == JSON and str(charset).strip().lower() in {"utf-8", "utf8"}
