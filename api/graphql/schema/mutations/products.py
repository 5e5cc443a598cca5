"""What administrators do with products: all of a call or none of it."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Context, Info
from api.graphql.errors import BadUserInput
from api.graphql.schema.fields import described
from api.graphql.schema.problems import ConflictProblem, NotFoundProblem, ValidationProblem
from api.graphql.schema.products import Product
from api.graphql.schema.results import (
    ask_for_kinds,
    client_id,
    conflict,
    found,
    invalid,
    invalid_of,
    not_found,
    send,
    taken,
)
from api.graphql.schema.scalars import given, uuid_of
from api.validation import LARGEST_INT, MOST_ROWS, Check
from domain.commands import AdjustStock, ChangeProduct, DiscontinueProduct, ListProduct
from domain.errors import Conflict, Invalid, NotFound
from infrastructure.command_handling.dispatcher import idempotency_key
from infrastructure.ids import new_id


@strawberry.input(description="A product to be listed.")
class ProductInput:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A new UUID of the client's own for the product, which makes it safe to send"
        " this again.",
    )
    name: str = strawberry.field(
        description="What customers know it by: at most 200 characters on one line."
    )
    image_url: str = strawberry.field(
        description="Where its picture is: an http or https URL, or a path."
    )
    price: Decimal = strawberry.field(
        description="What one piece costs: greater than 0, with at most the currency's digits."
    )
    quantity: int = strawberry.field(description="What is on hand at the start.")


@strawberry.input(description="What is to change of a product; what is null or left out stays.")
class UpdateProductInput:
    id: strawberry.ID = strawberry.field(description="The product's id.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="What customers know it by from now on."
    )
    image_url: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where its picture is from now on."
    )
    price: Decimal | None = strawberry.field(
        default=strawberry.UNSET,
        description="What one piece costs from now on. Orders that are placed with the price of"
        " before are refused.",
    )


@strawberry.input(description="A change of what is on hand of a product, and why.")
class AdjustStockInput:
    product_id: strawberry.ID = strawberry.field(description="The product's id.")
    by: int = strawberry.field(
        description="Added to what is on hand; negative takes away, never below what is reserved."
    )
    reason: str = strawberry.field(
        description="Why, for who looks at the log: at most 200 characters on one line."
    )
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A new UUID of the client's own, which makes it safe to send this again.",
    )


@strawberry.type(description="It was done, and these are the products.")
class ProductsPayload:
    products: list[Product] = strawberry.field(
        description="The products as they are now, in the order in which they were given."
    )


@strawberry.type(description="It was done, and this is the product.")
class ProductPayload:
    product: Product = strawberry.field(description="The product as it is now.")


CreateProductsResult = Annotated[
    ProductsPayload | ValidationProblem | ConflictProblem,
    strawberry.union("CreateProductsResult", description="The products, or why there are none."),
]
ProductResult = Annotated[
    ProductPayload | ValidationProblem | NotFoundProblem | ConflictProblem,
    strawberry.union("ProductResult", description="The product, or why it stays as it was."),
]
DiscontinueProductsResult = Annotated[
    ProductsPayload | NotFoundProblem,
    strawberry.union(
        "DiscontinueProductsResult", description="The products, or which one there is not."
    ),
]


@strawberry.type
class ProductMutations:
    @described("For administrators: lists new products, all of them or none.")
    async def create_products(
        self,
        info: Info,
        input: Annotated[
            list[ProductInput], strawberry.argument(description="From 1 to 100 products.")
        ],
    ) -> CreateProductsResult:
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
        if problem := await taken(ask_for_kinds(context, ids)):
            return problem
        try:
            await send(context, *commands)
        except Conflict as error:
            return conflict(error)
        return ProductsPayload(
            products=await _products(context, [command.product_id for command in commands])
        )

    @described("For administrators: changes what a product is called, looks like or costs.")
    async def update_product(
        self,
        info: Info,
        input: Annotated[
            UpdateProductInput, strawberry.argument(description="The product and what changes.")
        ],
    ) -> ProductResult:
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

    @described("For administrators: notes that there are more or fewer of a product than before.")
    async def adjust_stock(
        self,
        info: Info,
        input: Annotated[
            AdjustStockInput, strawberry.argument(description="The product, how many, and why.")
        ],
    ) -> ProductResult:
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

    @described(
        "For administrators: products that can no longer be ordered from now on; the orders that"
        " they are in keep them. All of them or none."
    )
    async def discontinue_products(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(description="The ids of from 1 to 100 products."),
        ],
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
