"""The answers of queries A and B without any GraphQL: what the fastest way costs that asks
PostgreSQL for each request and writes the same JSON, in plain ASGI. Nothing is checked here."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import jwt
import orjson
from psycopg import AsyncConnection
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

KEY = os.environ["SECRET_KEY"]
PRODUCTS = b"""
SELECT product_id, name, image_url, price, on_hand - reserved FROM products.products
ORDER BY created_position LIMIT 20
"""
ORDERS = b"""
SELECT order_id, status, total, items FROM orders.orders
WHERE customer_id = %b ORDER BY created_position DESC LIMIT 20
"""


async def configure(connection: AsyncConnection) -> None:
    """Read JSON by orjson."""
    set_json_loads(orjson.loads, connection)


pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=4,
    max_size=10,
    open=False,
    configure=configure,
    kwargs={"autocommit": True, "prepare_threshold": 0},
)


async def rows(query: bytes, *parameters: Any) -> list[Any]:
    """What the query answers, by binary protocol."""
    async with pool.connection() as connection:
        return await (await connection.execute(query, parameters, binary=True)).fetchall()


def money(minor_units: int) -> dict[str, str]:
    """As an exact decimal number."""
    return {"amount": f"{minor_units // 100}.{minor_units % 100:02}"}


async def products() -> Any:
    """Query A."""
    nodes = [
        {"id": id_, "name": name, "imageUrl": image, "price": money(price), "available": available}
        for id_, name, image, price, available in await rows(PRODUCTS)
    ]
    return {"data": {"products": {"nodes": nodes}}}


async def orders(customer_id: UUID) -> Any:
    """Query B."""
    nodes = [
        {
            "id": id_,
            "status": status,
            "total": money(total),
            "items": [
                {
                    "productName": item["name"],
                    "quantity": item["quantity"],
                    "unitPrice": money(item["unit_price"]),
                    "subtotal": money(item["unit_price"] * item["quantity"]),
                }
                for item in items
            ],
        }
        for id_, status, total, items in await rows(ORDERS, customer_id)
    ]
    return {"data": {"orders": {"nodes": nodes}}}


class Endpoint:
    """ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await Starlette(lifespan=lifespan)(scope, receive, send)
            return
        body = b""
        if scope["method"] == "POST":
            body = (await receive())["body"]
        answer = await self._answer(scope, body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, scope: Scope, body: bytes) -> bytes:
        if not body:
            return b""
        if orjson.loads(body)["query"].lstrip().startswith("query Products"):
            return orjson.dumps(await products())
        token = dict(scope["headers"])[b"authorization"].removeprefix(b"Bearer ")
        customer_id = UUID(jwt.decode(token, KEY, algorithms=["HS256"])["sub"])
        return orjson.dumps(await orders(customer_id))


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with pool:
        yield


app = Endpoint()
