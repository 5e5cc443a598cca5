"""What administrators ask about the log: its events, orders as they were, and the read models."""

from typing import Any
from uuid import uuid4

from tests.api.mutations import CANCEL_ORDER, buy, create
from tests.api.shop import Client, Shop

EVENTS = """query ($streamId: ID, $types: [String!], $first: Int = 50, $after: String) {
    events(streamId: $streamId, types: $types, first: $first, after: $after) {
        nodes { position streamId version type data recordedAt }
        edges { cursor node { position } }
        pageInfo { hasNextPage endCursor } } }"""
AS_OF = """query ($id: ID!, $version: Int, $at: DateTime) {
    orderAsOf(id: $id, version: $version, at: $at) {
        status shipment { id } executions { name status steps { number type } } } }"""


async def bought(shop: Shop, ada: Client) -> str:
    """The id of an order that was created, placed and completed."""
    result = await buy(ada, "run", "20.00", {await shop.product(): 2})
    order: str = result["order"]["id"]
    return order


async def events(admin: Client, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = await admin.ask(EVENTS, **variables)
    return found


async def test_events_come_in_log_order_with_their_data(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    order = await bought(shop, ada)
    nodes = (await events(admin, streamId=order))["nodes"]
    assert [event["type"] for event in nodes] == [
        "OrderCreated",
        "OrderPlaced",
        "ShipmentPrepared",
        "OrderCompleted",
    ]
    assert [event["version"] for event in nodes] == [1, 2, 3, 4]
    positions = [event["position"] for event in nodes]
    assert positions == sorted(positions)
    assert nodes[1]["data"]["execution_name"] == "run"
    assert {event["streamId"] for event in nodes} == {order}


async def test_events_are_filtered_by_type_and_paged(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    await bought(shop, ada)
    whole = (await events(admin, first=1_000))["nodes"]
    seen, after, more = [], None, True
    while more:
        page = await events(admin, first=7, after=after)
        seen += [edge["node"]["position"] for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == [event["position"] for event in whole] == list(range(1, len(seen) + 1))
    chosen = ["StockReserved", "AccountCharged"]
    reserved = (await events(admin, types=chosen, first=1_000))["nodes"]
    assert reserved == [event for event in whole if event["type"] in chosen] != []
    assert (await events(admin, types=[]))["nodes"] == []


async def test_an_order_is_shown_as_it_was(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    order = await bought(shop, ada)
    created = await admin.ask(AS_OF, id=order, version=1)
    assert (created["status"], created["executions"]) == ("PENDING", [])
    placed = await admin.ask(AS_OF, id=order, version=2)
    assert (placed["status"], placed["shipment"]) == ("PLACED", None)
    assert placed["executions"] == [
        {"name": "run", "status": "RUNNING", "steps": [{"number": 1, "type": "STARTED"}]}
    ]
    done = await admin.ask(AS_OF, id=order, version=4)
    assert done["status"] == "COMPLETED"
    assert done["shipment"] is not None
    assert len(done["executions"][0]["steps"]) == 5


async def test_an_order_is_shown_as_it_was_at_a_moment(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    order = await create(ada, "20.00", {await shop.product(): 2})
    [event] = (await events(admin, streamId=order))["nodes"]
    await ada.ask(CANCEL_ORDER, orderId=order)
    then = await admin.ask(AS_OF, id=order, at=event["recordedAt"])
    assert then["status"] == "PENDING"
    now = await admin.ask(AS_OF, id=order, at="2100-01-01T00:00:00Z")
    assert now["status"] == "CANCELLED"


async def test_a_moment_from_a_browser_means_its_whole_millisecond(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    order = await create(ada, "20.00", {await shop.product(): 2})
    [event] = (await events(admin, streamId=order))["nodes"]
    recorded = event["recordedAt"]  # such as 2026-05-01T08:01:00.123456Z
    browsers, whole = f"{recorded[:-4]}Z", f"{recorded[:-4]}000Z"
    assert (await admin.ask(AS_OF, id=order, at=browsers))["status"] == "PENDING"
    at = '{ orderAsOf(id: "%s", at: "%s") { status } }'
    assert await admin.ask(at % (order, browsers)) == {"status": "PENDING"}
    exact = {"status": "PENDING"} if recorded == whole else None
    assert await admin.ask(at % (order, whole)) == exact


async def test_what_was_not_there_is_null_and_one_moment_has_to_be_given(shop: Shop) -> None:
    ada, admin = await shop.customer(), await shop.admin()
    order = await create(ada, "20.00", {await shop.product(): 2})
    assert await admin.ask(AS_OF, id=order, at="2000-01-01T00:00:00Z") is None
    assert await admin.ask(AS_OF, id=order, version=2) is None
    assert await admin.ask(AS_OF, id=str(uuid4()), version=1) is None
    assert await admin.code(AS_OF, id=order) == "BAD_USER_INPUT"
    both = {"version": 1, "at": "2100-01-01T00:00:00Z"}
    assert await admin.code(AS_OF, id=order, **both) == "BAD_USER_INPUT"


async def test_the_read_models_tell_how_far_they_are(shop: Shop) -> None:
    admin = await shop.admin()
    found = await admin.ask("{ projections { name state position lag } }")
    assert [each["name"] for each in found] == ["accounts", "orders", "products", "returns"]
    assert {each["state"] for each in found} == {"RUNNING"}
    assert {each["lag"] for each in found} == {0}
