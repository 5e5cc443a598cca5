"""The contract's enumerations. Names and values are what the read models hold."""

from enum import Enum

import strawberry


@strawberry.enum(description="What a user may do.")
class Role(Enum):
    USER = strawberry.enum_value("USER", description="Buys: sees and does what is his or her own.")
    ADMIN = strawberry.enum_value("ADMIN", description="Sees everything, and manages products.")


@strawberry.enum(description="The sign of a change of an account's balance.")
class TransactionType(Enum):
    CREDIT = strawberry.enum_value("CREDIT", description="Money came in.")
    DEBIT = strawberry.enum_value("DEBIT", description="Money went out.")


@strawberry.enum(description="What a change of an account's balance was for.")
class TransactionReason(Enum):
    OPENING_DEPOSIT = strawberry.enum_value(
        "OPENING_DEPOSIT", description="What the account was opened with."
    )
    DEPOSIT = strawberry.enum_value("DEPOSIT", description="The customer brought money.")
    WITHDRAWAL = strawberry.enum_value("WITHDRAWAL", description="The customer took money out.")
    ORDER_PAYMENT = strawberry.enum_value("ORDER_PAYMENT", description="An order was paid.")
    ORDER_REFUND = strawberry.enum_value(
        "ORDER_REFUND",
        description="The payment of an order that failed or was cancelled was given back.",
    )
    RETURN_REFUND = strawberry.enum_value(
        "RETURN_REFUND", description="What was paid for goods that came back was given back."
    )


@strawberry.enum(description="How far an order is.")
class OrderStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Created, not placed yet.")
    PLACED = strawberry.enum_value("PLACED", description="An execution is running.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="Paid, and ready to be shipped.")
    FAILED = strawberry.enum_value(
        "FAILED", description="The last execution failed; the order can be placed again."
    )
    CANCELLED = strawberry.enum_value("CANCELLED", description="Given up by the customer.")


@strawberry.enum(description="What a customer may do with an order.")
class OrderAction(Enum):
    CHANGE = strawberry.enum_value("CHANGE", description="`changeOrder` would be taken.")
    PLACE = strawberry.enum_value("PLACE", description="`placeOrder` would be taken.")
    CANCEL = strawberry.enum_value("CANCEL", description="`cancelOrder` would be taken.")


@strawberry.enum(description="How far an execution is.")
class ExecutionStatus(Enum):
    RUNNING = strawberry.enum_value("RUNNING", description="Going on, and nothing was refused.")
    COMPENSATING = strawberry.enum_value(
        "COMPENSATING", description="Undoing what was done, after a step was refused."
    )
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="Ended: the order is completed.")
    FAILED = strawberry.enum_value("FAILED", description="Ended: all that was done is undone.")


@strawberry.enum(description="What a step of an execution was.")
class ExecutionStepType(Enum):
    STARTED = strawberry.enum_value("STARTED", description="The order was placed.")
    STOCK_RESERVED = strawberry.enum_value(
        "STOCK_RESERVED", description="As many of a product as were ordered are kept for it."
    )
    STOCK_REFUSED = strawberry.enum_value(
        "STOCK_REFUSED", description="Fewer of a product were available than were ordered."
    )
    PRICE_REFUSED = strawberry.enum_value(
        "PRICE_REFUSED", description="The products cost something else than the order says."
    )
    PAYMENT_TAKEN = strawberry.enum_value(
        "PAYMENT_TAKEN", description="The customer's account has paid."
    )
    PAYMENT_REFUSED = strawberry.enum_value(
        "PAYMENT_REFUSED", description="The customer's account held too little."
    )
    STOCK_RELEASED = strawberry.enum_value(
        "STOCK_RELEASED", description="What was kept of a product was given back."
    )
    SHIPMENT_PREPARED = strawberry.enum_value(
        "SHIPMENT_PREPARED", description="The parcel was made ready."
    )
    CANCELLATION_REQUESTED = strawberry.enum_value(
        "CANCELLATION_REQUESTED", description="The customer wants it undone."
    )
    SUCCEEDED = strawberry.enum_value("SUCCEEDED", description="The order is completed.")
    FAILED = strawberry.enum_value("FAILED", description="The order failed, for the problem told.")
