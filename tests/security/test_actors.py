"""Every event says who caused it, and what it belongs to."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from api.validation import parse_uuid
from infrastructure.ids import execution_id, new_id
from tests.api.mutations import (
    ADJUST_STOCK,
    CANCEL_ORDER,
    CREATE_ORDER,
    CREATE_PRODUCTS,
    DEPOSIT,
    DISCONTINUE,
    UPDATE_PRODUCT,
    WITHDRAW,
    buy,
    order_input,
)
from tests.api.shop import Client, Shop
from tests.api.test_people import PASSWORD, SIGN_UP, VERIFY
from tests.security.people import an_address, post_of


@dataclass(frozen=True)
class Origin:
    """Of an event: who, what for, and what was before it; `at` is its own stream and version."""

    type: str
    actor: UUID | None
    correlation: UUID
    causation: str
    at: str


async def origins(shop: Shop, which: str, *parameters: object) -> list[Origin]:
    """Of the events of which that is so, in the order of the log."""
    query = (
        "SELECT type, actor_id, correlation_id, causation_id, stream_id || '/' || version"
        f" FROM event_log WHERE {which} ORDER BY position"
    )
    async with shop.api.services.pool.connection() as connection:
        cursor = await connection.execute(query.encode(), parameters)
        return [Origin(*row) for row in await cursor.fetchall()]


async def caused(shop: Shop, client: Client, document: str, **variables: object) -> list[str]:
    """The types of the events that a request causes; all of them say that it was this client's."""
    own = new_id()
    body = {"query": document, "variables": variables}
    answer = await client.post(body, headers={"X-Request-Id": str(own)})
    assert "errors" not in answer.json(), answer.text
    found = await origins(shop, "correlation_id = %s", own)
    assert {(origin.actor, origin.causation) for origin in found} == {(client.user_id, str(own))}
    return [origin.type for origin in found]


async def test_what_somebody_does_is_recorded_as_theirs(shop: Shop) -> None:
    ada, root, product = await shop.customer(), await shop.admin(), str(new_id())
    board = {"id": product, "name": "Board", "imageUrl": "/b", "price": "1", "quantity": 9}
    order = order_input("1.00", {product: 1}, id=str(new_id()))
    name, more = {"id": product, "name": "Plank"}, {"productId": product, "by": 1, "reason": "x"}
    for client, document, variables, events in (
        (root, CREATE_PRODUCTS, {"input": [board]}, ["ProductListed"]),
        (root, UPDATE_PRODUCT, {"input": name}, ["ProductChanged"]),
        (root, ADJUST_STOCK, {"input": more}, ["StockAdjusted"]),
        (ada, DEPOSIT, {"input": {"amount": "2"}}, ["Deposited"]),
        (ada, WITHDRAW, {"input": {"amount": "1"}}, ["Withdrawn"]),
        (ada, CREATE_ORDER, {"input": order}, ["OrderCreated"]),
        (ada, CANCEL_ORDER, {"orderId": order["id"]}, ["OrderCancelled"]),
        (root, DISCONTINUE, {"ids": [product]}, ["ProductDiscontinued"]),
    ):
        assert await caused(shop, client, document, **variables) == events


async def test_an_account_is_opened_by_its_owner(shop: Shop) -> None:
    email, own = an_address(), new_id()
    visitor = shop.visitor()
    form = {"email": email, "password": PASSWORD, "name": "Ada"}
    await visitor.ask(SIGN_UP, input=form)
    async with post_of(shop) as post:
        body = {
            "query": VERIFY,
            "variables": {"input": {"email": email, "code": await post.code(email)}},
        }
    answer = await visitor.post(body, headers={"X-Request-Id": str(own)})
    user: dict[str, Any] = answer.json()["data"]["verifyEmail"]["user"]
    [opened] = await origins(shop, "correlation_id = %s", own)
    assert (opened.type, str(opened.actor)) == ("AccountOpened", user["id"])


@pytest.mark.parametrize(
    ("total", "price", "status"),
    [("20.00", 10_00, "COMPLETED"), ("20.00", 11_00, "FAILED"), ("9000.00", 4500_00, "FAILED")],
    ids=["that succeeds", "refused for its price", "refused for the balance"],
)
async def test_every_step_of_an_execution_is_its_customers_and_follows_from_the_one_before(
    shop: Shop, total: str, price: int, status: str
) -> None:
    ada = await shop.customer()
    products = [await shop.product(price) for _ in range(2)]
    result = await buy(ada, "run", total, dict.fromkeys(products, 1))
    assert result["status"] == status
    run = execution_id(ada.user_id, "run")
    placed, *steps = await origins(shop, "correlation_id = %s", run)
    assert placed.type == "OrderPlaced"
    assert parse_uuid(placed.causation)
    assert len(steps) >= 4
    earlier = {placed.at}
    for step in steps:
        assert (step.actor, step.correlation) == (ada.user_id, run)
        assert step.causation in earlier, step
        earlier.add(step.at)
    # Nothing of it was recorded as anything else's.
    assert await origins(shop, "data ->> 'execution_id' = %s", str(run)) == [placed, *steps]
