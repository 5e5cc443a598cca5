"""Fields with a description: `strawberry.field(description=…)` as a decorator has no type."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField


def described(description: str) -> Callable[[Callable[..., Any]], StrawberryField]:
    """Make a field of the resolver that follows."""
    return lambda resolver: strawberry.field(resolver, description=description)
