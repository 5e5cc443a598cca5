"""What commands, events and states are made of: frozen dataclasses with slots."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Make `cls` an immutable value: compared by its fields, matched by position."""
    return dataclass(frozen=True, slots=True)(cls)
