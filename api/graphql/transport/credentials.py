"""Where clients put their access token. Each usual place works, and none is passed over in silence:
a token that stands anywhere else is told of, because its owner would else be nobody.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

# Names in any case, without - and _: what the documentation of clients gives as examples.
NAMES = frozenset({"authorization", "authtoken", "accesstoken", "token", "bearer", "bearertoken"})
LOOKS_LIKE_ONE = re.compile(r"bearer\s|[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}$", re.IGNORECASE)
DEEPEST = 3


class Misplaced(Exception):
    """There is a token that cannot be used; the message says why."""


def given_in_header(lines: Iterable[str]) -> str | None:
    """What the Authorization header holds; None where it is empty, or not there."""
    given = {line.strip() for line in lines} - {""}
    if len(given) > 1:
        raise Misplaced("Give one token, not several different ones.")
    return next(iter(given), None)


def given_in_payload(payload: Mapping[str, object]) -> object:
    """What a connection_init payload holds: a token by any of NAMES, at its top or within such as
    `headers`; None where there is none. Raises Misplaced."""
    found: list[object] = []
    for name, value in _entries(payload):
        if name.lower().replace("-", "").replace("_", "") in NAMES:
            found.append(value.strip() if isinstance(value, str) else value)
        elif isinstance(value, str) and LOOKS_LIKE_ONE.match(value.strip()):
            raise Misplaced("Give the token as `authorization` in connection_init.")
    given = [value for value in found if value is not None and value != ""]
    if any(value != given[0] for value in given[1:]):
        raise Misplaced("Give one token, not several different ones.")
    return given[0] if given else None


def _entries(payload: Mapping[str, object], depth: int = 1) -> Iterator[tuple[str, object]]:
    for name, value in payload.items():
        if isinstance(value, dict) and depth < DEEPEST:
            yield from _entries(value, depth + 1)
        else:
            yield name, value
