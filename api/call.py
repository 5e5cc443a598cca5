"""What a call is known by: the id that its client gave it or that we give it, and its trace."""

import re
from collections.abc import Iterable
from uuid import UUID

from api.validation import parse_uuid
from domain.message import message
from infrastructure.ids import new_id
from infrastructure.observability.spans import Parent

VISIBLE = re.compile(rb"[\x21-\x7e]{1,128}")


@message
class Call:
    """`id` is what client and log name it by; `correlation_id` stands in the events that it makes
    happen, and is the same where `id` is a UUID; `parent` is the caller's span."""

    id: str
    correlation_id: UUID
    parent: Parent | None = None

    @classmethod
    def new(cls) -> "Call":
        """One that nobody has named."""
        made = new_id()
        return cls(str(made), made)


def call_of(headers: Iterable[tuple[bytes, bytes]]) -> Call:
    """By X-Request-Id, where it has 1 to 128 visible characters, and by traceparent."""
    named = parent = b""
    for name, value in headers:
        if name == b"x-request-id":
            named = named or value
        elif name == b"traceparent":
            parent = parent or value
    correlation_id = new_id()
    text = str(correlation_id)
    if VISIBLE.fullmatch(named):
        text = named.decode("ascii")
        correlation_id = parse_uuid(text) or correlation_id
    return Call(text, correlation_id, Parent.of(parent.decode("latin-1")) if parent else None)
