"""Six stories. Each tells what happens, checks that it is what should happen, and can be played as
often as one likes."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from time import perf_counter

from api.demo import documents
from api.demo.client import Client, Unexpected
from api.demo.stage import Result, Stage, Tell, together
from api.demo_data import (
    CHECKMATE,
    COMET,
    MOJAVE,
    NIGHT_SHIFT,
    POLKA,
    SUMMIT,
    THUNDER,
    UNDERTOW,
)
from domain.message import message

BOARDS = 5


@message
class Story:
    """`play` returns how it ended, in a sentence. Raises Unexpected when it ended otherwise."""

    name: str
    title: str
    play: Callable[[Stage, Tell], Awaitable[str]]


async def completed(stage: Stage, tell: Tell) -> str:
    ada, lines = stage.ada, {CHECKMATE: 1, POLKA: 2}
    await stage.have_at_least(lines)
    total, shelves = await stage.cost(lines), await stage.shelves(*lines)
    await stage.deposit(ada, total)
    before = await stage.balance(ada)
    tell(f"Ada puts {stage.money(total)} into her account")
    order = await stage.order(ada, lines, total)
    tell(f"Ada orders 1 Checkmate and 2 Polka for {stage.money(total)}")
    result = await stage.place(ada, order, tell)
    _expect(result["status"] == "COMPLETED", f"the order is {result['status']}")
    _expect(result["order"]["shipment"], "there is no shipment")
    _expect(await stage.balance(ada) == before - total, "the account was not charged the total")
    after = await stage.shelves(*lines)
    sold = {board: shelves[board].available - after[board].available for board in lines}
    _expect(sold == lines, "the stock does not agree")
    return f"COMPLETED: {stage.money(total)} paid, a shipment prepared"


async def short_product(stage: Stage, tell: Tell) -> str:
    await stage.have_at_least({POLKA: 1})
    shelves = await stage.shelves(NIGHT_SHIFT, THUNDER, POLKA)
    lines = {
        NIGHT_SHIFT: shelves[NIGHT_SHIFT].available + 1,
        THUNDER: shelves[THUNDER].available + 2,
        POLKA: 1,
    }
    order = await stage.order(stage.ada, lines, await stage.cost(lines))
    tell(f"Ada orders {lines[NIGHT_SHIFT]} Night Shift, {lines[THUNDER]} Thunder and 1 Polka")
    result = await stage.place(stage.ada, order, tell)
    short = _problem(result, "PRODUCTS_UNAVAILABLE")["products"]
    _expect(
        {product["productId"]: (product["requested"], product["available"]) for product in short}
        == {
            str(board.id): (lines[board], shelves[board].available)
            for board in (NIGHT_SHIFT, THUNDER)
        },
        "not just the two are reported short",
    )
    _expect(await stage.shelves(*lines) == shelves, "the stock is not what it was")
    return "PRODUCTS_UNAVAILABLE: both short ones reported, the Polka is back on its shelf"


async def wrong_price(stage: Stage, tell: Tell) -> str:
    await stage.have_at_least({MOJAVE: 1})
    price = await stage.cost({MOJAVE: 1})
    order = await stage.order(stage.ada, {MOJAVE: 1}, price)
    tell(f"Ada orders 1 Mojave for {stage.money(price)}")
    await stage.set_price(MOJAVE, price + 5)
    try:
        tell(f"Alex, an administrator, raises its price to {stage.money(price + 5)}")
        result = await stage.place(stage.ada, order, tell)
    finally:
        await stage.set_price(MOJAVE, price)
    problem = _problem(result, "WRONG_ORDER_PRICE")
    prices = [Decimal(problem[which]["amount"]) for which in ("provided", "calculated")]
    _expect(prices == [price, price + 5], "the prices reported are others")
    return f"WRONG_ORDER_PRICE: shown {stage.money(prices[0])}, now {stage.money(prices[1])}"


async def little_money(stage: Stage, tell: Tell) -> str:
    balance = await stage.balance(stage.grace)
    price = await stage.cost({SUMMIT: 1})
    lines = {SUMMIT: int(balance // price) + 1}
    await stage.have_at_least(lines)
    total, shelves = await stage.cost(lines), await stage.shelves(SUMMIT)
    order = await stage.order(stage.grace, lines, total)
    tell(f"Grace, who has {stage.money(balance)}, orders {lines[SUMMIT]} Summit")
    result = await stage.place(stage.grace, order, tell)
    problem = _problem(result, "INSUFFICIENT_FUNDS")
    sums = [Decimal(problem[which]["amount"]) for which in ("balance", "required")]
    _expect(sums == [balance, total], "the sums reported are others")
    _expect(await stage.balance(stage.grace) == balance, "the account was charged")
    _expect(await stage.shelves(SUMMIT) == shelves, "the stock is not what it was")
    return f"INSUFFICIENT_FUNDS: {stage.money(total)} needed; the stock is back where it was"


async def retry(stage: Stage, tell: Tell) -> str:
    grace, lines = stage.grace, {UNDERTOW: 2}
    async with stage.having_only(UNDERTOW, 1):
        total = await stage.cost(lines)
        await stage.deposit(grace, total)
        order = await stage.order(grace, lines, total)
        tell(f"Grace orders 2 Undertow for {stage.money(total)}; there is 1")
        _problem(await stage.place(grace, order, tell), "PRODUCTS_UNAVAILABLE")
        await stage.add(UNDERTOW, 1)
        tell("Alex finds another one in the back of the shop")
        result = await stage.place(grace, order, tell)
        _expect(result["status"] == "COMPLETED", f"the order is {result['status']}")
    return "COMPLETED: the same order, placed a second time"


async def twenty_buyers(stage: Stage, tell: Tell) -> str:
    buyers = await stage.buyers()
    tell(f"{len(buyers)} buyers sign in")
    async with stage.having_only(COMET, BOARDS):
        price = await stage.cost({COMET: 1})
        await together(*(stage.deposit(buyer, price) for buyer in buyers))
        before = await together(*(stage.balance(buyer) for buyer in buyers))
        orders = await together(*(stage.order(buyer, {COMET: 1}, price) for buyer in buyers))
        tell(f"Each orders a Comet, of which there are {BOARDS}")
        start = asyncio.Barrier(len(buyers))
        results = await together(
            *(
                _race(stage, buyer, order, start, tell)
                for buyer, order in zip(buyers, orders, strict=True)
            )
        )
        lucky = [result["status"] == "COMPLETED" for result in results]
        _expect(sum(lucky) == BOARDS, f"{sum(lucky)} were sold")
        for result in results:
            if result["status"] != "COMPLETED":
                _problem(result, "PRODUCTS_UNAVAILABLE")
        after = await together(*(stage.balance(buyer) for buyer in buyers))
        paid = [old - new for old, new in zip(before, after, strict=True)]
        _expect(paid == [price * won for won in lucky], "somebody paid the wrong amount")
        left = (await stage.shelves(COMET))[COMET].available
        _expect(left == 0, f"{left} are left")
        _expect(await stage.reserved(COMET) == 0, "some are still reserved")
    return f"{BOARDS} sold, {len(buyers) - BOARDS} refused; money and stock agree"


async def _race(
    stage: Stage, buyer: Client, order: str, start: asyncio.Barrier, tell: Tell
) -> Result:
    name = f"demo {order}"
    async with buyer.follow(documents.RESULT, name=name) as results:
        await start.wait()
        began = perf_counter()
        await stage.start(buyer, order, name)
        result: Result = await anext(results)
    problem = result["problem"]
    outcome = problem["code"] if problem else result["status"]
    tell(f"{buyer.name}: {outcome}", took=perf_counter() - began)
    return result


def _problem(result: Result, code: str) -> Result:
    """Why the execution failed, which must be this."""
    problem: Result = result["problem"] or {"code": "none"}
    _expect(result["status"] == "FAILED", f"the order is {result['status']}")
    _expect(problem["code"] == code, f"the problem is {problem['code']}, not {code}")
    return problem


def _expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise Unexpected(otherwise)


STORIES = (
    Story("completed", "An order that completes", completed),
    Story("short-product", "A short product", short_product),
    Story("wrong-price", "A wrong price", wrong_price),
    Story("little-money", "Too little money", little_money),
    Story("retry", "A retry that then works", retry),
    Story("twenty-buyers", "Twenty buyers for five boards", twenty_buyers),
)
