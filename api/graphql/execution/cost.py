"""How much a document may ask for: depth, breadth, aliases, and what its answer may cost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    type_from_ast,
)

from domain.message import message

MOST_TOKENS = 2_000
DEEPEST = 16
MOST_FIELDS = 300
MOST_ALIASES = 50
# Validation compares fields of one key, and fragments, each with each; every operation is prepared.
MOST_REPEATS = 12
MOST_DEFINITIONS = 50
MOST_COST = 50_000  # a page of 100 orders with all that belongs to them is less

# Of a page: the rows where no size is asked for, and the most that there can be.
USUAL_PAGE, LARGEST_PAGE = 20, 100
USUAL_EVENTS_PAGE, LARGEST_EVENTS_PAGE = 50, 1_000
USUAL_LIST = 5  # what is counted for a list that has no page size, such as the items of an order
INTROSPECTION_COST = 5_000
SIZES = frozenset({"first", "last"})
MOST_KNOWN = 100

Fragments = Mapping[str, FragmentDefinitionNode]
Sizes = Mapping[str, int | None]


@message
class Shape:
    """What a selection asks for, its fragments written out: `depth` in levels of fields, `repeats`
    of a field that stands most often beside itself."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    repeats: int = 0


def excess(document: DocumentNode) -> str | None:
    """Why the document is too large to be validated at all, or None. It may still be nonsense."""
    if len(document.definitions) > MOST_DEFINITIONS:
        return f"The document has more than {MOST_DEFINITIONS} operations and fragments."
    fragments = fragments_of(document)
    known: dict[str, Shape] = {}
    for definition in document.definitions:
        # Fragments too: also those that no operation uses are validated.
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            shape = _shape(definition.selection_set, fragments, known)
            if shape.depth > DEEPEST:
                return f"The operation nests fields more than {DEEPEST} deep."
            if shape.fields > MOST_FIELDS:
                return f"The operation asks for more than {MOST_FIELDS} fields."
            if shape.aliases > MOST_ALIASES:
                return f"The operation has more than {MOST_ALIASES} aliases."
            if shape.repeats > MOST_REPEATS:
                return (
                    f"The operation asks for a field more than {MOST_REPEATS} times in one place."
                )
    return None


def fragments_of(document: DocumentNode) -> Fragments:
    """The document's fragments by their names."""
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def root_fields(operation: OperationDefinitionNode, fragments: Fragments) -> dict[str, str]:
    """The names of the fields that the operation begins with, by their keys in the answer."""
    fields: dict[str, str] = {}
    spread: set[str] = set()
    waiting: list[SelectionNode] = [*operation.selection_set.selections]
    while waiting:
        selection = waiting.pop(0)
        if isinstance(selection, FieldNode):
            fields[(selection.alias or selection.name).value] = selection.name.value
        elif isinstance(selection, InlineFragmentNode):
            waiting.extend(selection.selection_set.selections)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            waiting.extend(fragments[selection.name.value].selection_set.selections)
    return fields


def _shape(selections: SelectionSetNode, fragments: Fragments, known: dict[str, Shape]) -> Shape:
    depth = fields = aliases = 0
    repeats = max(Counter(_keys(selections)).values(), default=0)
    for selection in selections.selections:
        below = Shape()
        if isinstance(selection, FragmentSpreadNode):
            below = _fragment_shape(selection.name.value, fragments, known)
        elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
            below = _shape(selection.selection_set, fragments, known)
        if isinstance(selection, FieldNode):
            aliased = selection.alias is not None
            below = Shape(below.depth + 1, below.fields + 1, below.aliases + aliased, below.repeats)
        depth = max(depth, below.depth)
        fields += below.fields
        aliases += below.aliases
        repeats = max(repeats, below.repeats)
    return Shape(depth, fields, aliases, repeats)


def _keys(selections: SelectionSetNode) -> Iterator[str]:
    """Those that the fields have in the answer; without what stands in named fragments."""
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield (selection.alias or selection.name).value
        elif isinstance(selection, InlineFragmentNode):
            yield from _keys(selection.selection_set)


def _fragment_shape(name: str, fragments: Fragments, known: dict[str, Shape]) -> Shape:
    if name not in known:
        known[name] = Shape()  # ends a cycle, which the validation then refuses
        if name in fragments:
            known[name] = _shape(fragments[name].selection_set, fragments, known)
    return known[name]


class Cost:
    """The most fields that the answer to a valid operation can hold: page sizes multiply."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode
    ) -> None:
        self._types = schema.type_map
        self._fragments = fragments
        self._selections = operation.selection_set
        self._root = schema.get_root_type(operation.operation)
        self._defaults = {
            definition.variable.name.value: definition.default_value
            for definition in operation.variable_definitions or ()
            if get_named_type(type_from_ast(schema, definition.type)) is GraphQLInt
        }
        self._known: dict[tuple[object, ...], int] = {}

    def of(self, variables: Mapping[str, object]) -> int:
        """The cost with these variables: worked out once for the same whole numbers."""
        sizes = {
            name: _size(variables[name]) if name in variables else _literal_size(default)
            for name, default in self._defaults.items()
        }
        key = tuple(sizes.values())
        if key not in self._known:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._cost(self._selections, self._root, 1, sizes)
        return self._known[key]

    def _cost(
        self, selections: SelectionSetNode, on: GraphQLNamedType | None, members: int, sizes: Sizes
    ) -> int:
        """`members` is how many a list in this selection has."""
        cost = 0
        by_type: dict[str, int] = {}  # a value has one type: the dearest is counted, not all
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                cost += self._field_cost(selection, on, members, sizes)
                continue
            fragment = (
                self._fragments[selection.name.value]
                if isinstance(selection, FragmentSpreadNode)
                else cast("InlineFragmentNode", selection)
            )
            condition = fragment.type_condition
            inner = self._types[condition.name.value] if condition else on
            below = self._cost(fragment.selection_set, inner, members, sizes)
            if isinstance(inner, GraphQLObjectType):
                by_type[inner.name] = by_type.get(inner.name, 0) + below
            else:
                cost += below
        return cost + max(by_type.values(), default=0)

    def _field_cost(
        self,
        field: FieldNode,
        on: GraphQLNamedType | None,
        members: int,
        sizes: Sizes,
    ) -> int:
        name = field.name.value
        if name.startswith("__"):
            return 1 if name == "__typename" else INTROSPECTION_COST
        definition = cast("GraphQLObjectType | GraphQLInterfaceType", on).fields[name]
        if field.selection_set is None:
            return 1
        if not is_list_type(get_nullable_type(definition.type)):
            members = 1
        below = USUAL_LIST
        if "first" in definition.args:
            events = name == "events"
            largest = LARGEST_EVENTS_PAGE if events else LARGEST_PAGE
            usual = USUAL_EVENTS_PAGE if events else USUAL_PAGE
            below = min(_rows(field, sizes) or usual, largest)
        type_ = get_named_type(definition.type)
        return 1 + members * self._cost(field.selection_set, type_, below, sizes)


def _rows(field: FieldNode, sizes: Sizes) -> int | None:
    """How many are asked for, from either end of the list."""
    asked = [
        sizes[argument.value.name.value]
        if isinstance(argument.value, VariableNode)
        else _literal_size(argument.value)
        for argument in field.arguments or ()
        if argument.name.value in SIZES
    ]
    return max((size for size in asked if size is not None), default=None)


def _literal_size(value: ValueNode | None) -> int | None:
    return _size(int(value.value)) if isinstance(value, IntValueNode) else None


def _size(value: object) -> int | None:
    """None where it is no size: such a query never comes to its list."""
    return value if isinstance(value, int) and value > 0 else None
