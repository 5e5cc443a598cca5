"""Which command an event answers, so that the rules can be asked again whether it may be there."""

from domain.commands import (
    AdjustStock,
    CancelOrder,
    ChangeProduct,
    Charge,
    Command,
    CompleteOrder,
    CreateOrder,
    Deposit,
    DiscontinueProduct,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    PrepareShipment,
    Refund,
    RefusePrice,
    RejectOrder,
    ReleaseReservation,
    ReserveStock,
    SettleCharge,
    ShipReservation,
    Withdraw,
)
from domain.events import (
    AccountCharged,
    AccountEvent,
    AccountOpened,
    ChargeDeclined,
    ChargeRefunded,
    ChargeSettled,
    Deposited,
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderEvent,
    OrderPlaced,
    OrderRejected,
    PriceRefused,
    ProductChanged,
    ProductDiscontinued,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    ShipmentPrepared,
    StockAdjusted,
    StockEvent,
    StockReserved,
    StockShort,
    Withdrawn,
)


def answered(event: Event) -> Command:
    """The command that is answered by just this event, where the rules are kept."""
    match event:
        case (
            ProductListed()
            | ProductChanged()
            | ProductDiscontinued()
            | StockAdjusted()
            | StockReserved()
            | StockShort()
            | ReservationReleased()
            | ReservationShipped()
        ):
            return _of_stock(event)
        case (
            AccountOpened()
            | Deposited()
            | Withdrawn()
            | AccountCharged()
            | ChargeDeclined()
            | ChargeRefunded()
            | ChargeSettled()
        ):
            return _of_account(event)
        case (
            OrderCreated()
            | OrderPlaced()
            | PriceRefused()
            | ShipmentPrepared()
            | OrderCompleted()
            | OrderRejected()
            | OrderCancelled()
        ):
            return _of_order(event)


def _of_stock(event: StockEvent) -> Command:
    match event:
        case ProductListed(product_id, name, image_url, price, quantity):
            return ListProduct(product_id, name, image_url, price, quantity)
        case ProductChanged(product_id, name, image_url, price):
            return ChangeProduct(product_id, name, image_url, price)
        case ProductDiscontinued(product_id):
            return DiscontinueProduct(product_id)
        case StockAdjusted(product_id, adjustment_id, by, reason):
            return AdjustStock(product_id, adjustment_id, by, reason)
        case StockReserved(product_id, execution_id, quantity):
            return ReserveStock(product_id, execution_id, quantity)
        case StockShort(product_id, execution_id, _, requested):
            return ReserveStock(product_id, execution_id, requested)
        case ReservationReleased(product_id, execution_id):
            return ReleaseReservation(product_id, execution_id)
        case ReservationShipped(product_id, execution_id):
            return ShipReservation(product_id, execution_id)


def _of_account(event: AccountEvent) -> Command:
    match event:
        case AccountOpened(account_id, owner_id, opening_deposit):
            return OpenAccount(account_id, owner_id, opening_deposit)
        case Deposited(account_id, transfer_id, amount):
            return Deposit(account_id, transfer_id, amount)
        case Withdrawn(account_id, transfer_id, amount):
            return Withdraw(account_id, transfer_id, amount)
        case AccountCharged(account_id, execution_id, order_id, amount):
            return Charge(account_id, execution_id, order_id, amount)
        case ChargeDeclined(account_id, execution_id, required):
            # Which order it was for is not recorded: no money was taken for it.
            return Charge(account_id, execution_id, execution_id, required)
        case ChargeRefunded(account_id, execution_id):
            return Refund(account_id, execution_id)
        case ChargeSettled(account_id, execution_id):
            return SettleCharge(account_id, execution_id)


def _of_order(event: OrderEvent) -> Command:
    match event:
        case OrderCreated(order_id, customer_id, account_id, items, address, total):
            return CreateOrder(order_id, customer_id, account_id, items, address, total)
        case OrderPlaced(order_id, execution_id, name):
            return PlaceOrder(order_id, execution_id, name)
        case PriceRefused(order_id, execution_id, _, calculated):
            return RefusePrice(order_id, execution_id, calculated)
        case ShipmentPrepared(order_id, execution_id):
            return PrepareShipment(order_id, execution_id)
        case OrderCompleted(order_id, execution_id):
            return CompleteOrder(order_id, execution_id)
        case OrderRejected(order_id, execution_id, problem):
            return RejectOrder(order_id, execution_id, problem)
        case OrderCancelled(order_id):
            return CancelOrder(order_id)
