"""What clients follow: before, during and after, from any API process, in order and once."""

import asyncio
from uuid import uuid4

import pytest

from tests.api.mutations import (
    ADJUST_STOCK,
    DEPOSIT,
    DISCONTINUE,
    PROGRESS,
    RESULT,
    UPDATE_PRODUCT,
    buy,
    create,
    place,
)
from tests.api.shop import Client, Shop, hear, say, until

CHANGED = "subscription ($ids: [ID!]) { productChanged(ids: $ids) { id name available } }"
ACCOUNT = "subscription { accountChanged { id balance { amount } transactions { totalCount } } }"
COMPLETED = ["STARTED", "STOCK_RESERVED", "PAYMENT_TAKEN", "SHIPMENT_PREPARED", "SUCCEEDED"]


async def test_a_result_is_pushed_to_who_asked_before_the_order_was_placed(shop: Shop) -> None:
    ada = await shop.customer()
    order = await create(ada, "10.00", {await shop.product(): 1})
    async with ada.follow(RESULT, name="before") as following:
        await place(ada, order, "before")
        [result] = await following.rest()
    assert result["executionName"] == "before"
    assert result["status"] == result["order"]["status"] == "COMPLETED"
    assert result["order"]["id"] == order
    assert result["order"]["shipment"]["id"]
    assert result["order"]["problem"] is None


async def test_a_result_is_there_for_who_asks_afterwards_however_often(shop: Shop) -> None:
    ada = await shop.customer()
    first = await buy(ada, "after", "10.00", {await shop.product(): 1})
    for _ in range(2):
        async with ada.follow(RESULT, name="after") as following:
            assert await following.rest() == [first]


async def test_another_api_process_pushes_the_same_result(shop: Shop) -> None:
    ada = await shop.customer()
    elsewhere = Client(shop.another_api().address, ada.token)
    order = await create(ada, "10.00", {await shop.product(): 1})
    async with elsewhere.follow(RESULT, name="far") as far, ada.follow(RESULT, name="far") as near:
        await place(ada, order, "far")
        assert await far.rest() == await near.rest()


async def test_progress_tells_each_step_once_in_order(shop: Shop) -> None:
    ada = await shop.customer()
    first, second = await shop.product(), await shop.product()
    order = await create(ada, "30.00", {first: 1, second: 2})
    async with ada.follow(PROGRESS, name="steps") as following:
        await place(ada, order, "steps")
        steps = await following.rest()
    assert [step["number"] for step in steps] == list(range(1, 7))
    assert [step["type"] for step in steps] == [COMPLETED[0], COMPLETED[1], *COMPLETED[1:]]
    assert [step["productId"] for step in steps[1:3]] == [first, second]
    assert {step["executionName"] for step in steps} == {"steps"}
    assert sorted(step["at"] for step in steps) == [step["at"] for step in steps]
    async with ada.follow(PROGRESS, name="steps") as following:
        assert await following.rest() == steps


async def test_many_who_follow_see_all_steps_whenever_they_come(shop: Shop) -> None:
    ada = await shop.customer()
    order = await create(ada, "10.00", {await shop.product(): 1})

    async def steps(delay: float) -> list[str]:
        await asyncio.sleep(delay)
        async with ada.follow(PROGRESS, name="crowd") as following:
            return [step["type"] for step in await following.rest()]

    followers = [asyncio.create_task(steps(n * 0.005)) for n in range(10)]
    await asyncio.sleep(0.02)
    await place(ada, order, "crowd")
    assert await asyncio.gather(*followers) == [COMPLETED] * 10


async def test_names_belong_to_their_customer(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    board = await shop.product()
    order = await create(bob, "10.00", {board: 1})
    async with bob.follow(RESULT, name="shared") as following:
        await buy(ada, "shared", "20.00", {board: 2})
        await place(bob, order, "shared")
        [result] = await following.rest()
    assert result["order"]["id"] == order


async def test_a_product_is_pushed_when_its_stock_price_or_description_changes(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    board, other = await shop.product(), await shop.product()
    async with shop.visitor().follow(CHANGED, ids=[board]) as following:
        await admin.ask(UPDATE_PRODUCT, input={"id": other, "name": "Not followed"})
        await admin.ask(UPDATE_PRODUCT, input={"id": board, "name": "Renamed"})
        assert await following.next() == {"id": board, "name": "Renamed", "available": 10}
        await admin.ask(ADJUST_STOCK, input={"productId": board, "by": 5, "reason": "delivery"})
        assert (await following.next())["available"] == 15
        await buy(ada, "seen", "20.00", {board: 2})
        while (await following.next())["available"] != 13:
            pass
        await admin.ask(DISCONTINUE, ids=[board])
        while (await following.next())["available"] != 0:
            pass


async def test_all_products_are_followed_where_none_is_named(shop: Shop) -> None:
    admin = await shop.admin()
    board = await shop.product()
    async with shop.visitor().follow(CHANGED) as following:
        new = await shop.product(name="New")
        await admin.ask(UPDATE_PRODUCT, input={"id": board, "name": "Old"})
        seen = {(await following.next())["id"] for _ in range(2)}
    assert seen == {board, new}


async def test_an_account_is_pushed_at_every_change_of_its_balance(shop: Shop) -> None:
    ada, bob = await shop.customer(money=0), await shop.customer()
    async with ada.follow(ACCOUNT) as following:
        await until(lambda: shop.api.services.follower.subscribers == 1)
        await bob.ask(DEPOSIT, input={"amount": "1"})
        for count, balance in enumerate(["5.00", "10.00", "15.00"], 1):
            await ada.ask(DEPOSIT, input={"amount": "5"})
            assert await following.next() == {
                "id": str(ada.account_id),
                "balance": {"amount": balance},
                "transactions": {"totalCount": count},
            }


async def test_changes_that_come_at_once_are_all_told(shop: Shop) -> None:
    ada = await shop.customer(money=0)
    async with ada.follow(ACCOUNT) as following:
        await until(lambda: shop.api.services.follower.subscribers == 1)
        await asyncio.gather(*(ada.ask(DEPOSIT, input={"amount": "5"}) for _ in range(20)))
        told = [(await following.next())["balance"]["amount"] for _ in range(20)]
    assert told == [f"{5 * n}.00" for n in range(1, 21)]


@pytest.mark.parametrize("document", [RESULT, PROGRESS, ACCOUNT])
async def test_a_visitor_may_follow_products_alone(shop: Shop, document: str) -> None:
    variables = {} if document is ACCOUNT else {"name": "x"}
    async with shop.visitor().follow(document, **variables) as following:
        message = await following.message()
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 101])
async def test_a_name_that_no_execution_can_have_is_bad_input(shop: Shop, name: str) -> None:
    ada = await shop.customer()
    async with ada.follow(RESULT, name=name) as following:
        message = await following.message()
    assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_one_socket_carries_several_operations_and_their_ids_can_be_used_again(
    shop: Shop,
) -> None:
    ada = await shop.customer()
    async with ada.socket() as socket:
        follow = {"query": CHANGED, "variables": {"ids": [str(uuid4())]}}
        await say(socket, type="subscribe", id="products", payload=follow)
        for _ in range(2):
            await say(socket, type="subscribe", id="q", payload={"query": "{ viewer { id } }"})
            message = await hear(socket)
            assert message["payload"]["data"] == {"viewer": {"id": str(ada.user_id)}}
            assert await hear(socket) == {"type": "complete", "id": "q"}
        await say(socket, type="complete", id="products")
        await say(socket, type="subscribe", id="products", payload=follow)
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}


async def test_nothing_is_left_behind_by_who_has_gone(shop: Shop) -> None:
    ada = await shop.customer()
    services = shop.api.services
    for _ in range(3):
        async with ada.follow(ACCOUNT), shop.visitor().follow(CHANGED):
            pass
    await until(lambda: not services.connections.total)
    assert (services.subscriptions.total, services.follower.subscribers) == (0, 0)
