"""What commands, events and states are made of: dataclasses with slots that never change."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Make `cls` an immutable value: compared by its fields, matched by position.

    That nobody assigns to its fields is for the type checker to see: a dataclass that is frozen at
    run time takes four times as long to make, and each order makes some two hundred.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
