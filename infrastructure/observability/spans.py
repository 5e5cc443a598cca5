"""What traces are made of: spans, and the headers by which one goes on in another program."""

import re
from collections.abc import Mapping
from uuid import UUID

from domain.message import message

TRACEPARENT = re.compile(
    "(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    "(?P<rest>-.*)?"
)
SAMPLED = 1


@message
class Parent:
    """A span of somebody else's, in whose trace we go on."""

    trace: UUID
    span: int

    @classmethod
    def of(cls, traceparent: str) -> "Parent | None":
        """From the header of https://www.w3.org/TR/trace-context/#traceparent-header; None where it
        is none, or asks not to be recorded."""
        found = TRACEPARENT.fullmatch(traceparent.strip())
        if found is None or not int(found["flags"], 16) & SAMPLED:
            return None
        if found["version"] == "ff" or (found["version"] == "00" and found["rest"]):
            return None
        trace, span = UUID(found["trace"]), int(found["span"], 16)
        return cls(trace, span) if trace.int and span else None


@message
class Span:
    """Something that has taken place; times are in nanoseconds since 1970. `parent` is a span's id
    in the same trace, None for a root; `link` is a span in another trace that belongs to it."""

    trace: UUID
    id: int
    parent: int | None
    name: str
    began: int
    ended: int
    attributes: Mapping[str, str]
    events: tuple[str, ...] = ()
    link: Parent | None = None
