"""Products as the shop window and administrators see them."""

from datetime import datetime

import strawberry

from api.graphql.context import Info
from api.graphql.schema.fields import described
from api.graphql.schema.node import Node
from api.money import Currency, Money
from infrastructure.text import upright
from projections.products import ProductRow


@strawberry.type(description="How many of a product there are, as administrators count them.")
class Stock:
    on_hand: int = strawberry.field(description="Pieces in the shop, reserved or not.")
    reserved: int = strawberry.field(
        description="Pieces that orders under way keep for themselves; they are on hand still."
    )
    available: int = strawberry.field(
        description="On hand and not reserved: what can be ordered now. 0 where the product is"
        " discontinued."
    )


@strawberry.type(description="Something that the shop sells, or has sold, as it is now.")
class Product(Node):
    name: str = strawberry.field(description="What customers know it by.")
    image_url: str = strawberry.field(
        description="Where its picture is: an http or https URL, or a path below the page's own."
    )
    price: Money = strawberry.field(description="What one piece costs now.")
    available: int = strawberry.field(
        description="On hand and not reserved: what can be ordered now."
    )
    discontinued: bool = strawberry.field(
        description="Whether it can no longer be ordered, however many there are."
    )
    created_at: datetime = strawberry.field(description="When it was listed.")
    row: strawberry.Private[ProductRow]

    @classmethod
    def of(cls, row: ProductRow, currency: Currency) -> "Product":
        return cls(
            id=row.product_id,
            name=upright(row.name),
            image_url=row.image_url,
            price=currency.money(row.price),
            available=row.available,
            discontinued=row.discontinued,
            created_at=row.created_at,
            row=row,
        )

    @described("For administrators; null, with an error, for others.")
    def stock(self, info: Info) -> Stock | None:
        info.context.admin()
        return Stock(
            on_hand=self.row.on_hand, reserved=self.row.reserved, available=self.row.available
        )
