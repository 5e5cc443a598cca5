"""Products and orders by Strawberry on FastAPI's router, as the documentation of both teaches it.

Async resolvers, dataloaders in the context, a dependency for the user, psycopg's pool, on the
shop's read models. `PARSE_CACHE=1` turns on the two caches that Strawberry has for documents.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import jwt
import strawberry
from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.fastapi import BaseContext, GraphQLRouter
from strawberry.types import Info

KEY = os.environ["SECRET_KEY"]
pool = AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=10, open=False)


async def fetch(query: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows as dicts."""
    async with pool.connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


class Context(BaseContext):
    """One a request."""

    def __init__(self, user_id: UUID | None) -> None:
        super().__init__()
        self.user_id = user_id
        self.executions = DataLoader(load_fn=load_executions)


@strawberry.type
class Money:
    amount: Decimal
    currency: str


def money(minor_units: int) -> Money:
    """As an exact decimal number."""
    return Money(amount=Decimal(minor_units).scaleb(-2), currency="USD")


@strawberry.type
class Product:
    id: strawberry.ID
    name: str
    image_url: str
    price: Money
    available: int


@strawberry.type
class OrderItem:
    product_name: str
    unit_price: Money
    quantity: int
    subtotal: Money


@strawberry.type
class ExecutionStep:
    number: int
    type: str
    at: datetime


@strawberry.type
class Execution:
    name: str
    status: str
    steps: list[ExecutionStep]


async def load_executions(order_ids: list[UUID]) -> list[list[Execution]]:
    """Of several orders with one statement."""
    found: dict[UUID, list[Execution]] = {order_id: [] for order_id in order_ids}
    for row in await fetch(
        "SELECT order_id, name, status, steps FROM orders.executions"
        " WHERE order_id = ANY(%s) ORDER BY started_position DESC",
        order_ids,
    ):
        steps = [
            ExecutionStep(number=number, type=step["type"], at=datetime.fromisoformat(step["at"]))
            for number, step in enumerate(row["steps"], 1)
        ]
        execution = Execution(name=row["name"], status=row["status"], steps=steps)
        found[row["order_id"]].append(execution)
    return [found[order_id] for order_id in order_ids]


@strawberry.type
class Order:
    id: strawberry.ID
    status: str
    total: Money
    rows: strawberry.Private[list[dict[str, Any]]]

    @strawberry.field
    async def items(self) -> list[OrderItem]:
        return [
            OrderItem(
                product_name=item["name"],
                unit_price=money(item["unit_price"]),
                quantity=item["quantity"],
                subtotal=money(item["unit_price"] * item["quantity"]),
            )
            for item in self.rows
        ]

    @strawberry.field
    async def executions(self, info: Info[Context, None]) -> list[Execution]:
        return await info.context.executions.load(UUID(self.id))


@strawberry.type
class ProductConnection:
    nodes: list[Product]


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.type
class Query:
    @strawberry.field
    async def products(self, first: int = 20) -> ProductConnection:
        rows = await fetch(
            "SELECT product_id, name, image_url, price, on_hand - reserved AS available"
            " FROM products.products ORDER BY created_position LIMIT %s",
            first,
        )
        return ProductConnection(
            nodes=[
                Product(
                    id=strawberry.ID(str(row["product_id"])),
                    name=row["name"],
                    image_url=row["image_url"],
                    price=money(row["price"]),
                    available=row["available"],
                )
                for row in rows
            ]
        )

    @strawberry.field
    async def orders(self, info: Info[Context, None], first: int = 20) -> OrderConnection:
        rows = await fetch(
            "SELECT order_id, status, total, items FROM orders.orders"
            " WHERE customer_id = %s ORDER BY created_position DESC LIMIT %s",
            info.context.user_id,
            first,
        )
        return OrderConnection(
            nodes=[
                Order(
                    id=strawberry.ID(str(row["order_id"])),
                    status=row["status"],
                    total=money(row["total"]),
                    rows=row["items"],
                )
                for row in rows
            ]
        )


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def get_context(bearer: Bearer) -> Context:
    """With the user that the token names."""
    if bearer is None:
        return Context(None)
    return Context(UUID(jwt.decode(bearer.credentials, KEY, algorithms=["HS256"])["sub"]))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with pool:
        yield


CACHES: tuple[type[SchemaExtension], ...] = (ParserCache, ValidationCache)
schema = strawberry.Schema(Query, extensions=CACHES if os.environ.get("PARSE_CACHE") else ())
app = FastAPI(lifespan=lifespan)
app.include_router(GraphQLRouter(schema, context_getter=get_context), prefix="/graphql")
