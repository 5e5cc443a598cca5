"""What nobody would send: every field of the schema, with values that break things."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

LEVELS = 4
SOME = 3  # root fields; members of a list

T = TypeVar("T")
Document = tuple[str, dict[str, Any]]
Declared = dict[str, tuple[str, Any]]  # variables: their types and values

GOOD_TEXTS = ["run", "fails", "Board", "0150", "Ωmega 1"]
BAD_TEXTS = [
    *("", " ", "\0", "a\0b", "\ud800", "\ufeff\u202e\u2028", "\u0130\u017f\ufb03", "e\u0301" * 50),
    "👩‍👩‍👧‍👦" * 9,
    *("' OR 1=1; --", "%' ESCAPE '", "\\", "%_%s%(x)s{0}${jndi:ldap://x}", "<script>", "null"),
    *("../../etc/passwd", "javascript:alert(1)", "//shop.test", "http://[", "x" * 201, "[" * 300),
    "x" * 70_000,
]
TEXTS_FOR: dict[str, list[str]] = {
    "email": ["ada@shop.test", "ADA@shop.test\r\nBcc: eve@shop.test", "a@" + "b" * 64 + ".test"],
    "password": ["violet tractor hymn", "x" * 2_000, "\uff11" * 12],
    "code": ["000000", "123 456", "1" * 5_000],
    "token": ["x" * 43, "\u017f" * 43],
    "image": ["/board.svg", "https://shop.test/b.png"],
    "types": ["OrderPlaced", "orderplaced", "ProductListed"],
    "after": ["MA==", "MQ==", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ==", "MQ", "====", "4pi6"],
}
NUMBERS = [
    *(0, 1, -1, 2, 99, 100, 101, 1_000, 1_001, 1_000_000, 2**31 - 1, 2**31, -(2**31)),
    *(-(2**31) - 1, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, 1e-308),
]
AMOUNTS = [
    *("1", "10.00", "0", "-0", "0.01", "0.001", "-1", "1e1", "1E+9", "1e10", "10000000000.00"),
    *("1e999999", "-1e999999", "1e-999999", "NaN", "sNaN", "-Infinity", "0x10", "1_0", "\uff11"),
    *("9" * 40, "9" * 60, "1" + "0" * 48, "0." + "0" * 40 + "1", " 1 ", "1,5", "+1", "1."),
]
MOMENTS = [
    *("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"),
    *("2026-01-01", "2026-W01", "24:00", "2026-02-30T00:00:00Z", "-1", "1e9", "now", "infinity"),
]
ODD_IDS = [
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "urn:uuid:00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    "00000000000000000000000000000000",
    "\u0660" * 8 + "-0000-0000-0000-000000000000",
]
LITERALS = [
    *("null", "[]", "{}", "[[[]]]", "{a: {b: {}}}", "1e999", "-0", "1" * 400, "0.1", "true"),
    *("NOTHING", '"\\u0000"', '"\\uD800"', '"""block"""', "$missing", '"' + "x" * 5_000 + '"'),
]
ANYTHING: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.sampled_from([*NUMBERS, *BAD_TEXTS]) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=SOME) | st.dictionaries(st.text(max_size=5), inner, max_size=SOME)
    ),
    max_leaves=8,
)


class Nonsense:
    """Of one schema; `ids` are those of things that there are."""

    def __init__(self, schema: GraphQLSchema, ids: Sequence[str]) -> None:
        self._schema = schema
        self._scalars: dict[str, SearchStrategy[Any]] = {
            "ID": _mixed(ids, st.sampled_from(ODD_IDS)),
            "Int": _mixed(NUMBERS[:11], st.sampled_from(NUMBERS)),
            "Decimal": _mixed(AMOUNTS[:6], st.sampled_from([*AMOUNTS, *NUMBERS])),
            "DateTime": st.sampled_from(MOMENTS),
            "Boolean": st.booleans(),
        }

    def operations(self, kind: str) -> SearchStrategy[Document]:
        return st.composite(self._operation)(kind)

    def _operation(self, draw: DrawFn, kind: str) -> Document:
        """A `query` or a `mutation` with its variables."""
        root = {"query": self._schema.query_type, "mutation": self._schema.mutation_type}[kind]
        assert root is not None
        declared: Declared = {}
        selections = []
        for number in range(draw(st.integers(1, SOME))):
            name = draw(st.sampled_from(sorted(root.fields)))
            selected = self._field(draw, name, root.fields[name], LEVELS, declared)
            selections.append(f"a{number}: {selected}")
        heads = ", ".join(f"${name}: {kind}" for name, (kind, _) in declared.items())
        head = f"{kind} ({heads})" if heads else kind
        query = f"{head} {{ {' '.join(selections)} }}"
        return query, {name: value for name, (_, value) in declared.items()}

    def _field(
        self,
        draw: DrawFn,
        name: str,
        field: GraphQLField,
        levels: int,
        declared: Declared,
    ) -> str:
        given = [
            f"{argument}: {self._argument(draw, argument, of, declared)}"
            for argument, of in field.args.items()
            if _is_wanted(draw, required=is_required_argument(of))
        ]
        arguments = f"({', '.join(given)})" if given else ""
        return f"{name}{arguments}{self._below(draw, field.type, levels, declared)}"

    def _argument(
        self,
        draw: DrawFn,
        name: str,
        of: GraphQLArgument,
        declared: Declared,
    ) -> str:
        if _rarely(draw):
            return draw(st.sampled_from(LITERALS))
        variable = f"v{len(declared)}"
        declared[variable] = (str(of.type), self._value(draw, name, of.type))
        return f"${variable}"

    def _below(
        self,
        draw: DrawFn,
        type_: GraphQLOutputType,
        levels: int,
        declared: Declared,
    ) -> str:
        kind = get_named_type(type_)
        if is_leaf_type(kind):
            return ""
        parts = ["__typename"]
        kinds = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        for number, possible in enumerate(kinds):
            assert isinstance(possible, GraphQLObjectType)
            inner = " ".join(
                f"{name}{number}: {self._field(draw, name, field, levels - 1, declared)}"
                for name, field in possible.fields.items()
                if is_leaf_type(get_named_type(field.type)) or (levels and draw(st.booleans()))
            )
            parts.append(f"... on {possible.name} {{ {inner} }}" if inner else "")
        return f" {{ {' '.join(parts)} }}"

    def _value(self, draw: DrawFn, name: str, type_: GraphQLInputType) -> Any:
        if _rarely(draw):
            return draw(ANYTHING)
        match type_:
            case GraphQLNonNull(of_type=inner):
                return self._value(draw, name, inner)
            case GraphQLList(of_type=inner):
                members = [
                    self._value(draw, name, inner) for _ in range(draw(st.integers(0, SOME)))
                ]
                return members * draw(st.sampled_from([1, 1, 1, 1, 34, 400]))
            case GraphQLInputObjectType(fields=fields):
                return {
                    field: self._value(draw, field, of.type)
                    for field, of in fields.items()
                    if _is_wanted(draw, required=is_required_input_field(of))
                }
            case GraphQLEnumType(values=values):
                return draw(_mixed(list(values), st.just("NOTHING")))
            case GraphQLScalarType(name="String"):
                return draw(self._text(name))
            case _:
                return draw(self._scalars[str(type_)])

    def _text(self, name: str) -> SearchStrategy[str]:
        good = next((TEXTS_FOR[word] for word in TEXTS_FOR if word in name.lower()), GOOD_TEXTS)
        return _mixed(good, st.sampled_from(BAD_TEXTS) | st.text(max_size=30))


def _mixed(good: Sequence[T], bad: SearchStrategy[T]) -> SearchStrategy[T]:
    """Mostly good: an operation goes as far as its worst value."""
    return st.integers(0, 15).flatmap(lambda n: bad if n == 11 else st.sampled_from(good))


def _rarely(draw: DrawFn) -> bool:
    return draw(st.integers(0, 63)) == 41  # what is in the middle is not drawn more often


def _is_wanted(draw: DrawFn, *, required: bool) -> bool:
    return not _rarely(draw) if required else draw(st.booleans())


TOKENS = [
    *'{}()[]:=!|&@$#,"\\ \n\0\ufeff',
    *("...", '"""', "query", "mutation", "subscription", "fragment F on Query", "...F", "on"),
    *("@skip(if: true)", "@include(if: $x)", "@defer", "@stream", "@oneOf", "($x: Boolean = 1)"),
    *("__typename", "__schema { types { name } }", '__type(name: "User") { name }', "extend type"),
    *("products", "nodes", "viewer { id }", "(first: 100)", "id", "a: id", "{ a " * 200, "9" * 400),
]


def documents() -> SearchStrategy[str]:
    """Texts that look a little like GraphQL."""
    whole = st.sampled_from(["{ viewer { id } }", "query Q { products { nodes { id name } } }"])
    return st.lists(st.sampled_from(TOKENS) | whole, max_size=30).map(" ".join)


def bodies() -> SearchStrategy[bytes]:
    """What is no request, or hardly."""
    query = st.sampled_from(["{ __typename }", "query ($id: ID!) { product(id: $id) { id } }"])
    request = st.fixed_dictionaries(
        {"query": query | ANYTHING},
        optional={"variables": ANYTHING, "operationName": ANYTHING, "extensions": ANYTHING},
    )
    written = (request | ANYTHING | st.lists(request, max_size=SOME)).map(json.dumps)
    return written.map(str.encode) | st.binary(max_size=200) | st.just(b'{"query": NaN}')


def messages() -> SearchStrategy[dict[str, Any]]:
    """What is sent on a websocket."""
    payload = st.fixed_dictionaries(
        {"query": documents() | st.just("subscription { productChanged { id } }")},
        optional={"variables": ANYTHING, "operationName": ANYTHING},
    )
    known = st.sampled_from(["subscribe", "subscribe", "subscribe", "complete", "ping", "pong"])
    message = st.fixed_dictionaries(
        {"type": known, "id": st.sampled_from(["1", "2", "3"]), "payload": payload}
    )
    odd = st.dictionaries(st.sampled_from(["type", "id", "payload"]), ANYTHING)
    return st.integers(0, 15).flatmap(lambda n: odd if n == 11 else message)
