"""What others name and is gone: the lists that it stands in come all the same."""

from typing import Any

from infrastructure.ids import made_at
from tests.api.mutations import CREATE_ORDER, DEPOSIT, buy, create, order_input
from tests.api.shop import Client, Shop

CUSTOMERS = """{ orders { nodes { id customer { id name email createdAt account { id }
    orders { totalCount } } } } executions { nodes { order { customer { name } } } } }"""
ORDERS = """{ executions { nodes { id order { id status items { quantity } total { amount }
    shippingAddress { city } problem { code } createdAt } } } }"""


async def delete(shop: Shop, table: str, column: str, id_: object) -> None:
    services = shop.api.services

    async def run() -> None:
        async with services.pool.connection() as connection:
            await connection.execute(f"DELETE FROM {table} WHERE {column} = %s", (id_,))

    await shop.api.call(run())


async def a_buyer(shop: Shop, name: str) -> tuple[Client, str]:
    """A customer, and an order that is completed."""
    ada = await shop.customer()
    result = await buy(ada, name, "10.00", {await shop.product(): 1})
    return ada, result["order"]["id"]


async def test_a_user_who_was_deleted_takes_no_list_along(shop: Shop) -> None:
    admin, (ada, order), (bob, other) = (
        await shop.admin(),
        await a_buyer(shop, "gone"),
        await a_buyer(shop, "there"),
    )
    await delete(shop, "users", "user_id", ada.user_id)
    answer = await admin.data(CUSTOMERS)
    nodes: dict[str, Any] = {node["id"]: node["customer"] for node in answer["orders"]["nodes"]}
    made = made_at(ada.user_id)
    assert made is not None
    assert nodes[order] == {
        "id": str(ada.user_id),
        "name": "Deleted user",
        "email": "",
        "createdAt": made.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "account": {"id": str(ada.account_id)},
        "orders": {"totalCount": 1},
    }
    assert nodes[other]["name"] == "Ada"
    names = [node["order"]["customer"]["name"] for node in answer["executions"]["nodes"]]
    assert names[:2] == ["Ada", "Deleted user"]
    found = "query ($id: ID!) { user(id: $id) { id } node(id: $id) { id } }"
    assert await admin.data(found, id=str(ada.user_id)) == {"user": None, "node": None}
    assert bob.user_id != ada.user_id


async def test_who_was_deleted_is_no_caller_any_more(shop: Shop) -> None:
    ada = await shop.customer()
    order = order_input("10.00", {await shop.product(): 1})
    await delete(shop, "users", "user_id", ada.user_id)
    assert await ada.ask("{ viewer { id } }") is None
    assert await ada.code(DEPOSIT, input={"amount": "1"}) == "UNAUTHENTICATED"
    assert await ada.code(CREATE_ORDER, input=order) == "UNAUTHENTICATED"


async def test_an_order_that_was_dropped_takes_no_execution_along(shop: Shop) -> None:
    admin, (ada, order) = await shop.admin(), await a_buyer(shop, "dropped")
    await delete(shop, "orders", "order_id", order)
    [execution, *_] = (await admin.ask(ORDERS))["nodes"]
    placed = execution["order"].pop("createdAt")
    assert placed.endswith("Z")
    assert execution["order"] == {
        "id": order,
        "status": "FAILED",
        "items": [],
        "total": {"amount": "0.00"},
        "shippingAddress": {"city": ""},
        "problem": {"code": "PROCESSING_FAILED"},
    }
    paid = await ada.ask(
        "{ viewer { account { transactions { nodes { reason order { id } } } } } }"
    )
    [payment, _] = paid["account"]["transactions"]["nodes"]
    assert payment == {"reason": "ORDER_PAYMENT", "order": None}


async def test_a_product_that_is_gone_is_null_in_its_orders(shop: Shop) -> None:
    ada, product = await shop.customer(), await shop.product()
    order = await create(ada, "10.00", {product: 1})
    await delete(shop, "products", "product_id", product)
    answer = await ada.ask(
        "query ($id: ID!) { order(id: $id) { items { productName product { id } } } }", id=order
    )
    assert answer["items"] == [{"productName": "Board", "product": None}]
