"""The shop's main job: what becomes of an order, and that nothing is ever sold twice."""

import asyncio
from collections import Counter
from typing import Any

from tests.api.mutations import DEPOSIT, PROGRESS, RESULT, UPDATE_PRODUCT, buy, create, place
from tests.api.shop import Client, Shop

STOCK = "query ($id: ID!) { product(id: $id) { stock { onHand reserved available } } }"
BALANCE = "{ viewer { account { balance { amount } transactions { nodes { reason } } } } }"


async def stock(admin: Client, product: str) -> tuple[int, int]:
    """What is on hand and what is reserved."""
    found = (await admin.ask(STOCK, id=product))["stock"]
    assert found["available"] == found["onHand"] - found["reserved"]
    return found["onHand"], found["reserved"]


async def balance(client: Client) -> str:
    account = (await client.ask(BALANCE))["account"]
    amount: str = account["balance"]["amount"]
    return amount


async def test_an_order_completes_with_its_shipment(shop: Shop) -> None:
    ada, admin = await shop.customer(money=100_00), await shop.admin()
    board = await shop.product(price=30_00, quantity=4)
    result = await buy(ada, "completes", "90.00", {board: 3})
    assert result["status"] == "COMPLETED"
    assert result["order"]["shipment"]
    assert await balance(ada) == "10.00"
    assert await stock(admin, board) == (1, 0)


async def test_a_wrong_price_is_told_with_both_prices(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    board = await shop.product(price=30_00)
    order = await create(ada, "60.00", {board: 2})
    await admin.ask(UPDATE_PRODUCT, input={"id": board, "price": "35"})
    await place(ada, order, "wrong price")
    async with ada.follow(RESULT, name="wrong price") as following:
        result = await following.next()
    assert result["status"] == "FAILED"
    problem = result["order"]["problem"]
    assert (problem["__typename"], problem["code"]) == (
        "WrongOrderPriceProblem",
        "WRONG_ORDER_PRICE",
    )
    assert problem["provided"] == {"amount": "60.00"}
    assert problem["calculated"] == {"amount": "70.00"}
    assert await stock(admin, board) == (10, 0)
    assert await balance(ada) == "1000.00"


async def test_every_short_product_is_told(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    enough = await shop.product(quantity=5)
    few, none = (
        await shop.product(quantity=1, name="Few"),
        await shop.product(quantity=0, name="No"),
    )
    result = await buy(ada, "short", "60.00", {few: 2, enough: 3, none: 1})
    problem = result["order"]["problem"]
    assert problem["code"] == "PRODUCTS_UNAVAILABLE"
    assert problem["products"] == [
        {"productId": few, "name": "Few", "requested": 2, "available": 1},
        {"productId": none, "name": "No", "requested": 1, "available": 0},
    ]
    assert await stock(admin, enough) == (5, 0)
    async with ada.follow(PROGRESS, name="short") as following:
        steps = [step["type"] for step in await following.rest()]
    assert Counter(steps) == Counter(
        ["STARTED", "STOCK_REFUSED", "STOCK_RESERVED", "STOCK_REFUSED", "STOCK_RELEASED", "FAILED"]
    )


async def test_too_little_money_puts_the_stock_back(shop: Shop) -> None:
    ada, admin = await shop.customer(money=29_99), await shop.admin()
    board = await shop.product(price=30_00)
    result = await buy(ada, "poor", "30.00", {board: 1})
    problem = result["order"]["problem"]
    assert problem["code"] == "INSUFFICIENT_FUNDS"
    assert problem["balance"] == {"amount": "29.99"}
    assert problem["required"] == {"amount": "30.00"}
    assert await stock(admin, board) == (10, 0)
    assert await balance(ada) == "29.99"


async def test_an_order_that_failed_works_when_it_is_placed_again(shop: Shop) -> None:
    ada = await shop.customer(money=0)
    order = (await buy(ada, "first try", "10.00", {await shop.product(): 1}))["order"]
    assert order["status"] == "FAILED"
    await ada.ask(DEPOSIT, input={"amount": "10"})
    await place(ada, order["id"], "second try")
    async with ada.follow(RESULT, name="second try") as following:
        assert (await following.next())["status"] == "COMPLETED"
    document = "query ($id: ID!) { order(id: $id) { problem { code } executions { name status } } }"
    assert await ada.ask(document, id=order["id"]) == {
        "problem": None,
        "executions": [
            {"name": "second try", "status": "SUCCEEDED"},
            {"name": "first try", "status": "FAILED"},
        ],
    }


async def test_72_orders_at_once_sell_40_boards_and_not_one_more(shop: Shop) -> None:
    admin = await shop.admin()
    board = await shop.product(price=19_99, quantity=40)
    customers = [await shop.customer(money=1_000_00) for _ in range(12)]

    async def buys(customer: Client, n: int) -> dict[str, Any]:
        return await buy(customer, f"rush {n}", "19.99", {board: 1})

    results = await asyncio.gather(*(buys(each, n) for each in customers for n in range(6)))
    outcomes = Counter(result["status"] for result in results)
    assert outcomes == {"COMPLETED": 40, "FAILED": 32}
    reasons = {r["order"]["problem"]["code"] for r in results if r["status"] == "FAILED"}
    assert reasons == {"PRODUCTS_UNAVAILABLE"}
    assert await stock(admin, board) == (0, 0)
    for customer, own in zip(customers, range(0, 72, 6), strict=True):
        bought = sum(result["status"] == "COMPLETED" for result in results[own : own + 6])
        assert await balance(customer) == f"{1000 - bought * 1999 / 100:.2f}"
