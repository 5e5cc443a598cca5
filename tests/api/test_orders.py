"""Orders: created, placed, cancelled, with everything that can be wrong about them."""

from uuid import UUID, uuid4

from tests.api.mutations import (
    ADDRESS,
    ADJUST_STOCK,
    CANCEL_ORDER,
    CHANGE_ORDER,
    CREATE_ORDER,
    DISCONTINUE,
    PLACE_ORDER,
    RESULT,
    UPDATE_PRODUCT,
    buy,
    create,
    order_input,
    place,
    place_and_wait,
)
from tests.api.shop import Shop


async def test_an_order_takes_its_products_as_they_are_now(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product(price=12_50, name="Street board")
    payload = await ada.ask(CREATE_ORDER, input=order_input("37.50", {board: 3}))
    order = payload["order"]
    assert order["status"] == "PENDING"
    assert order["total"] == {"amount": "37.50", "currency": "USD"}
    assert order["shippingAddress"] == ADDRESS
    assert order["items"] == [
        {
            "productId": board,
            "productName": "Street board",
            "imageUrl": "/b.svg",
            "unitPrice": {"amount": "12.50", "currency": "USD"},
            "quantity": 3,
            "subtotal": {"amount": "37.50", "currency": "USD"},
        }
    ]


async def test_all_that_is_wrong_with_an_order_is_reported_at_once(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    board, gone, nothing = await shop.product(), await shop.product(name="Old"), str(uuid4())
    await admin.ask(DISCONTINUE, ids=[gone])
    items = [
        {"productId": board, "quantity": 0},
        {"productId": board, "quantity": 1_000_001},
        {"productId": gone, "quantity": 1},
        {"productId": nothing, "quantity": -5},
    ]
    address = {**ADDRESS, "city": "  ", "street": "x" * 201, "postCode": "a\0b", "localNumber": " "}
    problem = await ada.ask(
        CREATE_ORDER, input={"items": items, "total": "0.001", "shippingAddress": address}
    )
    assert problem["__typename"] == "ValidationProblem"
    assert problem["code"] == "VALIDATION"
    assert {field["path"]: field["message"] for field in problem["fields"]} == {
        "items[0].quantity": "Must be between 1 and 1,000,000.",
        "items[1].productId": "Is the same as items[0].productId.",
        "items[1].quantity": "Must be between 1 and 1,000,000.",
        "items[2].productId": "Old can no longer be ordered.",
        "items[3].productId": "There is no such product.",
        "items[3].quantity": "Must be between 1 and 1,000,000.",
        "shippingAddress.city": "Must not be blank.",
        "shippingAddress.postCode": "Holds characters that cannot be printed.",
        "shippingAddress.street": "Must have at most 200 characters, has 201.",
        "shippingAddress.localNumber": "Must not be blank.",
        "total": "Must have at most 2 digits after the point.",
    }


async def test_an_order_has_between_1_and_100_items(shop: Shop) -> None:
    ada = await shop.customer()
    problem = await ada.ask(CREATE_ORDER, input=order_input("0", {}))
    assert [field["path"] for field in problem["fields"]] == ["items"]
    many = {str(uuid4()): 1 for _ in range(101)}
    problem = await ada.ask(CREATE_ORDER, input=order_input("0", many))
    assert problem["fields"][0]["path"] == "items"


async def test_items_that_come_to_more_than_amounts_may_be_are_refused(shop: Shop) -> None:
    ada = await shop.customer()
    dear, cheap = await shop.product(price=10**12), await shop.product(price=1)
    whole = await ada.ask(CREATE_ORDER, input=order_input("10000000000", {dear: 1}))
    assert whole["order"]["total"]["amount"] == "10000000000.00"
    over = await ada.ask(CREATE_ORDER, input=order_input("10000000000", {dear: 1, cheap: 1}))
    assert over["fields"] == [{"path": "items", "message": "Must come to at most 10,000,000,000."}]
    far = await ada.ask(CREATE_ORDER, input=order_input("1", {dear: 1_000_000}))
    assert [field["path"] for field in far["fields"]] == ["items"]


async def test_a_price_beyond_64_bits_is_told_as_any_other(shop: Shop) -> None:
    """Products have become dearer since the order was created: its problem says by how much."""
    ada, admin = await shop.customer(), await shop.admin()
    products = [await shop.product(price=1) for _ in range(20)]
    lines = dict.fromkeys(products, 1_000_000)
    order = await create(ada, "200000", lines)
    for product in products:
        stock = {"productId": product, "by": 1_000_000, "reason": "delivery"}
        await admin.ask(ADJUST_STOCK, input=stock)
        await admin.ask(UPDATE_PRODUCT, input={"id": product, "price": "10000000000"})
    async with ada.follow(RESULT, name="dear") as following:
        await place(ada, order, "dear")
        [result] = await following.rest()
    problem = result["order"]["problem"]
    assert problem["calculated"] == {"amount": "200000000000000000.00"}
    assert problem["provided"] == {"amount": "200000.00"}
    listed = "{ orders { nodes { problem { message } executions { problem { message } } } } }"
    assert "errors" not in await ada.send(listed)
    assert "errors" not in await admin.send(listed)
    assert "errors" not in await admin.send("{ executions { nodes { problem { message } } } }")


async def test_an_order_created_again_answers_as_the_first_time(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    board = await shop.product()
    sent = order_input("10.00", {board: 1}, id=uuid4())
    first = await ada.ask(CREATE_ORDER, input=sent)
    await admin.ask(UPDATE_PRODUCT, input={"id": board, "price": "99"})
    assert await ada.ask(CREATE_ORDER, input=sent) == first
    await admin.ask(DISCONTINUE, ids=[board])
    assert await ada.ask(CREATE_ORDER, input=sent) == first


async def test_the_id_of_an_order_is_good_for_one_order(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    board = await shop.product()
    own = str(uuid4())
    await ada.ask(CREATE_ORDER, input=order_input("10.00", {board: 1}, id=own))
    other = order_input("20.00", {board: 2}, id=own)
    assert (await ada.ask(CREATE_ORDER, input=other))["code"] == "CONFLICT"
    same = order_input("10.00", {board: 1}, id=own)
    assert (await bob.ask(CREATE_ORDER, input=same))["code"] == "CONFLICT"
    used = order_input("10.00", {board: 1}, id=board)
    assert (await bob.ask(CREATE_ORDER, input=used))["code"] == "CONFLICT"


async def test_placing_an_order_starts_its_execution_once(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product()
    order = await create(ada, "10.00", {board: 1})
    first = await place(ada, order, "first")
    assert first["execution"]["name"] == "first"
    assert first["execution"]["order"]["id"] == order
    again = await place(ada, order, "first")
    assert again["execution"]["name"] == "first"
    data = await ada.ask("query ($id: ID!) { order(id: $id) { executions { name } } }", id=order)
    assert data == {"executions": [{"name": "first"}]}


async def test_an_ended_execution_can_be_placed_again_under_its_name(shop: Shop) -> None:
    """The client that missed the first answer gets it, whatever has become of the order since."""
    ada = await shop.customer()
    board = await shop.product()
    order = await create(ada, "1.00", {board: 1})
    await place(ada, order, "too cheap")
    cheap = await create(ada, "10.00", {board: 1})
    assert (await buy(ada, "fine", "10.00", {board: 1}))["status"] == "COMPLETED"
    again = await place(ada, order, "too cheap")
    assert again["execution"]["name"] == "too cheap"
    assert (await place(ada, cheap, "fine"))["code"] == "CONFLICT"


async def test_a_name_is_good_for_one_order_of_a_customer(shop: Shop) -> None:
    ada, bob = await shop.customer(), await shop.customer()
    board = await shop.product()
    await place(ada, await create(ada, "10.00", {board: 1}), "mine")
    problem = await place(ada, await create(ada, "10.00", {board: 1}), "mine")
    assert problem["__typename"] == "ConflictProblem"
    assert problem["message"] == "This name was used for another order."
    answer = await place(bob, await create(bob, "10.00", {board: 1}), "mine")
    assert answer["execution"]["name"] == "mine"


async def test_an_order_that_runs_or_is_done_cannot_be_placed(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product()
    done = await buy(ada, "one", "10.00", {board: 1})
    problem = await place(ada, done["order"]["id"], "two")
    assert problem["code"] == "CONFLICT"
    assert "COMPLETED" in problem["message"]


async def test_nobody_learns_of_other_peoples_orders(shop: Shop) -> None:
    ada, bob, admin = await shop.customer(), await shop.customer(), await shop.admin()
    order = await create(ada, "10.00", {await shop.product(): 1})
    for other in (bob, admin):
        placed = await place(other, order, "theirs")
        cancelled = await other.ask(CANCEL_ORDER, orderId=order)
        nothing = await other.ask(CANCEL_ORDER, orderId=str(UUID(int=7)))
        assert placed["code"] == cancelled["code"] == nothing["code"] == "NOT_FOUND"
        assert placed["id"] == order
        assert cancelled["message"].replace(order, str(UUID(int=7))) == nothing["message"]


async def test_the_name_of_an_execution_is_checked(shop: Shop) -> None:
    ada = await shop.customer()
    order = await create(ada, "10.00", {await shop.product(): 1})
    for name in ("", " ", "a\nb", "x" * 101):
        problem = await place(ada, order, name)
        assert [field["path"] for field in problem["fields"]] == ["executionName"]


async def test_an_order_is_cancelled_before_it_is_placed_or_after_it_failed(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product()
    pending = await create(ada, "10.00", {board: 1})
    payload = await ada.ask(CANCEL_ORDER, orderId=pending)
    assert payload["order"]["status"] == "CANCELLED"
    assert await ada.ask(CANCEL_ORDER, orderId=pending) == payload
    failed = await buy(ada, "too cheap to cancel", "1.00", {board: 1})
    assert failed["status"] == "FAILED"
    payload = await ada.ask(CANCEL_ORDER, orderId=failed["order"]["id"])
    assert payload["order"]["status"] == "CANCELLED"
    assert (await place(ada, pending, "late"))["code"] == "CONFLICT"


async def test_a_completed_order_cannot_be_cancelled(shop: Shop) -> None:
    ada = await shop.customer()
    done = await buy(ada, "done", "10.00", {await shop.product(): 1})
    problem = await ada.ask(CANCEL_ORDER, orderId=done["order"]["id"])
    assert problem["__typename"] == "ConflictProblem"


async def test_a_failed_order_is_corrected_and_placed_again(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product()
    failed = await buy(ada, "too cheap at first", "1.00", {board: 1})
    order = failed["order"]
    assert (order["status"], order["allowedActions"]) == ("FAILED", ["CHANGE", "PLACE", "CANCEL"])
    change = {"orderId": order["id"], "total": "10.00", "id": str(uuid4())}
    changed = await ada.ask(CHANGE_ORDER, input=change)
    assert changed["order"]["total"]["amount"] == "10.00"
    assert changed["order"]["items"] == order["items"]
    assert await ada.ask(CHANGE_ORDER, input=change) == changed
    other = await ada.ask(CHANGE_ORDER, input={**change, "total": "11.00"})
    assert other["__typename"] == "ConflictProblem"
    result = await place_and_wait(ada, order["id"], "and now")
    assert (result["status"], result["order"]["number"]) == ("COMPLETED", order["number"])
    assert result["order"]["allowedActions"] == []
    late = await ada.ask(CHANGE_ORDER, input={"orderId": order["id"], "total": "1.00"})
    assert late["__typename"] == "ConflictProblem"


async def test_all_that_is_wrong_with_a_change_is_reported_at_once(shop: Shop) -> None:
    ada = await shop.customer()
    order = await create(ada, "10.00", {await shop.product(): 1})
    items: list[object] = [{"productId": str(uuid4()), "quantity": 0}]
    problem = await ada.ask(
        CHANGE_ORDER,
        input={
            "orderId": order,
            "items": items,
            "shippingAddress": dict(ADDRESS, city=" "),
            "total": "0.001",
        },
    )
    paths = {field["path"] for field in problem["fields"]}
    assert paths == {"items[0].quantity", "items[0].productId", "shippingAddress.city", "total"}


async def test_what_is_in_an_order_and_where_it_goes_is_changed(shop: Shop) -> None:
    ada = await shop.customer()
    board, wheel = await shop.product(), await shop.product(price=2_50)
    order = await create(ada, "10.00", {board: 1})
    address = {**ADDRESS, "city": "Bergen"}
    items = [{"productId": wheel, "quantity": 2}]
    changed = await ada.ask(
        CHANGE_ORDER,
        input={"orderId": order, "items": items, "shippingAddress": address, "total": "5.00"},
    )
    assert changed["order"]["shippingAddress"] == address
    assert [item["productId"] for item in changed["order"]["items"]] == [wheel]
    result = await place_and_wait(ada, order, "changed before")
    assert (result["status"], result["order"]["total"]["amount"]) == ("COMPLETED", "5.00")


async def test_orders_have_numbers_in_the_order_of_their_creation(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product()
    numbers = []
    for _ in range(3):
        payload = await ada.ask(CREATE_ORDER, input=order_input("10.00", {board: 1}))
        numbers.append(payload["order"]["number"])
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


async def test_nobody_changes_the_order_of_somebody_else(shop: Shop) -> None:
    ada, eve = await shop.customer(), await shop.customer()
    order = await create(ada, "10.00", {await shop.product(): 1})
    problem = await eve.ask(CHANGE_ORDER, input={"orderId": order, "total": "1.00"})
    assert problem["__typename"] == "NotFoundProblem"


async def test_orders_are_for_who_is_signed_in(shop: Shop) -> None:
    nobody = shop.visitor()
    order = str(uuid4())
    assert await nobody.code(CREATE_ORDER, input=order_input("1", {order: 1})) == "UNAUTHENTICATED"
    place_input = {"orderId": order, "executionName": "x"}
    assert await nobody.code(PLACE_ORDER, input=place_input) == "UNAUTHENTICATED"
    assert await nobody.code(CANCEL_ORDER, orderId=order) == "UNAUTHENTICATED"


async def test_a_malformed_id_is_bad_input(shop: Shop) -> None:
    ada = await shop.customer()
    board = await shop.product()
    for bad in ("", "7", "' OR 1=1 --"):
        assert await ada.code(CANCEL_ORDER, orderId=bad) == "BAD_USER_INPUT"
        own = order_input("10", {board: 1}, id=bad)
        assert await ada.code(CREATE_ORDER, input=own) == "BAD_USER_INPUT"
        assert await ada.code(CREATE_ORDER, input=order_input("1", {bad: 1})) == "BAD_USER_INPUT"
