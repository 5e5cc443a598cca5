"""What the compiler uses of the insides of graphql-core and Strawberry is still there.

Where one of these fails, a new version has moved what the compiler leans on: read what it does now,
change `api/graphql/execution/compiler/`, then this table and the bounds in `pyproject.toml`.
"""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from api.graphql.execution.compiler import operation

COMPILER = Path(operation.__file__).parent
# Of a class its attributes, of a function its parameters in their order.
LEANS_ON: dict[str, tuple[str, ...]] = {
    "graphql.execution:Executor": (
        "async_helpers",
        "build",
        "build_resolve_info",
        "collected_errors",
        "complete_leaf_value",
        "complete_list_value",
        "ensure_valid_runtime_type",
        "execute_operation",
        "handle_field_error",
        "hide_suggestions",
        "root_value",
        "settle_in_background",
        "variable_values",
    ),
    "graphql.execution.collect_fields:FieldDetailsList": (),
    "graphql.execution.collect_fields:FragmentDetails": ("definition",),
    "graphql.execution.collect_fields:GroupedFieldSet": (),
    "graphql.execution.collect_fields:collect_fields": (
        "schema",
        "fragments",
        "variable_values",
        "runtime_type",
        "operation",
    ),
    "graphql.execution.collect_fields:collect_subfields": (
        "schema",
        "fragments",
        "variable_values",
        "operation",
        "return_type",
        "field_details_list",
    ),
    "graphql.execution.executor:collect_iterator_awaitables": (),
    "graphql.execution.executor:invalid_return_type_error": (),
    "graphql.execution.executor:to_nodes": (),
    "graphql.execution.values:VariableValues": ("sources", "coerced"),
    "graphql.pyutils:Path": ("prev", "key", "typename"),
    "graphql.pyutils:gather_with_cancel": (),
    "graphql.pyutils:is_async_iterable": (),
    "graphql.pyutils:is_awaitable": (),
    "graphql.pyutils:is_iterable": (),
    "graphql.type.scalars:serialize_boolean": (),
    "graphql.type.scalars:serialize_id": (),
    "graphql.type.scalars:serialize_int": (),
    "graphql.type.scalars:serialize_string": (),
    "strawberry.schema.exception_handlers:get_error_type": (),
    "strawberry.schema.schema_converter:GraphQLCoreConverter": ("DEFINITION_BACKREF",),
    "strawberry.schema.schema_converter:field_contains_type": (),
    "strawberry.types.arguments:StrawberryArgument": ("python_name", "type"),
    "strawberry.types.cast:get_strawberry_type_cast": ("obj",),
    "strawberry.types.field:StrawberryField": (
        "base_resolver",
        "default_resolver",
        "extensions",
        "get_result",
        "python_name",
        "resolve_type",
    ),
    "strawberry.types.lazy_type:LazyType": ("resolve_type",),
    "strawberry.types.fields.resolver:StrawberryResolver": (
        "info_parameter",
        "parent_parameter",
        "root_parameter",
        "self_parameter",
        "wrapped_func",
    ),
}
PUBLIC = ("graphql", "strawberry", "strawberry.relay", "strawberry.types.base")


def _imported() -> set[str]:
    """All that the compiler takes from modules of the two that are no public API."""
    found = set()
    for file in COMPILER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module not in (None, *PUBLIC):
                package = str(node.module).split(".")[0]
                if package in {"graphql", "strawberry"}:
                    found |= {f"{node.module}:{name.name}" for name in node.names}
    return found


@pytest.mark.parametrize("name", LEANS_ON)
def test_it_is_still_as_the_compiler_uses_it(name: str) -> None:
    module, _, attribute = name.partition(":")
    assert hasattr(import_module(module), attribute), f"{name} is gone: the compiler uses it"
    found: Any = getattr(import_module(module), attribute)
    parts = LEANS_ON[name]
    if inspect.isclass(found):
        missing = [part for part in parts if part not in inspect.getsource(found)]
        assert not missing, f"{name} has no {missing} any more: the compiler uses it"
    elif parts:
        taken = tuple(inspect.signature(found).parameters)[: len(parts)]
        assert taken == parts, f"{name} takes {taken} now: the compiler gives it {parts}"


def test_the_table_has_all_that_is_imported() -> None:
    assert _imported() - LEANS_ON.keys() == set()
