"""What a caller may do wrong, as data: problems of inputs, and why an execution failed."""

from enum import Enum
from typing import Any

import strawberry

from api.money import Currency, Money


@strawberry.enum
class ProblemCode(Enum):
    VALIDATION = "VALIDATION"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    PRODUCTS_UNAVAILABLE = "PRODUCTS_UNAVAILABLE"
    WRONG_ORDER_PRICE = "WRONG_ORDER_PRICE"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    INVALID_CODE = "INVALID_CODE"
    PROCESSING_FAILED = strawberry.enum_value(
        "PROCESSING_FAILED",
        description="Something failed that is no fault of the caller; support can find it by the"
        " execution.",
    )


@strawberry.interface
class Problem:
    code: ProblemCode
    message: str = strawberry.field(description="One sentence for a person.")


@strawberry.type
class FieldProblem:
    path: str = strawberry.field(description="Such as `items[0].quantity`.")
    message: str


@strawberry.type(description="All that is wrong with the input, at once.")
class ValidationProblem(Problem):
    code: ProblemCode = ProblemCode.VALIDATION
    message: str = "Some of the input's fields are wrong."
    fields: list[FieldProblem]


@strawberry.type
class NotFoundProblem(Problem):
    code: ProblemCode = ProblemCode.NOT_FOUND
    id: strawberry.ID


@strawberry.type(
    description="The thing is no longer in a state that allows this, or the id was used for"
    " something else."
)
class ConflictProblem(Problem):
    code: ProblemCode = ProblemCode.CONFLICT


@strawberry.type
class UnavailableProduct:
    product_id: strawberry.ID
    name: str
    requested: int
    available: int


@strawberry.type
class ProductsUnavailableProblem(Problem):
    code: ProblemCode = ProblemCode.PRODUCTS_UNAVAILABLE
    products: list[UnavailableProduct] = strawberry.field(
        description="Every product of the order that is short, not only the first."
    )


@strawberry.type
class WrongOrderPriceProblem(Problem):
    code: ProblemCode = ProblemCode.WRONG_ORDER_PRICE
    provided: Money
    calculated: Money


@strawberry.type
class InsufficientFundsProblem(Problem):
    code: ProblemCode = ProblemCode.INSUFFICIENT_FUNDS
    balance: Money
    required: Money


@strawberry.type(description="INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED or INVALID_CODE.")
class AuthenticationProblem(Problem):
    pass


@strawberry.type
class ProcessingFailedProblem(Problem):
    code: ProblemCode = ProblemCode.PROCESSING_FAILED
    message: str = "The order could not be processed, through no fault of yours."


def problem_of(problem: dict[str, Any], currency: Currency) -> Problem:
    """Why an execution failed, from the JSON object of a `domain.values.Problem`."""
    match problem:
        case {"code": "PRODUCTS_UNAVAILABLE", "products": shortages}:
            names = ", ".join(shortage["name"] for shortage in shortages)
            return ProductsUnavailableProblem(
                message=f"Fewer are available than were ordered of: {names}.",
                products=[UnavailableProduct(**shortage) for shortage in shortages],
            )
        case {"code": "WRONG_ORDER_PRICE", "provided": provided, "calculated": calculated}:
            shown, asked = currency.money(provided), currency.money(calculated)
            return WrongOrderPriceProblem(
                message=f"The order says {shown}, but its products cost {asked}.",
                provided=shown,
                calculated=asked,
            )
        case {"code": "INSUFFICIENT_FUNDS", "balance": balance, "required": required}:
            return insufficient_funds(balance, required, currency)
        case _:  # the reason is for operators alone
            return ProcessingFailedProblem()


def insufficient_funds(balance: int, required: int, currency: Currency) -> InsufficientFundsProblem:
    """More was asked of an account than it holds; both in minor units."""
    held, needed = currency.money(balance), currency.money(required)
    return InsufficientFundsProblem(
        message=f"The account holds {held}, {needed} are needed.", balance=held, required=needed
    )
