"""A product: what it is, what it costs, how many there are and who has reserved them."""

from dataclasses import replace
from uuid import UUID

from rpds import HashTrieMap

from domain.commands import (
    AdjustStock,
    ChangeProduct,
    DiscontinueProduct,
    ListProduct,
    ReleaseReservation,
    ReserveStock,
    ShipReservation,
    StockCommand,
    TakeBack,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import (
    ProductChanged,
    ProductDiscontinued,
    ProductListed,
    ReservationReleased,
    ReservationShipped,
    StockAdjusted,
    StockEvent,
    StockReserved,
    StockReturned,
    StockShort,
)
from domain.message import message
from domain.values import MAX_AMOUNT, MAX_QUANTITY


@message
class Stock:
    """`reservations` holds the open ones: how many each execution keeps for itself.

    The last adjustment, shortage and return are kept so that the same command again records
    nothing.
    """

    listing: ProductListed | None = None
    name: str = ""
    image_url: str = ""
    price: int = 0
    on_hand: int = 0
    reserved: int = 0
    discontinued: bool = False
    # Quoted, because the maps of rpds take no type parameters at run time.
    reservations: "HashTrieMap[UUID, int]" = HashTrieMap()
    last_adjustment: StockAdjusted | None = None
    last_shortage: StockShort | None = None
    last_return: StockReturned | None = None

    @property
    def available(self) -> int:
        """What can be ordered now."""
        return 0 if self.discontinued else self.on_hand - self.reserved


def decide(command: StockCommand, stock: Stock) -> list[StockEvent]:
    """Say what happens to the product. Raises NotFound, Conflict or Invalid."""
    if isinstance(command, ListProduct):
        return _list(command, stock)
    if stock.listing is None:
        raise NotFound("product", command.product_id)
    match command:
        case ChangeProduct():
            return _change(command, stock)
        case DiscontinueProduct(product_id):
            return [] if stock.discontinued else [ProductDiscontinued(product_id)]
        case AdjustStock():
            return _adjust(command, stock)
        case ReserveStock():
            return _reserve(command, stock)
        case ReleaseReservation(product_id, execution_id):
            quantity = stock.reservations.get(execution_id)
            if quantity is None:
                return []
            return [ReservationReleased(product_id, execution_id, quantity)]
        case ShipReservation(product_id, execution_id):
            quantity = stock.reservations.get(execution_id)
            if quantity is None:
                return []
            return [ReservationShipped(product_id, execution_id, quantity)]
        case TakeBack():
            return _take_back(command, stock)


def _list(command: ListProduct, stock: Stock) -> list[StockEvent]:
    listed = ProductListed(
        command.product_id, command.name, command.image_url, command.price, command.quantity
    )
    if stock.listing == listed:
        return []
    if stock.listing is not None:
        raise Conflict("Another product has this id.")
    _check_price(command.price)
    if command.quantity < 0:
        raise Invalid("quantity", "A quantity is not negative.")
    if command.quantity > MAX_QUANTITY:
        raise Invalid("quantity", "This quantity is too high.")
    return [listed]


def _check_price(price: int) -> None:
    if price <= 0:
        raise Invalid("price", "A price is greater than 0.")
    if price > MAX_AMOUNT:
        raise Invalid("price", "This price is too high.")


def _change(command: ChangeProduct, stock: Stock) -> list[StockEvent]:
    if stock.discontinued:
        raise Conflict("The product is discontinued.")
    name = stock.name if command.name is None else command.name
    image_url = stock.image_url if command.image_url is None else command.image_url
    price = stock.price if command.price is None else command.price
    if (name, image_url, price) == (stock.name, stock.image_url, stock.price):
        return []
    _check_price(price)
    return [ProductChanged(command.product_id, name, image_url, price)]


def _adjust(command: AdjustStock, stock: Stock) -> list[StockEvent]:
    adjusted = StockAdjusted(command.product_id, command.adjustment_id, command.by, command.reason)
    if adjusted == stock.last_adjustment or command.by == 0:
        return []
    if stock.on_hand + command.by < stock.reserved:
        raise Conflict(
            f"Of {stock.on_hand} on hand, {stock.reserved} are reserved: "
            f"at most {stock.on_hand - stock.reserved} can be taken away."
        )
    if stock.on_hand + command.by > MAX_QUANTITY:
        raise Invalid("by", "So many cannot be on hand.")
    return [adjusted]


def _reserve(command: ReserveStock, stock: Stock) -> list[StockEvent]:
    product_id, execution_id, quantity = command.product_id, command.execution_id, command.quantity
    if execution_id in stock.reservations:
        return []
    if stock.last_shortage is not None and stock.last_shortage.execution_id == execution_id:
        return []
    if quantity <= 0:
        raise Invalid("quantity", "At least one has to be reserved.")
    if quantity > stock.available:
        return [StockShort(product_id, execution_id, stock.name, quantity, stock.available)]
    return [StockReserved(product_id, execution_id, quantity, stock.price)]


def _take_back(command: TakeBack, stock: Stock) -> list[StockEvent]:
    """Also of a product that is discontinued: what came back is there."""
    returned = StockReturned(command.product_id, command.return_id, command.quantity)
    if returned == stock.last_return:
        return []
    if command.quantity <= 0:
        raise Invalid("quantity", "At least one comes back.")
    if stock.on_hand + command.quantity > MAX_QUANTITY:
        raise Invalid("quantity", "So many cannot be on hand.")
    return [returned]


def evolve(stock: Stock, event: StockEvent) -> Stock:
    """The product after `event`."""
    match event:
        case ProductListed(_, name, image_url, price, quantity):
            return Stock(event, name, image_url, price, quantity)
        case ProductChanged(_, name, image_url, price):
            return replace(stock, name=name, image_url=image_url, price=price)
        case ProductDiscontinued():
            return replace(stock, discontinued=True)
        case StockAdjusted(by=by):
            return replace(stock, on_hand=stock.on_hand + by, last_adjustment=event)
        case StockReserved(_, execution_id, quantity):
            return replace(
                stock,
                reserved=stock.reserved + quantity,
                reservations=stock.reservations.insert(execution_id, quantity),
            )
        case StockShort():
            return replace(stock, last_shortage=event)
        case ReservationReleased(_, execution_id, quantity):
            return replace(
                stock,
                reserved=stock.reserved - quantity,
                reservations=stock.reservations.discard(execution_id),
            )
        case ReservationShipped(_, execution_id, quantity):
            return replace(
                stock,
                on_hand=stock.on_hand - quantity,
                reserved=stock.reserved - quantity,
                reservations=stock.reservations.discard(execution_id),
            )
        case StockReturned(quantity=quantity):
            return replace(stock, on_hand=stock.on_hand + quantity, last_return=event)
