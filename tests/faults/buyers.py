"""Customers who do not give up: what is not answered well is asked again, under the same ids."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
import orjson

from infrastructure.ids import new_id

CREATE = """mutation ($input: CreateOrderInput!) { createOrder(input: $input) {
    __typename ... on Problem { message } } }"""
PLACE = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
    __typename ... on Problem { message } } }"""
ADDRESS = {
    "country": "Norway",
    "city": "Oslo",
    "postCode": "0150",
    "street": "Karl Johans gate",
    "houseNumber": "1",
}
PATIENCE = 30.0  # seconds that a customer waits for an answer of whatever kind


@dataclass
class Answers:
    """What all customers of a shop have been told."""

    created: list[UUID] = field(default_factory=list)
    placed: list[UUID] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Product:
    """Something to buy; `price` in minor units."""

    product_id: str
    price: int


@dataclass
class Buyer:
    """A customer with a token, who buys one order after the other."""

    url: str
    token: str
    products: Sequence[Product]
    answers: Answers
    chance: random.Random
    pause: float = 0.0
    before_placing: Callable[[str], Awaitable[None]] | None = None

    async def buy_until(self, stop: asyncio.Event) -> None:
        """Create and place orders, of which one in eight says a wrong total."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(timeout=PATIENCE, verify=False, headers=headers) as http:
            while not stop.is_set():
                order_id = new_id()
                if await self._done(stop, http, CREATE, self._order(order_id), "OrderPayload"):
                    self.answers.created.append(order_id)
                    if self.before_placing is not None:
                        await self.before_placing(str(order_id))
                    place = {"orderId": str(order_id), "executionName": str(order_id)}
                    if await self._done(stop, http, PLACE, place, "PlaceOrderPayload"):
                        self.answers.placed.append(order_id)
                if self.pause:
                    await asyncio.sleep(self.pause * self.chance.uniform(0.5, 1.5))

    def _order(self, order_id: UUID) -> dict[str, object]:
        wanted = self.chance.sample(self.products, self.chance.randint(1, 2))
        items = [{"productId": p.product_id, "quantity": self.chance.randint(1, 2)} for p in wanted]
        total = sum(p.price * int(str(i["quantity"])) for p, i in zip(wanted, items, strict=True))
        total += self.chance.random() < 1 / 8
        return {
            "id": str(order_id),
            "items": items,
            "shippingAddress": ADDRESS,
            "total": f"{total / 100:.2f}",
        }

    async def _done(
        self,
        stop: asyncio.Event,
        http: httpx.AsyncClient,
        document: str,
        asked: Mapping[str, object],
        expected: str,
    ) -> bool:
        """Ask until it is acknowledged; False when time is up before."""
        body = orjson.dumps({"query": document, "variables": {"input": asked}})
        while not stop.is_set():
            began = monotonic()
            answer = await self._ask(http, body)
            took = monotonic() - began
            self.answers.slowest = max(self.answers.slowest, took)
            if errors := answer.get("errors"):
                extensions = errors[0]["extensions"]
                self.answers.errors[f"{extensions['code']}: {errors[0]['message']}"] += 1
                pause = min(extensions.get("retryAfter", 1), 1) / 4
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.chance.uniform(0.2, 1.0) * pause)
                continue
            [payload] = answer["data"].values()
            assert payload["__typename"] == expected, payload
            self.answers.seconds.append(took)
            return True
        return False

    async def _ask(self, http: httpx.AsyncClient, body: bytes) -> dict[str, Any]:
        try:
            response = await http.post(self.url, content=body)
        except httpx.TransportError as error:
            # Nobody answers there: what a browser would say.
            failure = {"message": type(error).__name__, "extensions": {"code": "TRANSPORT"}}
            return {"errors": [failure]}
        answer: dict[str, Any] = response.json()
        return answer


@asynccontextmanager
async def buying(buyers: Sequence[Buyer]) -> AsyncIterator[None]:
    """All of them buy, until the block ends."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for buyer in buyers:
            tasks.create_task(buyer.buy_until(stop))
        try:
            yield
        finally:
            stop.set()
