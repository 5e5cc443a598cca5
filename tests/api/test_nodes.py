"""Ids that are nobody else's, and `node`, which finds what has them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ids import booking_id, booking_position, shipment_id
from infrastructure.ids import made_at, new_id
from tests.api.mutations import CREATE_ORDER, CREATE_PRODUCTS, DEPOSIT, buy, order_input
from tests.api.shop import Client, Shop

EVERYTHING = """{ orders { nodes { __typename id shipment { __typename id }
    customer { __typename id account { __typename id transactions { nodes { __typename id } } } }
    items { product { __typename id } }
    executions { __typename id order { __typename id } } } } }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
WHOLE = """query ($id: ID!) { node(id: $id) {
    ... on User { email account { id } } ... on Account { balance { amount } }
    ... on Transaction { reason balance { amount } order { id } } ... on Product { name available }
    ... on Order { status total { amount } } ... on Execution { name steps { type } } } }"""


def found(answer: Any) -> Iterator[tuple[str, str]]:
    """All ids in an answer, each with the type of what has it."""
    if isinstance(answer, list):
        for each in answer:
            yield from found(each)
    elif isinstance(answer, dict):
        if "id" in answer:
            yield answer["id"], answer["__typename"]
        for each in answer.values():
            yield from found(each)


async def ids_of(client: Client) -> dict[str, str]:
    """By id, the type; of everything that an administrator sees."""
    types = defaultdict[str, set[str]](set)
    for id_, typename in found(await client.data(EVERYTHING)):
        types[id_].add(typename)
    assert {id_: kinds for id_, kinds in types.items() if len(kinds) > 1} == {}
    return {id_: kind for id_, [kind] in types.items()}


async def a_customer(shop: Shop, product: str) -> Client:
    """Who has deposited, and bought."""
    ada = await shop.customer()
    # Many clients may bring the same id: each in its own account.
    await ada.ask(DEPOSIT, input={"amount": "5", "id": str(UUID(int=7))})
    await buy(ada, "first", "10.00", {product: 1})
    return ada


async def test_ids_are_unique_over_all_types(shop: Shop) -> None:
    product = await shop.product()
    ada, bob, admin = (
        await a_customer(shop, product),
        await a_customer(shop, product),
        await shop.admin(),
    )
    ids = await ids_of(admin)
    assert set(ids.values()) == {
        *("User", "Account", "Transaction", "Product", "Order", "Execution", "Shipment")
    }
    for client in (ada, bob):
        answer = await client.ask(
            "{ viewer { account { transactions { nodes { reason } totalCount } } } }"
        )
        assert answer["account"]["transactions"]["totalCount"] == 3
    transactions = [id_ for id_, kind in ids.items() if kind == "Transaction"]
    assert len(transactions) >= 6, "the opening, the deposit and the payment of each"


async def test_everything_is_found_again_by_its_id(shop: Shop) -> None:
    ada = await a_customer(shop, await shop.product())
    for id_, kind in (await ids_of(ada)).items():
        if kind == "Shipment":
            continue
        assert await ada.ask(NODE, id=id_) == {"__typename": kind, "id": id_}
        assert await ada.ask(WHOLE, id=id_)


async def test_a_transaction_that_is_found_again_is_the_same(shop: Shop) -> None:
    ada = await a_customer(shop, await shop.product())
    fields = "id reason balance { amount } order { id }"
    listed = (
        await ada.ask(f"{{ viewer {{ account {{ transactions {{ nodes {{ {fields} }} }} }} }} }}")
    )["account"]["transactions"]["nodes"]
    assert [entry["reason"] for entry in listed] == ["ORDER_PAYMENT", "DEPOSIT", "OPENING_DEPOSIT"]
    document = f"query ($id: ID!) {{ node(id: $id) {{ ... on Transaction {{ {fields} }} }} }}"
    for entry in listed:
        assert await ada.ask(document, id=entry["id"]) == entry


async def test_only_what_may_be_seen_is_found(shop: Shop) -> None:
    ada = await a_customer(shop, await shop.product())
    bob, visitor, admin = await shop.customer(), shop.visitor(), await shop.admin()
    for id_, kind in (await ids_of(ada)).items():
        if kind == "Shipment":
            continue
        told = {"__typename": kind, "id": id_}
        public = told if kind == "Product" else None
        assert await bob.ask(NODE, id=id_) == await visitor.ask(NODE, id=id_) == public
        assert await admin.ask(NODE, id=id_) == told


async def test_what_is_nothings_id_is_null_and_what_is_no_id_an_error(shop: Shop) -> None:
    admin = await shop.admin()
    for nothing in (uuid4(), booking_id(2**53), booking_id(0), shipment_id(uuid4())):
        assert await admin.ask(NODE, id=str(nothing)) is None
    answer = await admin.send('{ node(id: "x") { id } viewer { id } }')
    assert answer["data"] == {"node": None, "viewer": {"id": str(admin.user_id)}}
    [error] = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["node"], "BAD_USER_INPUT")


async def test_many_nodes_are_found_in_one_statement_a_kind(shop: Shop) -> None:
    admin = await shop.admin()
    products = [await shop.product() for _ in range(3)]
    fields = " ".join(f'n{n}: node(id: "{id_}") {{ id }}' for n, id_ in enumerate(products))
    assert list((await admin.data(f"{{ {fields} }}")).values()) == [{"id": id_} for id_ in products]


async def test_an_id_that_is_brought_twice_is_one_things(shop: Shop) -> None:
    ada, bob, admin = await shop.customer(), await shop.customer(), await shop.admin()
    product = await shop.product()
    deposit = {"amount": "5", "id": str(uuid4())}
    first = await ada.ask(DEPOSIT, input=deposit)
    assert first["transaction"]["id"] == deposit["id"]
    second = await bob.ask(DEPOSIT, input=deposit)
    assert second["transaction"]["id"] != deposit["id"]
    assert await bob.ask(DEPOSIT, input=deposit) == second
    for client, payload in ((ada, first), (bob, second)):
        told = await client.ask(NODE, id=payload["transaction"]["id"])
        assert told["__typename"] == "Transaction"
    for taken in (deposit["id"], str(ada.user_id)):
        order = order_input("10.00", {product: 1}, id=taken)
        assert (await ada.ask(CREATE_ORDER, input=order))["code"] == "CONFLICT"
        listed = {"id": taken, "name": "Deck", "imageUrl": "/d.svg", "price": "1", "quantity": 1}
        assert (await admin.ask(CREATE_PRODUCTS, input=[listed]))["code"] == "CONFLICT"
    order = order_input("10.00", {product: 1}, id=str(uuid4()))
    ordered = (await ada.ask(CREATE_ORDER, input=order))["order"]["id"]
    paid = await ada.ask(DEPOSIT, input={"amount": "1", "id": ordered})
    assert paid["transaction"]["id"] not in (ordered, None)
    assert await ada.ask(NODE, id=ordered) == {"__typename": "Order", "id": ordered}


async def test_nobody_brings_the_id_of_a_transaction(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    mark = str(booking_id(1))
    order = order_input("10.00", {await shop.product(): 1}, id=mark)
    assert await ada.code(CREATE_ORDER, input=order) == "BAD_USER_INPUT"
    product = {"id": mark, "name": "Board", "imageUrl": "/b.svg", "price": "1", "quantity": 1}
    assert await admin.code(CREATE_PRODUCTS, input=[product]) == "BAD_USER_INPUT"
    assert await ada.code(DEPOSIT, input={"amount": "1", "id": mark}) == "BAD_USER_INPUT"


@given(st.integers(0, 2**62 - 1))
def test_the_id_of_a_transaction_is_turned_back(position: int) -> None:
    id_ = booking_id(position)
    assert (id_.version, id_.variant) == (8, "specified in RFC 4122")
    assert booking_position(id_) == position


@given(st.uuids())
def test_no_other_id_is_a_transactions(id_: UUID) -> None:
    assert booking_position(id_) is None


@pytest.mark.parametrize("version", [1, 4, 7])
def test_an_id_says_when_it_was_made_where_it_knows(version: int) -> None:
    if version == 7:
        made = made_at(new_id())
        assert made is not None
        assert made.year >= 2025
        assert made_at(UUID(int=(2**48 - 1) << 80 | 7 << 76 | 1 << 63)) is None
    else:
        assert made_at(UUID(int=version << 76 | 1 << 63)) is None
