"""Who may ask for what: signed out, its owner, another customer, an administrator."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
)

from api.graphql.services import WITHOUT_TOKEN
from tests.api.mutations import ADDRESS, UPDATE_PRODUCT, buy, create
from tests.api.shop import PATIENCE, Client, Shop, hear, say
from tests.security.permissions import GIVEN, GUARDED, NO, NULL, ROOTS, WAITS, WHO, YES

QUIET = 0.3  # seconds in which nothing comes where nothing will


@dataclass
class Things:
    """Who asks, and what for: everything named belongs to the `owner`."""

    visitor: Client
    owner: Client
    other: Client
    admin: Client
    names: dict[str, str]

    def fill(self, document: str) -> str:
        for name, value in self.names.items():
            document = document.replace(f"${name}", value)
        return document


@pytest.fixture(scope="module")
def things(shop: Shop) -> Things:
    return asyncio.run(_things(shop))


async def _things(shop: Shop) -> Things:
    owner, other = await shop.customer(), await shop.customer()
    product, old = await shop.product(), await shop.product()
    run = str(uuid4())
    names = {
        "owner": str(owner.user_id),
        "email": f"{owner.user_id}@shop.test",
        "nobody": f"{uuid4()}@shop.test",
        "account": str(owner.account_id),
        "product": product,
        "old": old,
        "run": run,
        "done": (await buy(owner, run, "10.00", {product: 1}))["order"]["id"],
        "first": await create(owner, "10.00", {product: 1}),
        "second": await create(owner, "10.00", {product: 1}),
        "address": "{ " + ", ".join(f'{k}: "{v}"' for k, v in ADDRESS.items()) + " }",
    }
    return Things(shop.visitor(), owner, other, await shop.admin(), names)


@pytest.fixture(scope="module")
def schema(shop: Shop) -> GraphQLSchema:
    """As the running shop tells it."""
    document = get_introspection_query(input_value_deprecation=True)
    return build_client_schema(asyncio.run(shop.visitor().data(document)))  # type: ignore[arg-type]


async def outcome(client: Client, document: str, expected: str) -> str:
    if document.startswith("subscription"):
        return await by_websocket(client, document, expected)
    answer = await client.send(document)
    if document.startswith("{"):
        assert await by_websocket(client, document, expected) == told(answer)
    return told(answer)


async def by_websocket(client: Client, document: str, expected: str) -> str:
    """What the first message says; nothing may be said only where that is expected."""
    async with client.socket() as socket:
        await say(socket, type="subscribe", id="1", payload={"query": document})
        try:
            async with asyncio.timeout(QUIET if expected == WAITS else PATIENCE):
                message = await hear(socket)
        except TimeoutError:
            return WAITS
    payload = message["payload"]
    return told({"errors": payload} if message["type"] == "error" else payload)


def told(answer: dict[str, Any]) -> str:
    for error in answer.get("errors", ()):
        code: str = error["extensions"]["code"]
        return code
    [value] = answer["data"].values()
    if value is None:
        return NULL
    problem: str | None = value.get("code") if isinstance(value, dict) else None
    return problem or YES


ROWS = [(field, *row) for field, row in ROOTS.items()] + [
    (field, *row) for field, rows in GUARDED.items() for row in rows
]


@pytest.mark.parametrize(("field", "document", "expected"), ROWS, ids=[field for field, *_ in ROWS])
async def test_who_may(
    things: Things, field: str, document: str, expected: tuple[str, str, str, str]
) -> None:
    document = things.fill(document)
    for_visitor, for_owner, for_other, for_admin = expected
    found = await asyncio.gather(
        outcome(things.visitor, document, for_visitor),
        outcome(things.other, document, for_other),
        outcome(things.admin, document, for_admin),
    )
    # Later than the others: what the owner does is done.
    owner = await outcome(things.owner, document, for_owner)
    assert (found[0], owner, *found[1:]) == expected, field


def test_every_field_of_the_schema_has_a_row(schema: GraphQLSchema) -> None:
    rows = {*ROOTS, *GUARDED} | {
        f"{name}.{field}" for name, fields in GIVEN.items() for field in fields.split()
    }
    assert rows == {f"{kind.name}.{field}" for kind in objects(schema) for field in kind.fields}


def objects(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    return [
        kind
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
    ]


def everything(kind: GraphQLObjectType, levels: int) -> str:
    """A selection of all that there is below the type, but for what is guarded."""
    return " ".join(
        selected(name, field, levels)
        for name, field in kind.fields.items()
        if f"{kind.name}.{name}" not in GUARDED and name != "edges"
    )


def selected(name: str, field: GraphQLField, levels: int) -> str:
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return name
    if not isinstance(kind, GraphQLObjectType):
        return f"{name} {{ __typename }}"
    if not levels:
        return ""
    page = "(first: 5)" if "first" in field.args else ""
    below = everything(kind, levels - 1)
    return f"{name}{page} {{ {below} }}" if below else ""


# What `node` answers has no fields of its own; each kind of it is also come to otherwise.
READS = [
    document
    for field, (document, _) in ROOTS.items()
    if field.startswith("Query.") and field != "Query.node"
]
MORE = ["{ orders { totalCount } }", '{ user(email: "$email") { id } }']


async def seen(things: Things, client: Client, schema: GraphQLSchema) -> str:
    """All that the client gets to see by asking every query for everything."""
    assert schema.query_type is not None
    answers = []
    for document in [*READS, *MORE]:
        name = document.split()[1].partition("(")[0]
        kind = get_named_type(schema.query_type.fields[name].type)
        assert isinstance(kind, GraphQLObjectType)
        head = things.fill(document[: document.rindex("{")])
        answer = await client.send(f"{head} {{ {everything(kind, 3)} }} }}")
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert codes <= {"UNAUTHENTICATED", "FORBIDDEN"}, answer
        answers.append(str(answer))
    return "".join(answers)


async def test_nobody_gets_to_anything_of_somebody_elses(
    things: Things, schema: GraphQLSchema
) -> None:
    private = ["owner", "email", "account", "run", "done", "first", "second"]
    for client, sees in [
        (things.visitor, []),
        (things.other, []),
        (things.owner, private),
        (things.admin, private),
    ]:
        text = await seen(things, client, schema)
        assert [name for name in private if things.names[name] in text] == sees


# Orders are for whoever is signed in: the contract says that they are there.
QUERIES = [f for f in ROOTS if f.startswith("Query.") and f != "Query.orders"]


@pytest.mark.parametrize("field", QUERIES)
async def test_what_may_not_be_seen_takes_nothing_else_with_it(things: Things, field: str) -> None:
    window = '{ product(id: "$product") { id name } '
    document = things.fill(window + ROOTS[field][0].strip().replace("{", "asked:", 1))
    for client in (things.visitor, things.other):
        answer = await client.send(document)
        assert answer["data"]["product"]["id"] == things.names["product"]
        assert [error["path"] for error in answer.get("errors", ())] in ([], [["asked"]])


async def test_the_stock_takes_no_product_with_it(things: Things) -> None:
    document = things.fill('{ products(ids: ["$product"]) { nodes { id stock { onHand } } } }')
    for client in (things.visitor, things.other):
        answer = await client.send(document)
        assert answer["data"]["products"]["nodes"] == [
            {"id": things.names["product"], "stock": None}
        ]
        [error] = answer["errors"]
        assert error["path"] == ["products", "nodes", 0, "stock"]


async def test_a_pushed_product_is_as_guarded_as_another(shop: Shop, things: Things) -> None:
    document = "subscription ($ids: [ID!]) { productChanged(ids: $ids) { stock { onHand } } }"
    product = await shop.product()
    for client, expected in [
        (things.visitor, WHO),
        (things.other, NO),
        (things.admin, YES),
    ]:
        async with client.follow(document, ids=[product]) as following:
            await things.admin.ask(UPDATE_PRODUCT, input={"id": product, "name": str(uuid4())})
            message = await following.message()
            assert told(message["payload"]) == expected


@pytest.mark.parametrize(
    "field", ["Query.order", "Query.execution", "Mutation.placeOrder", "Mutation.cancelOrder"]
)
async def test_what_is_somebody_elses_is_told_like_what_is_not_there(
    things: Things, field: str
) -> None:
    document = ROOTS[field][0].replace("{ code }", "{ code message }")
    somebodys = {name: things.names[name] for name in ("done", "run", "first", "second")}
    nobodys = dict.fromkeys(somebodys, str(uuid4()))
    answers = []
    for names in (somebodys, nobodys):
        answer = str(await things.other.send(replace(things, names=names).fill(document)))
        for value in names.values():
            answer = answer.replace(value, "…")
        answers.append(answer)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("field", [field for field in ROOTS if "Subscription" not in field])
async def test_who_brings_a_token_that_is_refused_may_only_ask_for_another(
    things: Things, field: str
) -> None:
    document = things.fill(ROOTS[field][0])
    found = told(await replace(things.visitor, token="x.y.z").send(document))
    assert found == (YES if field.partition(".")[2] in WITHOUT_TOKEN else WHO)
