"""What administrators do with products: all of a call or none of it."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Context, Info
from api.graphql.errors import BadUserInput
from api.graphql.schema.fields import described
from api.graphql.schema.problems import ConflictProblem, NotFoundProblem, ValidationProblem
from api.graphql.schema.results import (
    client_id,
    conflict,
    found,
    invalid,
    invalid_of,
    not_found,
    send,
)
from api.graphql.schema.scalars import given, uuid_of
from api.graphql.schema.types import Product
from api.validation import LARGEST_INT, MOST_ROWS, Check
from domain.commands import AdjustStock, ChangeProduct, DiscontinueProduct, ListProduct
from domain.errors import Conflict, Invalid, NotFound
from infrastructure.command_handling.dispatcher import idempotency_key
from infrastructure.ids import new_id


@strawberry.input
class ProductInput:
    id: strawberry.ID | None = strawberry.UNSET
    name: str
    image_url: str
    price: Decimal
    quantity: int = strawberry.field(description="What is on hand at the start.")


@strawberry.input
class UpdateProductInput:
    id: strawberry.ID
    name: str | None = strawberry.UNSET
    image_url: str | None = strawberry.UNSET
    price: Decimal | None = strawberry.UNSET


@strawberry.input
class AdjustStockInput:
    product_id: strawberry.ID
    by: int = strawberry.field(
        description="Added to what is on hand; negative takes away, never below what is reserved."
    )
    reason: str
    id: strawberry.ID | None = strawberry.UNSET


@strawberry.type
class ProductsPayload:
    products: list[Product]


@strawberry.type
class ProductPayload:
    product: Product


CreateProductsResult = Annotated[
    ProductsPayload | ValidationProblem | ConflictProblem,
    strawberry.union("CreateProductsResult"),
]
ProductResult = Annotated[
    ProductPayload | ValidationProblem | NotFoundProblem | ConflictProblem,
    strawberry.union("ProductResult"),
]
DiscontinueProductsResult = Annotated[
    ProductsPayload | NotFoundProblem, strawberry.union("DiscontinueProductsResult")
]


@strawberry.type
class ProductMutations:
    @described("For administrators, as are the next three. All of them or none.")
    async def create_products(self, info: Info, input: list[ProductInput]) -> CreateProductsResult:
        context = info.context
        context.admin()
        check = Check(context.currency.digits)
        ids = [client_id(row.id) for row in input]
        check.rows("input", len(input))
        check.unique([f"input[{i}].id" for i in range(len(ids))], ids)
        commands = [
            ListProduct(
                own_id or new_id(),
                check.text(f"input[{i}].name", row.name),
                check.image_url(f"input[{i}].imageUrl", row.image_url),
                check.amount(f"input[{i}].price", row.price, positive=True),
                check.whole(f"input[{i}].quantity", row.quantity, 0, LARGEST_INT),
            )
            for i, (own_id, row) in enumerate(zip(ids, input, strict=True))
        ]
        if check.problems:
            return invalid(check.problems)
        try:
            await send(context, *commands)
        except Conflict as error:
            return conflict(error)
        return ProductsPayload(
            products=await _products(context, [command.product_id for command in commands])
        )

    @strawberry.field
    async def update_product(self, info: Info, input: UpdateProductInput) -> ProductResult:
        context = info.context
        context.admin()
        check = Check(context.currency.digits)
        command = ChangeProduct(
            uuid_of(input.id),
            check.text("name", input.name) if isinstance(input.name, str) else None,
            check.image_url("imageUrl", input.image_url)
            if isinstance(input.image_url, str)
            else None,
            check.amount("price", input.price, positive=True)
            if isinstance(input.price, Decimal)
            else None,
        )
        if check.problems:
            return invalid(check.problems)
        try:
            await send(context, command)
        except NotFound as error:
            return not_found(error)
        except Conflict as error:
            return conflict(error)
        return await _product(context, command.product_id)

    @strawberry.field
    async def adjust_stock(self, info: Info, input: AdjustStockInput) -> ProductResult:
        context = info.context
        context.admin()
        check = Check(context.currency.digits)
        product_id = uuid_of(input.product_id)
        adjustment_id = client_id(input.id) or new_id()
        reason = check.text("reason", input.reason)
        if input.by == 0:
            check.add("by", "Must not be 0.")
        if check.problems:
            return invalid(check.problems)
        try:
            key = idempotency_key(product_id, adjustment_id, "adjust", input.by, reason)
            command = AdjustStock(product_id, adjustment_id, input.by, reason)
            await send(context, command, key=key if given(input.id) else None)
        except NotFound as error:
            return not_found(error)
        except Invalid as error:
            return invalid_of(error)
        except Conflict as error:
            return conflict(error)
        return await _product(context, product_id)

    @described("They can no longer be ordered; the orders that they are in keep them.")
    async def discontinue_products(
        self, info: Info, ids: list[strawberry.ID]
    ) -> DiscontinueProductsResult:
        context = info.context
        context.admin()
        if not 1 <= len(ids) <= MOST_ROWS:
            raise BadUserInput(f"`ids` must hold between 1 and {MOST_ROWS}.")
        product_ids = list(dict.fromkeys(map(uuid_of, ids)))
        try:
            await send(context, *(DiscontinueProduct(product_id) for product_id in product_ids))
        except NotFound as error:
            return not_found(error)
        return ProductsPayload(products=await _products(context, product_ids))


async def _products(context: Context, ids: list[UUID]) -> list[Product]:
    rows = await context.loaders.products.load_many(ids)
    return [Product.of(found(row), context.currency) for row in rows]


async def _product(context: Context, id: UUID) -> ProductPayload:
    [product] = await _products(context, [id])
    return ProductPayload(product=product)
