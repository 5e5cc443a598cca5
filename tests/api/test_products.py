"""What administrators do with products."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.mutations import (
    ADJUST_STOCK,
    CREATE_PRODUCTS,
    DISCONTINUE,
    UPDATE_PRODUCT,
    buy,
    create,
    place,
)
from tests.api.shop import Shop

STOCK = "query ($id: ID!) { product(id: $id) { available stock { onHand reserved } } }"


def given(**changes: object) -> dict[str, Any]:
    return {"name": "Board", "imageUrl": "/b.svg", "price": "10.00", "quantity": 3, **changes}


async def test_products_are_created_in_the_order_given(shop: Shop) -> None:
    admin = await shop.admin()
    own = str(uuid4())
    rows = [given(name="One", id=own), given(name="Two", price="0.01", quantity=0)]
    payload = await admin.ask(CREATE_PRODUCTS, input=rows)
    one, two = payload["products"]
    assert one == {
        "id": own,
        "name": "One",
        "imageUrl": "/b.svg",
        "price": {"amount": "10.00", "currency": "USD"},
        "available": 3,
        "discontinued": False,
    }
    assert (two["name"], two["price"]["amount"], two["available"]) == ("Two", "0.01", 0)


async def test_all_that_is_wrong_with_products_is_reported_at_once(shop: Shop) -> None:
    admin = await shop.admin()
    same = str(uuid4())
    rows = [
        given(id=same, name=" ", price="0"),
        given(id=same, imageUrl="javascript:alert(1)", quantity=-1),
        given(price="NaN", name="x" * 201),
    ]
    problem = await admin.ask(CREATE_PRODUCTS, input=rows)
    assert sorted(field["path"] for field in problem["fields"]) == [
        "input[0].name",
        "input[0].price",
        "input[1].id",
        "input[1].imageUrl",
        "input[1].quantity",
        "input[2].name",
        "input[2].price",
    ]


@pytest.mark.parametrize("count", [0, 101])
async def test_between_1_and_100_products_are_created_at_once(shop: Shop, count: int) -> None:
    admin = await shop.admin()
    problem = await admin.ask(CREATE_PRODUCTS, input=[given()] * count)
    assert [field["path"] for field in problem["fields"]] == ["input"]


async def test_100_products_are_created_at_once(shop: Shop) -> None:
    admin = await shop.admin()
    payload = await admin.ask(CREATE_PRODUCTS, input=[given(name=f"No {n}") for n in range(100)])
    assert [product["name"] for product in payload["products"]] == [f"No {n}" for n in range(100)]


async def test_products_created_again_are_answered_with_as_they_are(shop: Shop) -> None:
    admin = await shop.admin()
    rows = [given(id=uuid4()), given(id=uuid4(), name="Other")]
    first = await admin.ask(CREATE_PRODUCTS, input=rows)
    assert await admin.ask(CREATE_PRODUCTS, input=rows) == first
    await admin.ask(UPDATE_PRODUCT, input={"id": rows[0]["id"], "price": "11"})
    again = await admin.ask(CREATE_PRODUCTS, input=rows)
    assert [product["price"]["amount"] for product in again["products"]] == ["11.00", "10.00"]


async def test_all_products_of_a_call_are_created_or_none(shop: Shop) -> None:
    admin = await shop.admin()
    known, new = given(id=uuid4()), given(id=uuid4())
    await admin.ask(CREATE_PRODUCTS, input=[known])
    problem = await admin.ask(CREATE_PRODUCTS, input=[new, {**known, "name": "Other"}])
    assert problem["__typename"] == "ConflictProblem"
    assert await admin.ask("query ($id: ID!) { product(id: $id) { id } }", id=new["id"]) is None


async def test_a_product_changes_in_what_is_given(shop: Shop) -> None:
    admin = await shop.admin()
    board = await shop.product(name="Old")
    payload = await admin.ask(UPDATE_PRODUCT, input={"id": board, "name": "New", "price": None})
    assert payload["product"]["name"] == "New"
    assert payload["product"]["price"]["amount"] == "10.00"
    payload = await admin.ask(
        UPDATE_PRODUCT, input={"id": board, "price": "12", "imageUrl": "/n.png"}
    )
    assert payload["product"]["name"] == "New"
    assert payload["product"]["price"]["amount"] == "12.00"
    assert payload["product"]["imageUrl"] == "/n.png"
    assert await admin.ask(UPDATE_PRODUCT, input={"id": board}) == payload


async def test_all_that_is_wrong_with_a_change_is_reported_at_once(shop: Shop) -> None:
    admin = await shop.admin()
    wrong = {"id": await shop.product(), "name": "", "imageUrl": "x:y", "price": "1.001"}
    problem = await admin.ask(UPDATE_PRODUCT, input=wrong)
    assert [field["path"] for field in problem["fields"]] == ["name", "imageUrl", "price"]


async def test_stock_is_adjusted_with_a_reason(shop: Shop) -> None:
    admin = await shop.admin()
    board = await shop.product(quantity=3)
    more = await admin.ask(ADJUST_STOCK, input={"productId": board, "by": 5, "reason": "delivery"})
    assert more["product"]["stock"] == {"onHand": 8, "reserved": 0}
    less = await admin.ask(ADJUST_STOCK, input={"productId": board, "by": -8, "reason": "fire"})
    assert less["product"]["available"] == 0
    problem = await admin.ask(ADJUST_STOCK, input={"productId": board, "by": -1, "reason": "fire"})
    assert problem["__typename"] == "ConflictProblem"


async def test_a_repeated_adjustment_happens_once(shop: Shop) -> None:
    admin = await shop.admin()
    board = await shop.product(quantity=3)
    sent = {"productId": board, "by": 5, "reason": "delivery", "id": str(uuid4())}
    first = await admin.ask(ADJUST_STOCK, input=sent)
    await admin.ask(ADJUST_STOCK, input={"productId": board, "by": 1, "reason": "found"})
    again = await admin.ask(ADJUST_STOCK, input=sent)
    assert (first["product"]["available"], again["product"]["available"]) == (8, 9)
    other = await admin.ask(ADJUST_STOCK, input={**sent, "by": 6})
    assert other["code"] == "CONFLICT"


async def test_an_adjustment_is_checked(shop: Shop) -> None:
    admin = await shop.admin()
    board = await shop.product(quantity=3)
    problem = await admin.ask(ADJUST_STOCK, input={"productId": board, "by": 0, "reason": " "})
    assert [field["path"] for field in problem["fields"]] == ["reason", "by"]
    most = {"productId": board, "by": 2**31 - 1, "reason": "too many"}
    problem = await admin.ask(ADJUST_STOCK, input=most)
    assert [field["path"] for field in problem["fields"]] == ["by"]
    assert await admin.code(ADJUST_STOCK, input={**most, "by": 2**31}) == "BAD_USER_INPUT"


async def test_discontinued_products_keep_their_orders(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    gone, other = await shop.product(), await shop.product()
    bought = await buy(ada, "in time", "10.00", {gone: 1})
    waiting = await create(ada, "10.00", {gone: 1})
    payload = await admin.ask(DISCONTINUE, ids=[gone, other, gone])
    assert [product["discontinued"] for product in payload["products"]] == [True, True]
    assert await admin.ask(DISCONTINUE, ids=[gone, other]) == payload
    await place(ada, waiting, "too late")
    document = "query ($id: ID!) { order(id: $id) { items { product { discontinued } } } }"
    order = await ada.ask(document, id=bought["order"]["id"])
    assert order == {"items": [{"product": {"discontinued": True}}]}
    problem = await admin.ask(UPDATE_PRODUCT, input={"id": gone, "price": "1"})
    assert problem["__typename"] == "ConflictProblem"


async def test_all_products_are_discontinued_or_none(shop: Shop) -> None:
    admin = await shop.admin()
    known, unknown = await shop.product(), str(uuid4())
    problem = await admin.ask(DISCONTINUE, ids=[known, unknown])
    assert (problem["code"], problem["id"]) == ("NOT_FOUND", unknown)
    assert (await admin.ask(STOCK, id=known))["available"] == 10
    assert await admin.code(DISCONTINUE, ids=[]) == "BAD_USER_INPUT"
    assert await admin.code(DISCONTINUE, ids=[known] * 101) == "BAD_USER_INPUT"


async def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    admin = await shop.admin()
    unknown = str(uuid4())
    problem = await admin.ask(UPDATE_PRODUCT, input={"id": unknown, "name": "New"})
    assert (problem["__typename"], problem["id"]) == ("NotFoundProblem", unknown)
    problem = await admin.ask(ADJUST_STOCK, input={"productId": unknown, "by": 1, "reason": "x"})
    assert (problem["__typename"], problem["id"]) == ("NotFoundProblem", unknown)


async def test_products_are_for_administrators(shop: Shop) -> None:
    board = await shop.product()
    calls: list[tuple[str, dict[str, Any]]] = [
        (CREATE_PRODUCTS, {"input": [given()]}),
        (UPDATE_PRODUCT, {"input": {"id": board, "name": "Mine"}}),
        (ADJUST_STOCK, {"input": {"productId": board, "by": 1, "reason": "x"}}),
        (DISCONTINUE, {"ids": [board]}),
    ]
    ada = await shop.customer()
    for document, variables in calls:
        assert await shop.visitor().code(document, **variables) == "UNAUTHENTICATED"
        assert await ada.code(document, **variables) == "FORBIDDEN"
