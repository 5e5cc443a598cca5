"""Values that commands, events and states share. Money is whole minor units (cents) everywhere."""

from typing import Literal
from uuid import UUID

from domain.message import message

MAX_QUANTITY = 2**31 - 1
"""What GraphQL's Int can show."""

MAX_AMOUNT = 10**17
"""Amounts are stored in 64 bits; this leaves room for refunds on top of a full account."""


@message
class Address:
    """Where an order is shipped to: the one personal thing in the event log."""

    country: str
    city: str
    post_code: str
    street: str
    house_number: str
    local_number: str | None = None


@message
class OrderItem:
    """A product as it was when the order was created, and how many of it."""

    product_id: UUID
    name: str
    image_url: str
    unit_price: int
    quantity: int


@message
class OrderLine:
    """What a saga needs to know of an item."""

    product_id: UUID
    quantity: int


@message
class ReceiptLine:
    """What was delivered of a product, and what a piece was paid for. Minor units."""

    product_id: UUID
    quantity: int
    unit_price: int


# Why an execution failed, recorded with the order; `code` tells them apart in the stored JSON. ---


@message
class Shortage:
    """A product of which fewer were available than requested."""

    product_id: UUID
    name: str
    requested: int
    available: int


@message
class ProductsUnavailable:
    """Every product of the order that was short."""

    products: tuple[Shortage, ...]
    code: Literal["PRODUCTS_UNAVAILABLE"] = "PRODUCTS_UNAVAILABLE"


@message
class WrongPrice:
    """The products' prices gave another sum than the customer was shown. Minor units."""

    provided: int
    calculated: int
    code: Literal["WRONG_ORDER_PRICE"] = "WRONG_ORDER_PRICE"


@message
class InsufficientFunds:
    """The account held less than the order costs. Minor units."""

    balance: int
    required: int
    code: Literal["INSUFFICIENT_FUNDS"] = "INSUFFICIENT_FUNDS"


@message
class ProcessingFailed:
    """No fault of the customer's; `reason` is for operators, never shown to customers."""

    reason: str
    code: Literal["PROCESSING_FAILED"] = "PROCESSING_FAILED"


@message
class Cancelled:
    """The customer wanted it undone while it ran; or an operator did, for a `reason`."""

    reason: str | None = None
    code: Literal["CANCELLED"] = "CANCELLED"


Problem = ProductsUnavailable | WrongPrice | InsufficientFunds | ProcessingFailed | Cancelled
