"""How fields are made, and how they get at what they need without waiting for it twice."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionNode
from strawberry.types.field import StrawberryField

from api.graphql.context import Info
from api.graphql.dataloaders.batching import Asked

R = TypeVar("R")
T = TypeVar("T")


def described(description: str) -> Callable[[Callable[..., Any]], StrawberryField]:
    """A field of the resolver: `strawberry.field(description=…)`, as a decorator, has no type."""
    return lambda resolver: strawberry.field(resolver, description=description)


def soon(asked: Asked[R], convert: Callable[[R], T]) -> T:
    """What `convert` makes of the result: now, where it is there, else when it is awaited, as the
    executor does. To await costs ten times what the rest of a small field does."""
    if asked.done:
        return convert(asked.result())

    async def later() -> T:
        return convert(await asked)

    return cast("T", later())


def selected_below(info: Info) -> frozenset[str]:
    """The names of all fields, at any depth, that are selected of what the field answers."""
    raw = info._raw_info  # noqa: SLF001  # `selected_fields` makes objects of them all
    names: set[str] = set()
    _collect(raw.field_nodes, raw.fragments, names)
    return frozenset(names)


def _collect(
    nodes: Iterable[SelectionNode], fragments: dict[str, FragmentDefinitionNode], names: set[str]
) -> None:
    for node in nodes:
        if isinstance(node, FragmentSpreadNode):
            _collect(fragments[node.name.value].selection_set.selections, fragments, names)
            continue
        if isinstance(node, FieldNode):
            names.add(node.name.value)
        selection_set = getattr(node, "selection_set", None)
        if selection_set is not None:
            _collect(selection_set.selections, fragments, names)
