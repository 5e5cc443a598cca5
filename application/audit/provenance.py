"""Which command an event answers, so that the rules can be asked again whether it may be there."""

from domain.commands import (
    AdjustStock,
    CancelOrder,
    ChangeOrder,
    ChangeProduct,
    Charge,
    Command,
    CompleteOrder,
    CompleteReturn,
    CreateOrder,
    Deposit,
    DiscontinueProduct,
    ExpireReturn,
    ListProduct,
    OpenAccount,
    PlaceOrder,
    PrepareShipment,
    ReceiveReturn,
    Refund,
    RefundReturn,
    RefusePrice,
    RejectOrder,
    RejectReturn,
    ReleaseReservation,
    RequestReturn,
    ReserveStock,
    SettleCharge,
    ShipReservation,
    TakeBack,
    Withdraw,
)
from domain.events import (
    AccountCharged,
    AccountEvent,
    AccountOpened,
    CancellationRequested,
    ChargeDeclined,
    ChargeRefunded,
    ChargeSettled,
    Deposited,
    Event,
    OrderCancelled,
    OrderChanged,
    OrderCompleted,
    OrderCreated,
    OrderPlaced,
    OrderRejected,
    PlacingEvent,
    PriceRefused,
    ProductChanged,
    ProductDiscontinued,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    ReturnCompleted,
    ReturnEvent,
    ReturnExpired,
    ReturnReceived,
    ReturnRefunded,
    ReturnRejected,
    ReturnRequested,
    ShipmentPrepared,
    StockAdjusted,
    StockEvent,
    StockReserved,
    StockReturned,
    StockShort,
    Withdrawn,
)
from domain.values import Cancelled, OrderLine


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
            | StockReturned()
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
            | ReturnRefunded()
        ):
            return _of_account(event)
        case (
            ReturnRequested()
            | ReturnReceived()
            | ReturnRejected()
            | ReturnExpired()
            | ReturnCompleted()
        ):
            return _of_return(event)
        case (
            OrderCreated()
            | OrderChanged()
            | OrderPlaced()
            | PriceRefused()
            | CancellationRequested()
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
        case StockReturned(product_id, return_id, quantity):
            return TakeBack(product_id, return_id, quantity)


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
        case ReturnRefunded(account_id, return_id, order_id, amount):
            return RefundReturn(account_id, return_id, order_id, amount)


def _of_order(event: PlacingEvent) -> Command:
    match event:
        case OrderCreated(order_id, customer_id, account_id, items, address, total):
            return CreateOrder(order_id, customer_id, account_id, items, address, total)
        case OrderChanged(order_id, change_id, items, address, total):
            return ChangeOrder(order_id, change_id, items, address, total)
        case OrderPlaced(order_id, execution_id, name):
            return PlaceOrder(order_id, execution_id, name)
        case PriceRefused(order_id, execution_id, _, calculated):
            return RefusePrice(order_id, execution_id, calculated)
        case CancellationRequested(order_id, _, reason):
            return CancelOrder(order_id, reason)
        case ShipmentPrepared(order_id, execution_id):
            return PrepareShipment(order_id, execution_id)
        case OrderCompleted(order_id, execution_id, receipt):
            return CompleteOrder(order_id, execution_id, receipt)
        case OrderRejected(order_id, execution_id, problem):
            return RejectOrder(order_id, execution_id, problem)
        case OrderCancelled(order_id, execution_id):
            if execution_id is None:
                return CancelOrder(order_id)
            return RejectOrder(order_id, execution_id, Cancelled())


def _of_return(event: ReturnEvent) -> Command:
    match event:
        case ReturnRequested(order_id, return_id, _, _, lines, _, reason, due_at):
            asked = tuple(OrderLine(line.product_id, line.quantity) for line in lines)
            return RequestReturn(order_id, return_id, asked, reason, due_at)
        case ReturnReceived(order_id, return_id):
            return ReceiveReturn(order_id, return_id)
        case ReturnRejected(order_id, return_id, reason):
            return RejectReturn(order_id, return_id, reason)
        case ReturnExpired(order_id, return_id):
            return ExpireReturn(order_id, return_id)
        case ReturnCompleted(order_id, return_id):
            return CompleteReturn(order_id, return_id)
