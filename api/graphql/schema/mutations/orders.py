"""What customers do with their own orders."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Context, Info
from api.graphql.schema.fields import described
from api.graphql.schema.problems import ConflictProblem, NotFoundProblem, ValidationProblem
from api.graphql.schema.results import (
    ask_for_kinds,
    client_id,
    conflict,
    found,
    invalid,
    not_found,
    own_account,
    send,
    taken,
)
from api.graphql.schema.scalars import given, uuid_of
from api.graphql.schema.types import Execution, Order
from api.validation import MOST_ORDERED, MOST_ROWS, Check
from application.unit_of_work import Loaded
from domain.commands import CancelOrder, ChangeOrder, CreateOrder, PlaceOrder
from domain.errors import Conflict, NotFound
from domain.events import OrderCreated
from domain.values import Address, OrderItem
from infrastructure.command_handling.dispatcher import idempotency_key
from infrastructure.event_store.store import IdempotencyKey
from infrastructure.ids import execution_id, new_id
from infrastructure.text import upright
from projections.products import ProductRow


@strawberry.input(description="A line of an order.")
class OrderItemInput:
    product_id: strawberry.ID = strawberry.field(
        description="The product's id. A product stands in one line at most."
    )
    quantity: int = strawberry.field(description="How many pieces, from 1 to 1,000,000.")


@strawberry.input(
    description="Where an order is to be shipped to. Each line has at most 200 characters."
)
class AddressInput:
    country: str = strawberry.field(description="In whatever words.")
    city: str = strawberry.field(description="City, town or village.")
    post_code: str = strawberry.field(description="In whatever form the country has it.")
    street: str = strawberry.field(description="Street, without the house.")
    house_number: str = strawberry.field(description="The house in the street, such as `221b`.")
    local_number: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The flat or the door in the house; null or empty where there is none.",
    )


@strawberry.input(description="An order to be created; it is placed later.")
class CreateOrderInput:
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A new UUID of the client's own for the order, which makes it safe to send this"
        " again.",
    )
    items: list[OrderItemInput] = strawberry.field(description="From 1 to 100 lines.")
    shipping_address: AddressInput = strawberry.field(description="Where it is to go.")
    total: Decimal = strawberry.field(
        description="What the customer was shown. The saga refuses the order where the products'"
        " prices at that moment give another sum."
    )


@strawberry.input(
    description="What is to be changed of an order. What is null or left out stays as it is."
)
class ChangeOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order's id.")
    items: list[OrderItemInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="From 1 to 100 lines, in the place of those that there are.",
    )
    shipping_address: AddressInput | None = strawberry.field(
        default=strawberry.UNSET, description="Where it is to go."
    )
    total: Decimal | None = strawberry.field(
        default=strawberry.UNSET, description="What the customer was shown."
    )
    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A new UUID of the client's own for the change, which makes it safe to send"
        " this again.",
    )


@strawberry.input(description="An order to be placed, and what to call the attempt.")
class PlaceOrderInput:
    order_id: strawberry.ID = strawberry.field(description="The order's id.")
    execution_name: str = strawberry.field(
        description="What the result will be sent under; the same name for the same order starts"
        " nothing twice."
    )


@strawberry.type(description="It was done, and this is the order.")
class OrderPayload:
    order: Order = strawberry.field(description="The order as it is now.")


@strawberry.type(description="Accepted: the saga runs, its result comes by subscription.")
class PlaceOrderPayload:
    execution: Execution = strawberry.field(description="The execution that has begun.")


CreateOrderResult = Annotated[
    OrderPayload | ValidationProblem | ConflictProblem,
    strawberry.union("CreateOrderResult", description="The order, or why there is none."),
]
PlaceOrderResult = Annotated[
    PlaceOrderPayload | ValidationProblem | NotFoundProblem | ConflictProblem,
    strawberry.union("PlaceOrderResult", description="The execution, or why there is none."),
]
ChangeOrderResult = Annotated[
    OrderPayload | ValidationProblem | NotFoundProblem | ConflictProblem,
    strawberry.union("ChangeOrderResult", description="The order, or why it is not changed."),
]
CancelOrderResult = Annotated[
    OrderPayload | NotFoundProblem | ConflictProblem,
    strawberry.union("CancelOrderResult", description="The order, or why it is not cancelled."),
]


@strawberry.type
class OrderMutations:
    @described(
        "Notes what the caller wants to buy. Nothing is reserved or paid before it is placed."
    )
    async def create_order(
        self,
        info: Info,
        input: Annotated[CreateOrderInput, strawberry.argument(description="The order.")],
    ) -> CreateOrderResult:
        context = info.context
        caller = context.user()
        check = Check(context.currency.digits)
        brought = client_id(input.id)
        kinds, order_id = ask_for_kinds(context, [brought]), brought or new_id()
        command = CreateOrder(
            order_id,
            caller.user_id,
            await own_account(context),
            await _items(context, check, input.items),
            _address(check, input.shipping_address),
            check.amount("total", input.total),
        )
        if check.problems:
            if brought and await _was_created(context, command):
                return await _order(context, order_id)
            return invalid(check.problems)
        if problem := await taken(kinds):
            return problem
        try:
            await send(context, command)
        except Conflict as error:
            if not await _was_created(context, command):
                return conflict(error)
        return await _order(context, order_id)

    @described(
        "Begins an execution of the caller's order: it reserves the stock, takes the payment and"
        " prepares the shipment, or undoes what it did. `orderResult` tells how it ended."
    )
    async def place_order(
        self,
        info: Info,
        input: Annotated[
            PlaceOrderInput, strawberry.argument(description="Which order, under which name.")
        ],
    ) -> PlaceOrderResult:
        context = info.context
        caller = context.user()
        order_id = uuid_of(input.order_id)
        check = Check(context.currency.digits)
        name = check.execution_name("executionName", input.execution_name)
        if check.problems:
            return invalid(check.problems)
        run = execution_id(caller.user_id, name)
        key = IdempotencyKey(run, order_id.bytes)
        try:
            await _check_own(context, order_id)
            await send(context, PlaceOrder(order_id, run, name), key=key, correlation_id=run)
        except NotFound as error:
            return not_found(error)
        except Conflict as error:
            used = await context.rows.executions.load(run)
            if used is not None and used.order_id != order_id:
                return ConflictProblem(message="This name was used for another order.")
            return conflict(error)
        execution = found(await context.rows.executions.load(run))
        return PlaceOrderPayload(execution=Execution.of(execution, context.currency))

    @described(
        "Corrects the caller's order before it is placed, or after it failed: then it is placed"
        " again under a new name."
    )
    async def change_order(
        self,
        info: Info,
        input: Annotated[
            ChangeOrderInput, strawberry.argument(description="Which order, and what of it.")
        ],
    ) -> ChangeOrderResult:
        context = info.context
        context.user()
        order_id = uuid_of(input.order_id)
        brought = client_id(input.id)
        check = Check(context.currency.digits)
        total, address = given(input.total), given(input.shipping_address)
        items = given(input.items)
        command = ChangeOrder(
            order_id,
            brought or new_id(),
            None if items is None else await _items(context, check, items),
            None if address is None else _address(check, address),
            None if total is None else check.amount("total", total),
        )
        # Of what the client has sent: names and prices are those of the moment.
        lines = [(item.product_id, item.quantity) for item in command.items or ()]
        sent = (items is not None, lines, command.shipping_address, command.total)
        key = idempotency_key(order_id, brought, "ChangeOrder", *sent) if brought else None
        try:
            await _check_own(context, order_id)
            if check.problems:
                if key is not None and await context.dispatcher.recorded(key):
                    return await _order(context, order_id)
                return invalid(check.problems)
            await send(context, command, key=key)
        except NotFound as error:
            return not_found(error)
        except Conflict as error:
            return conflict(error)
        return await _order(context, order_id)

    @described(
        "Gives up the caller's order before it is placed, after it failed, or while an execution"
        " runs: that one then undoes what it did, unless the shipment is prepared already, and ends"
        " CANCELLED."
    )
    async def cancel_order(
        self,
        info: Info,
        order_id: Annotated[strawberry.ID, strawberry.argument(description="The order's id.")],
    ) -> CancelOrderResult:
        context = info.context
        context.user()
        own_id = uuid_of(order_id)
        try:
            await _check_own(context, own_id)
            await send(context, CancelOrder(own_id))
        except NotFound as error:
            return not_found(error)
        except Conflict as error:
            return conflict(error)
        return await _order(context, own_id)


async def _items(
    context: Context, check: Check, items: list[OrderItemInput]
) -> tuple[OrderItem, ...]:
    """The items with names, images and prices as they are now."""
    ids = [uuid_of(item.product_id) for item in items]
    check.rows("items", len(ids))
    check.unique([f"items[{i}].productId" for i in range(len(ids))], ids)
    known = ids[:MOST_ROWS]
    products = dict(zip(known, await context.loaders.products.load_many(known), strict=True))
    ordered = tuple(
        _item(check, f"items[{i}]", product_id, item.quantity, products.get(product_id))
        for i, (product_id, item) in enumerate(zip(ids, items, strict=True))
    )
    if not check.problems:
        check.sum("items", (item.unit_price * item.quantity for item in ordered))
    return ordered


def _item(
    check: Check, path: str, id: UUID, quantity: int, product: ProductRow | None
) -> OrderItem:
    check.whole(f"{path}.quantity", quantity, 1, MOST_ORDERED)
    if product is None:
        check.add(f"{path}.productId", "There is no such product.")
        return OrderItem(id, "", "", 0, quantity)
    if product.discontinued:
        check.add(f"{path}.productId", f"{upright(product.name)} can no longer be ordered.")
    return OrderItem(id, product.name, product.image_url, product.price, quantity)


def _address(check: Check, address: AddressInput) -> Address:
    path = "shippingAddress"
    return Address(
        check.text(f"{path}.country", address.country),
        check.text(f"{path}.city", address.city),
        check.text(f"{path}.postCode", address.post_code),
        check.text(f"{path}.street", address.street),
        check.text(f"{path}.houseNumber", address.house_number),
        # A form sends an empty field for what there is not.
        check.text(f"{path}.localNumber", address.local_number) if address.local_number else None,
    )


async def _was_created(context: Context, command: CreateOrder) -> bool:
    """Whether the same input has made this order before, whatever its products are like now."""
    creation = _creation(await context.dispatcher.load(command.order_id))
    if creation is None or _input_of(creation) != _input_of(command):
        return False
    await context.dispatcher.confirm()
    return True


def _input_of(order: OrderCreated | CreateOrder) -> tuple[object, ...]:
    lines = [(item.product_id, item.quantity) for item in order.items]
    return order.customer_id, lines, order.shipping_address, order.total


async def _check_own(context: Context, order_id: UUID) -> None:
    """Raises NotFound, also where the order is somebody else's: nobody learns of it."""
    created = _creation(context.dispatcher.remembered(order_id))  # here, a moment ago, most likely
    order = created or await context.loaders.orders.load(order_id)
    if order is None or order.customer_id != context.user().user_id:
        raise NotFound("order", order_id)


def _creation(loaded: Loaded) -> OrderCreated | None:
    creation = getattr(loaded.state, "creation", None)
    return creation if isinstance(creation, OrderCreated) else None


async def _order(context: Context, order_id: UUID) -> OrderPayload:
    row = found(await context.loaders.orders.load(order_id))
    return OrderPayload(order=Order.of(row, context.currency))
