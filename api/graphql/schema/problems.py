"""What a caller may do wrong, as data: problems of inputs, and why an execution failed."""

from enum import Enum
from typing import Any

import strawberry

from api.money import Currency, Money
from infrastructure.text import upright

CODE = "What kind of problem it is, for programs."
MESSAGE = "One sentence for a person."


@strawberry.enum(description="What kind of problem it is.")
class ProblemCode(Enum):
    VALIDATION = strawberry.enum_value(
        "VALIDATION", description="Fields of the input are wrong: a `ValidationProblem` says which."
    )
    NOT_FOUND = strawberry.enum_value(
        "NOT_FOUND", description="There is nothing of that id, or not for the caller."
    )
    CONFLICT = strawberry.enum_value(
        "CONFLICT", description="It cannot be done any more, or not under this id."
    )
    PRODUCTS_UNAVAILABLE = strawberry.enum_value(
        "PRODUCTS_UNAVAILABLE", description="Fewer were available than were ordered."
    )
    WRONG_ORDER_PRICE = strawberry.enum_value(
        "WRONG_ORDER_PRICE", description="The products cost something else than the order says."
    )
    INSUFFICIENT_FUNDS = strawberry.enum_value(
        "INSUFFICIENT_FUNDS", description="The account holds less than is needed."
    )
    INVALID_CREDENTIALS = strawberry.enum_value(
        "INVALID_CREDENTIALS",
        description="Address and password, or the refresh token, let nobody in.",
    )
    EMAIL_NOT_VERIFIED = strawberry.enum_value(
        "EMAIL_NOT_VERIFIED", description="The mailed code has to be brought first."
    )
    INVALID_CODE = strawberry.enum_value(
        "INVALID_CODE", description="The code is wrong, too old, or was used or tried too often."
    )
    CANCELLED = strawberry.enum_value(
        "CANCELLED", description="The customer cancelled while the execution ran."
    )
    PROCESSING_FAILED = strawberry.enum_value(
        "PROCESSING_FAILED",
        description="Something failed that is no fault of the caller; support can find it by the"
        " execution.",
    )


@strawberry.interface(description="What a caller did wrong, or why an execution failed.")
class Problem:
    code: ProblemCode = strawberry.field(description=CODE)
    message: str = strawberry.field(description=MESSAGE)


def _code(code: ProblemCode) -> Any:
    """The field of a problem that is always of this code."""
    return strawberry.field(default=code, description=CODE)


def _message(message: str) -> Any:
    """The field of a problem that mostly says this."""
    return strawberry.field(default=message, description=MESSAGE)


@strawberry.type(description="What is wrong with one field of an input.")
class FieldProblem:
    path: str = strawberry.field(description="Such as `items[0].quantity`.")
    message: str = strawberry.field(description=MESSAGE)


@strawberry.type(description="All that is wrong with the input, at once.")
class ValidationProblem(Problem):
    code: ProblemCode = _code(ProblemCode.VALIDATION)
    message: str = _message("Some of the input's fields are wrong.")
    fields: list[FieldProblem] = strawberry.field(description="Every field that is wrong, and how.")


@strawberry.type(description="There is nothing of that id, or not for the caller.")
class NotFoundProblem(Problem):
    code: ProblemCode = _code(ProblemCode.NOT_FOUND)
    id: strawberry.ID = strawberry.field(description="The id that was looked for.")


@strawberry.type(
    description="The thing is no longer in a state that allows this, or the id was used for"
    " something else."
)
class ConflictProblem(Problem):
    code: ProblemCode = _code(ProblemCode.CONFLICT)


@strawberry.type(description="A product of which fewer were available than were ordered.")
class UnavailableProduct:
    product_id: strawberry.ID = strawberry.field(description="The product's id.")
    name: str = strawberry.field(description="The product's name at that moment.")
    requested: int = strawberry.field(description="How many were ordered.")
    available: int = strawberry.field(description="How many could have been ordered then.")


@strawberry.type(description="Fewer of some products were available than were ordered.")
class ProductsUnavailableProblem(Problem):
    code: ProblemCode = _code(ProblemCode.PRODUCTS_UNAVAILABLE)
    products: list[UnavailableProduct] = strawberry.field(
        description="Every product of the order that is short, not only the first."
    )


@strawberry.type(
    description="The products cost something else, when the order was placed, than it says."
)
class WrongOrderPriceProblem(Problem):
    code: ProblemCode = _code(ProblemCode.WRONG_ORDER_PRICE)
    provided: Money = strawberry.field(description="The order's total.")
    calculated: Money = strawberry.field(description="What its products cost at that moment.")


@strawberry.type(description="The account holds less than is needed.")
class InsufficientFundsProblem(Problem):
    code: ProblemCode = _code(ProblemCode.INSUFFICIENT_FUNDS)
    balance: Money = strawberry.field(description="What the account held at that moment.")
    required: Money = strawberry.field(description="What was needed.")


@strawberry.type(
    description="Why somebody is not let in: INVALID_CREDENTIALS, EMAIL_NOT_VERIFIED or"
    " INVALID_CODE."
)
class AuthenticationProblem(Problem):
    pass


@strawberry.type(
    description="Something failed that is no fault of the caller; support can find it by the"
    " execution."
)
class ProcessingFailedProblem(Problem):
    code: ProblemCode = _code(ProblemCode.PROCESSING_FAILED)
    message: str = _message("The order could not be processed, through no fault of yours.")


@strawberry.type(description="The customer cancelled while the execution ran: all is undone.")
class CancelledProblem(Problem):
    code: ProblemCode = _code(ProblemCode.CANCELLED)
    message: str = _message("The order was cancelled, and all that was done for it is undone.")


def problem_of(problem: dict[str, Any], currency: Currency) -> Problem:
    """Why an execution failed, from the JSON object of a `domain.values.Problem`."""
    match problem:
        case {"code": "PRODUCTS_UNAVAILABLE", "products": shortages}:
            shortages = [{**each, "name": upright(each["name"])} for each in shortages]
            names = ", ".join(shortage["name"] for shortage in shortages)
            return ProductsUnavailableProblem(
                message=f"Fewer are available than were ordered of: {names}.",
                products=[UnavailableProduct(**shortage) for shortage in shortages],
            )
        case {"code": "WRONG_ORDER_PRICE", "provided": provided, "calculated": calculated}:
            # Beyond 64 bits the fast reader of JSON makes a float of a whole number.
            shown, asked = currency.money(provided), currency.money(int(calculated))
            return WrongOrderPriceProblem(
                message=f"The order says {shown}, but its products cost {asked}.",
                provided=shown,
                calculated=asked,
            )
        case {"code": "INSUFFICIENT_FUNDS", "balance": balance, "required": required}:
            return insufficient_funds(balance, required, currency)
        case {"code": "CANCELLED"}:  # an operator's reason is for operators alone
            return CancelledProblem()
        case _:  # the reason is for operators alone
            return ProcessingFailedProblem()


def insufficient_funds(balance: int, required: int, currency: Currency) -> InsufficientFundsProblem:
    """More was asked of an account than it holds; both in minor units."""
    held, needed = currency.money(balance), currency.money(required)
    return InsufficientFundsProblem(
        message=f"The account holds {held}, {needed} are needed.", balance=held, required=needed
    )
