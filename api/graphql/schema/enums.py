"""The contract's enumerations. Names and values are what the read models hold."""

from enum import Enum

import strawberry


@strawberry.enum
class Role(Enum):
    USER = "USER"
    ADMIN = "ADMIN"


@strawberry.enum
class TransactionType(Enum):
    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


@strawberry.enum
class TransactionReason(Enum):
    OPENING_DEPOSIT = "OPENING_DEPOSIT"
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    ORDER_PAYMENT = "ORDER_PAYMENT"
    ORDER_REFUND = "ORDER_REFUND"


@strawberry.enum
class OrderStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Created, not placed yet.")
    PLACED = strawberry.enum_value("PLACED", description="An execution is running.")
    COMPLETED = "COMPLETED"
    FAILED = strawberry.enum_value(
        "FAILED", description="The last execution failed; the order can be placed again."
    )
    CANCELLED = "CANCELLED"


@strawberry.enum
class ExecutionStatus(Enum):
    RUNNING = "RUNNING"
    COMPENSATING = strawberry.enum_value(
        "COMPENSATING", description="Undoing what was done, after a step was refused."
    )
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@strawberry.enum
class ExecutionStepType(Enum):
    STARTED = "STARTED"
    STOCK_RESERVED = "STOCK_RESERVED"
    STOCK_REFUSED = "STOCK_REFUSED"
    PRICE_REFUSED = "PRICE_REFUSED"
    PAYMENT_TAKEN = "PAYMENT_TAKEN"
    PAYMENT_REFUSED = "PAYMENT_REFUSED"
    STOCK_RELEASED = "STOCK_RELEASED"
    SHIPMENT_PREPARED = "SHIPMENT_PREPARED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
