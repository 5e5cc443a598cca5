"""What turns an event as it used to be stored into what its class is now: a pure function of JSON
from each version to the next (an upcaster)."""

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
Upcast = Callable[[Json], Json]
Upcasts = Mapping[str, tuple[Upcast, ...]]


def upcast(data: Json, version: int, upcasts: tuple[Upcast, ...]) -> Json:
    """`data` of version `version` as the newest version."""
    for step in upcasts[version - 1 :]:
        data = step(data)
    return data
