"""Orders over GraphQL: created and placed by HTTP, their results pushed by websocket."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from benchmarks.b_orders import in_processes, summary, uv
from benchmarks.buyers import Bought, Shop
from benchmarks.contest import Case, in_turns
from benchmarks.graphql_client import Address, HttpConnection, Socket
from benchmarks.result import Claim, Figure, Result, machine, median
from benchmarks.running import access_token, open_to_users, running_shop
from benchmarks.server import Server, temporary_server
from infrastructure.ids import new_id

SHOP, FULL = "shop", "no pause"
API_PROCESSES = 2
CLIENT_PROCESSES = 2
BUYERS = 40  # in each of the client processes
RATES = (50, 150)
WARM_UP = 1.5  # seconds

CREATE = """
mutation Create($input: CreateOrderInput!) {
  createOrder(input: $input) { __typename ... on OrderPayload { order { id status } } }
}
"""
PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { __typename ... on PlaceOrderPayload { execution { name status } } }
}
"""
RESULT = """
subscription Result($name: String!) {
  orderResult(executionName: $name) {
    status
    order { id total { amount } }
    problem { code message }
  }
}
"""
ADDRESS = {
    "country": "NL",
    "city": "Delft",
    "postCode": "2611 GX",
    "street": "Markt",
    "houseNumber": "87",
}


def run(quick: bool) -> Result:
    """Customers with a browser each: one HTTP connection, and a websocket for the results."""
    seconds, rounds = (2.0, 1) if quick else (10.0, 3)
    rates = RATES[:1] if quick else RATES
    with temporary_server() as server:
        cases = [
            Case(SHOP, FULL, _full(server, seconds)),
            *(Case(SHOP, _at(rate), _at_rate(server, rate, seconds)) for rate in rates),
        ]
        figures = in_turns("GraphQL", cases, rounds)
    return Result(
        name="c_graphql",
        title="Complete orders over GraphQL",
        how=(
            f"{rounds} rounds of {seconds:g} s; {API_PROCESSES} API processes; orders of two"
            " products; p50 and p99 from placeOrder sent to orderResult received"
        ),
        plot="orders/s",
        figures=figures,
        claims=_claims(figures),
        machine=machine(),
        quick=quick,
    )


def _claims(figures: Sequence[Figure]) -> tuple[Claim, ...]:
    def found(measure: str) -> float:
        return median(figures, SHOP, _at(50), measure)

    full = median(figures, SHOP, FULL, "orders/s")
    return (
        Claim("complete orders a second", full, 300, 600),
        Claim("placed to result at 50 a second, p50", found("p50 ms"), 20, 12, "ms", smaller=True),
        Claim("placed to result at 50 a second, p99", found("p99 ms"), 60, 30, "ms", smaller=True),
    )


def _at(rate: int) -> str:
    return f"{rate} a second"


def _full(server: Server, seconds: float) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        url = server.shop_database("graphql")
        with running_shop(url, API_PROCESSES) as running:
            shop = open_to_users(url)
            begin = monotonic() + 1.5
            end = begin + WARM_UP + seconds
            arguments = [
                (running.address, _share(shop, number), begin, end)
                for number in range(CLIENT_PROCESSES)
            ]
            bought = in_processes(_client_without_pause, arguments)
        return summary([b for b in bought if end - seconds <= b.result < end], seconds)

    return run_once


def _at_rate(server: Server, rate: int, seconds: float) -> Callable[[], Mapping[str, float]]:
    def run_once() -> Mapping[str, float]:
        url = server.shop_database("graphql")
        with running_shop(url, API_PROCESSES) as running:
            shop = open_to_users(url)
            begin = monotonic() + 2.0
            end = begin + WARM_UP + seconds
            arguments = [(running.address, _share(shop, 0), rate, begin, end)]
            bought = in_processes(_client_at_rate, arguments)
        return summary([b for b in bought if b.placed >= begin + WARM_UP], seconds)

    return run_once


def _share(shop: Shop, number: int) -> Shop:
    return Shop(shop.products, shop.customers[number * BUYERS : (number + 1) * BUYERS])


def _client_without_pause(address: Address, shop: Shop, begin: float, end: float) -> list[Bought]:
    return uv(_buy_without_pause(address, shop, begin, end))


def _client_at_rate(
    address: Address, shop: Shop, rate: float, begin: float, end: float
) -> list[Bought]:
    return uv(_buy_at_rate(address, shop, rate, begin, end))


class Browser:
    """A signed-in customer's two connections; for asyncio."""

    def __init__(self, address: Address, shop: Shop, customer: tuple[UUID, UUID]) -> None:
        token = access_token(customer[0])
        self.http = HttpConnection(address, token)
        self.socket = Socket(address, token)
        self._shop = shop
        self._customer = customer

    async def create(self) -> str:
        """The id of a new order of two products."""
        order = self._shop.order(self._customer, random.Random())
        order_input = {
            "id": str(new_id()),
            "items": [{"productId": str(i.product_id), "quantity": 1} for i in order.items],
            "shippingAddress": ADDRESS,
            "total": f"{order.total / 100:.2f}",
        }
        answer = await self.http.ask(CREATE, {"input": order_input})
        return str(expected(answer["createOrder"], "OrderPayload")["order"]["id"])

    async def place(self, order_id: str, due: float) -> Bought:
        """Subscribe to the result, place the order when it is `due`, and wait for the result."""
        results = await self.socket.subscribe(order_id, RESULT, {"name": order_id})
        await asyncio.sleep(max(0.0, due - monotonic()))
        place_input = {"orderId": order_id, "executionName": order_id}
        placed = asyncio.create_task(self.http.ask(PLACE, {"input": place_input}))
        result = await results.get()
        at = monotonic()
        expected((await placed)["placeOrder"], "PlaceOrderPayload")
        if result["orderResult"]["status"] != "COMPLETED":
            raise RuntimeError(result)
        return Bought(due, at)


def expected(answer: Any, typename: str) -> Any:
    if answer["__typename"] != typename:
        raise RuntimeError(answer)
    return answer


async def _buy_without_pause(
    address: Address, shop: Shop, begin: float, end: float
) -> list[Bought]:
    bought: list[Bought] = []

    async def buyer(browser: Browser) -> None:
        async with browser.http, browser.socket:
            await asyncio.sleep(max(0.0, begin - monotonic()))
            while monotonic() < end:
                order_id = await browser.create()
                bought.append(await browser.place(order_id, monotonic()))

    async with asyncio.TaskGroup() as group:
        for customer in shop.customers:
            group.create_task(buyer(Browser(address, shop, customer)))
    return bought


async def _buy_at_rate(
    address: Address, shop: Shop, rate: float, begin: float, end: float
) -> list[Bought]:
    """Each order is placed when it is due, whether or not those before it are done; a customer has
    created it and subscribed by then."""
    bought: list[Bought] = []
    due = [begin + number / rate for number in range(round((end - begin) * rate))]

    async def buyer(browser: Browser, moments: Sequence[float]) -> None:
        async with browser.http, browser.socket:
            for moment in moments:
                await asyncio.sleep(max(0.0, moment - 0.2 - monotonic()))
                bought.append(await browser.place(await browser.create(), moment))

    async with asyncio.TaskGroup() as group:
        for number, customer in enumerate(shop.customers):
            moments = due[number :: len(shop.customers)]
            group.create_task(buyer(Browser(address, shop, customer), moments))
    return bought
