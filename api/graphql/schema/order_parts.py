"""What orders and executions consist of: all of it stands in their own rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.schema.enums import ExecutionStepType
from api.graphql.schema.fields import described, soon
from api.graphql.schema.products import Product
from api.ids import shipment_id
from api.money import Currency, Money
from infrastructure.text import upright
from projections.orders import OrderRow


@strawberry.type(description="Where an order is shipped to.")
class Address:
    country: str = strawberry.field(description="As the customer wrote it.")
    city: str = strawberry.field(description="City, town or village.")
    post_code: str = strawberry.field(description="In whatever form the country has it.")
    street: str = strawberry.field(description="Street, without the house.")
    house_number: str = strawberry.field(description="The house in the street, such as `221b`.")
    local_number: str | None = strawberry.field(
        description="The flat or the door in the house; null where there is none."
    )

    @classmethod
    def of(cls, address: dict[str, Any]) -> "Address":
        return cls(**{name: text and upright(text) for name, text in address.items()})


@strawberry.type(description="The parcel of an order whose execution came as far as shipping.")
class Shipment:
    id: UUID = strawberry.field(description="A UUID, unique over all types.")
    address: Address = strawberry.field(description="Where it goes: the order's address.")
    prepared_at: datetime = strawberry.field(description="When it was made ready.")

    @classmethod
    def of(cls, row: OrderRow, address: Address) -> "Shipment | None":
        if row.shipment_id is None or row.shipment_prepared_at is None:
            return None
        return cls(
            id=shipment_id(row.shipment_id), address=address, prepared_at=row.shipment_prepared_at
        )


@strawberry.type(description="A line of an order: how many of which product.")
class OrderItem:
    product_id: strawberry.ID = strawberry.field(description="The product's id.")
    product_name: str = strawberry.field(
        description="The product's name when the order was created."
    )
    image_url: str = strawberry.field(
        description="Where the product's picture was when the order was created."
    )
    unit_price: Money = strawberry.field(
        description="What one piece cost when the order was created; once it is completed, what was"
        " paid for one."
    )
    quantity: int = strawberry.field(description="How many pieces.")

    @classmethod
    def of(cls, item: dict[str, Any], currency: Currency, paid: Mapping[str, int]) -> "OrderItem":
        """`paid`: by product, the prices of the receipt, in minor units."""
        return cls(
            product_id=item["product_id"],
            product_name=upright(item["name"]),
            image_url=item["image_url"],
            unit_price=currency.money(paid.get(item["product_id"], item["unit_price"])),
            quantity=item["quantity"],
        )

    @described("The unit price times the quantity.")
    def subtotal(self) -> Money:
        price = self.unit_price
        return Money(amount=price.amount * self.quantity, currency=price.currency)

    @described("The product as it is now.")
    def product(self, info: Info) -> Product | None:
        context = info.context
        return soon(
            context.loaders.products.load(UUID(self.product_id)),
            lambda row: Product.of(row, context.currency) if row else None,
        )


@strawberry.type(description="Something that an execution has done or met with.")
class ExecutionStep:
    execution_name: str = strawberry.field(description="The name of the execution.")
    number: int = strawberry.field(
        description="1, 2, 3 … within the execution: a step keeps its number."
    )
    type: ExecutionStepType = strawberry.field(description="What happened.")
    product_id: strawberry.ID | None = strawberry.field(
        description="The product that the step is about; null where it is about the whole order."
    )
    at: datetime = strawberry.field(description="When it was recorded.")
