"""What a product's stock does."""

from dataclasses import replace
from uuid import UUID

import pytest

from application.deciders import STOCK
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
from domain.values import MAX_AMOUNT, MAX_QUANTITY
from tests.domain.specification import given

BOARD = UUID(int=1)
RUN = UUID(int=2)
OTHER_RUN = UUID(int=3)
DELIVERY = UUID(int=4)

LIST = ListProduct(BOARD, "Board", "/board.svg", 4999, 10)
LISTED = ProductListed(BOARD, "Board", "/board.svg", 4999, 10)
DISCONTINUED = ProductDiscontinued(BOARD)
RESERVED_7 = StockReserved(BOARD, RUN, 7, 4999)


# Listing


def test_a_product_is_listed_with_its_price_and_quantity() -> None:
    given(STOCK).when(LIST).then(LISTED)


def test_listing_a_product_again_records_nothing() -> None:
    given(STOCK, LISTED).when(LIST).then()


def test_listing_a_product_again_records_nothing_although_it_was_changed_since() -> None:
    changed = ProductChanged(BOARD, "Longboard", "/long.svg", 5999)
    given(STOCK, LISTED, changed, DISCONTINUED).when(LIST).then()


def test_the_id_of_a_product_cannot_be_used_for_another() -> None:
    given(STOCK, LISTED).when(replace(LIST, price=1)).refuses(
        Conflict, "Another product has this id."
    )


def test_a_product_that_is_not_there_yet_may_be_listed_with_none_on_hand() -> None:
    given(STOCK).when(replace(LIST, quantity=0)).then(replace(LISTED, quantity=0))


def test_a_product_is_not_listed_with_less_than_nothing() -> None:
    given(STOCK).when(replace(LIST, quantity=-1)).refuses(
        Invalid, "A quantity is not negative.", field="quantity"
    )


def test_a_product_is_listed_with_as_many_as_can_be_shown() -> None:
    given(STOCK).when(replace(LIST, quantity=MAX_QUANTITY)).then(
        replace(LISTED, quantity=MAX_QUANTITY)
    )


def test_a_product_is_not_listed_with_more_than_can_be_shown() -> None:
    given(STOCK).when(replace(LIST, quantity=MAX_QUANTITY + 1)).refuses(
        Invalid, "This quantity is too high.", field="quantity"
    )


@pytest.mark.parametrize("price", [1, MAX_AMOUNT])
def test_a_product_costs_from_one_minor_unit_to_what_can_be_stored(price: int) -> None:
    given(STOCK).when(replace(LIST, price=price)).then(replace(LISTED, price=price))


@pytest.mark.parametrize("price", [0, -1])
def test_a_product_is_not_listed_for_nothing(price: int) -> None:
    given(STOCK).when(replace(LIST, price=price)).refuses(
        Invalid, "A price is greater than 0.", field="price"
    )


def test_a_product_is_not_listed_for_more_than_can_be_stored() -> None:
    given(STOCK).when(replace(LIST, price=MAX_AMOUNT + 1)).refuses(
        Invalid, "This price is too high.", field="price"
    )


@pytest.mark.parametrize(
    "command",
    [
        ChangeProduct(BOARD, price=1),
        DiscontinueProduct(BOARD),
        AdjustStock(BOARD, DELIVERY, 1, "Delivery"),
        ReserveStock(BOARD, RUN, 1),
        ReleaseReservation(BOARD, RUN),
        ShipReservation(BOARD, RUN),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_can_be_asked_of_a_product_that_was_never_listed(command: StockCommand) -> None:
    given(STOCK).when(command).refuses(
        NotFound, f"There is no product {BOARD}.", kind="product", id=BOARD
    )


# Changing


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (ChangeProduct(BOARD, name="Deck"), ProductChanged(BOARD, "Deck", "/board.svg", 4999)),
        (ChangeProduct(BOARD, image_url="/d"), ProductChanged(BOARD, "Board", "/d", 4999)),
        (ChangeProduct(BOARD, price=1), ProductChanged(BOARD, "Board", "/board.svg", 1)),
        (ChangeProduct(BOARD, "Deck", "/d", 1), ProductChanged(BOARD, "Deck", "/d", 1)),
    ],
)
def test_what_a_change_does_not_name_stays_as_it_is(
    command: ChangeProduct, event: ProductChanged
) -> None:
    given(STOCK, LISTED).when(command).then(event)


def test_a_change_builds_on_the_one_before() -> None:
    renamed = ProductChanged(BOARD, "Deck", "/deck.svg", 5999)
    given(STOCK, LISTED, renamed).when(ChangeProduct(BOARD, price=1)).then(
        ProductChanged(BOARD, "Deck", "/deck.svg", 1)
    )


def test_a_change_to_what_already_is_records_nothing() -> None:
    given(STOCK, LISTED).when(ChangeProduct(BOARD, "Board", "/board.svg", 4999)).then()


def test_a_change_of_nothing_records_nothing() -> None:
    given(STOCK, LISTED).when(ChangeProduct(BOARD)).then()


def test_a_price_cannot_become_nothing() -> None:
    given(STOCK, LISTED).when(ChangeProduct(BOARD, price=0)).refuses(
        Invalid, "A price is greater than 0.", field="price"
    )


def test_a_price_cannot_become_more_than_can_be_stored() -> None:
    given(STOCK, LISTED).when(ChangeProduct(BOARD, price=MAX_AMOUNT + 1)).refuses(
        Invalid, "This price is too high.", field="price"
    )


def test_a_discontinued_product_cannot_be_changed() -> None:
    given(STOCK, LISTED, DISCONTINUED).when(ChangeProduct(BOARD, price=1)).refuses(
        Conflict, "The product is discontinued."
    )


# Discontinuing


def test_a_product_is_discontinued() -> None:
    given(STOCK, LISTED).when(DiscontinueProduct(BOARD)).then(DISCONTINUED)


def test_ignores_that_a_product_is_discontinued_when_it_already_is() -> None:
    given(STOCK, LISTED, DISCONTINUED).when(DiscontinueProduct(BOARD)).then()


# Adjusting


@pytest.mark.parametrize("by", [5, -5, -10])
def test_stock_is_adjusted_up_and_down_to_none(by: int) -> None:
    given(STOCK, LISTED).when(AdjustStock(BOARD, DELIVERY, by, "Count")).then(
        StockAdjusted(BOARD, DELIVERY, by, "Count")
    )


def test_an_adjustment_by_none_records_nothing() -> None:
    given(STOCK, LISTED).when(AdjustStock(BOARD, DELIVERY, 0, "Count")).then()


def test_ignores_an_adjustment_that_was_already_made() -> None:
    made = StockAdjusted(BOARD, DELIVERY, 5, "Delivery")
    given(STOCK, LISTED, made).when(AdjustStock(BOARD, DELIVERY, 5, "Delivery")).then()


def test_the_same_number_may_be_delivered_twice() -> None:
    first = StockAdjusted(BOARD, DELIVERY, 5, "Delivery")
    second = UUID(int=5)
    given(STOCK, LISTED, first).when(AdjustStock(BOARD, second, 5, "Delivery")).then(
        StockAdjusted(BOARD, second, 5, "Delivery")
    )


def test_what_is_reserved_cannot_be_taken_away() -> None:
    given(STOCK, LISTED, RESERVED_7).when(AdjustStock(BOARD, DELIVERY, -4, "Loss")).refuses(
        Conflict, "Of 10 on hand, 7 are reserved: at most 3 can be taken away."
    )


def test_all_that_is_not_reserved_can_be_taken_away() -> None:
    given(STOCK, LISTED, RESERVED_7).when(AdjustStock(BOARD, DELIVERY, -3, "Loss")).then(
        StockAdjusted(BOARD, DELIVERY, -3, "Loss")
    )


def test_a_discontinued_product_can_still_be_counted() -> None:
    given(STOCK, LISTED, DISCONTINUED).when(AdjustStock(BOARD, DELIVERY, -1, "Loss")).then(
        StockAdjusted(BOARD, DELIVERY, -1, "Loss")
    )


def test_as_many_as_can_be_shown_can_be_on_hand() -> None:
    fill = MAX_QUANTITY - 10
    given(STOCK, LISTED).when(AdjustStock(BOARD, DELIVERY, fill, "Flood")).then(
        StockAdjusted(BOARD, DELIVERY, fill, "Flood")
    )


def test_more_than_can_be_shown_cannot_be_on_hand() -> None:
    given(STOCK, LISTED).when(AdjustStock(BOARD, DELIVERY, MAX_QUANTITY - 9, "Flood")).refuses(
        Invalid, "So many cannot be on hand.", field="by"
    )


# Reserving


@pytest.mark.parametrize("quantity", [1, 10])
def test_what_is_available_is_reserved_at_the_price_of_the_moment(quantity: int) -> None:
    given(STOCK, LISTED).when(ReserveStock(BOARD, RUN, quantity)).then(
        StockReserved(BOARD, RUN, quantity, 4999)
    )


def test_a_reservation_after_a_change_has_the_new_price() -> None:
    given(STOCK, LISTED, ProductChanged(BOARD, "Board", "/board.svg", 5999)).when(
        ReserveStock(BOARD, RUN, 1)
    ).then(StockReserved(BOARD, RUN, 1, 5999))


def test_what_others_reserved_is_not_available() -> None:
    given(STOCK, LISTED, RESERVED_7).when(ReserveStock(BOARD, OTHER_RUN, 4)).then(
        StockShort(BOARD, OTHER_RUN, "Board", 4, 3)
    )


def test_what_others_left_can_be_reserved() -> None:
    given(STOCK, LISTED, RESERVED_7).when(ReserveStock(BOARD, OTHER_RUN, 3)).then(
        StockReserved(BOARD, OTHER_RUN, 3, 4999)
    )


def test_more_than_there_is_falls_short() -> None:
    given(STOCK, LISTED).when(ReserveStock(BOARD, RUN, 11)).then(
        StockShort(BOARD, RUN, "Board", 11, 10)
    )


def test_a_shortage_names_the_product_as_it_is_called_now() -> None:
    given(STOCK, LISTED, ProductChanged(BOARD, "Deck", "/board.svg", 4999)).when(
        ReserveStock(BOARD, RUN, 11)
    ).then(StockShort(BOARD, RUN, "Deck", 11, 10))


def test_what_was_delivered_can_be_reserved() -> None:
    given(STOCK, LISTED, StockAdjusted(BOARD, DELIVERY, 5, "Delivery")).when(
        ReserveStock(BOARD, RUN, 15)
    ).then(StockReserved(BOARD, RUN, 15, 4999))


def test_of_a_discontinued_product_none_is_available() -> None:
    given(STOCK, LISTED, DISCONTINUED).when(ReserveStock(BOARD, RUN, 1)).then(
        StockShort(BOARD, RUN, "Board", 1, 0)
    )


def test_ignores_a_reservation_that_was_already_made() -> None:
    given(STOCK, LISTED, RESERVED_7).when(ReserveStock(BOARD, RUN, 7)).then()


def test_ignores_a_reservation_that_already_fell_short() -> None:
    short = StockShort(BOARD, RUN, "Board", 11, 10)
    delivered = StockAdjusted(BOARD, DELIVERY, 5, "Delivery")
    given(STOCK, LISTED, short, delivered).when(ReserveStock(BOARD, RUN, 11)).then()


def test_one_execution_falling_short_does_not_keep_another_from_reserving() -> None:
    short = StockShort(BOARD, RUN, "Board", 11, 10)
    given(STOCK, LISTED, short).when(ReserveStock(BOARD, OTHER_RUN, 10)).then(
        StockReserved(BOARD, OTHER_RUN, 10, 4999)
    )


@pytest.mark.parametrize("quantity", [0, -1])
def test_less_than_one_cannot_be_reserved(quantity: int) -> None:
    given(STOCK, LISTED).when(ReserveStock(BOARD, RUN, quantity)).refuses(
        Invalid, "At least one has to be reserved.", field="quantity"
    )


# Releasing and shipping


def test_a_reservation_is_released() -> None:
    given(STOCK, LISTED, RESERVED_7).when(ReleaseReservation(BOARD, RUN)).then(
        ReservationReleased(BOARD, RUN, 7)
    )


def test_what_was_released_can_be_reserved_again() -> None:
    given(STOCK, LISTED, RESERVED_7, ReservationReleased(BOARD, RUN, 7)).when(
        ReserveStock(BOARD, OTHER_RUN, 10)
    ).then(StockReserved(BOARD, OTHER_RUN, 10, 4999))


def test_a_reservation_is_shipped() -> None:
    given(STOCK, LISTED, RESERVED_7).when(ShipReservation(BOARD, RUN)).then(
        ReservationShipped(BOARD, RUN, 7)
    )


def test_what_was_shipped_is_no_longer_on_hand() -> None:
    given(STOCK, LISTED, RESERVED_7, ReservationShipped(BOARD, RUN, 7)).when(
        ReserveStock(BOARD, OTHER_RUN, 4)
    ).then(StockShort(BOARD, OTHER_RUN, "Board", 4, 3))


def test_what_was_shipped_is_no_longer_reserved() -> None:
    given(STOCK, LISTED, RESERVED_7, ReservationShipped(BOARD, RUN, 7)).when(
        AdjustStock(BOARD, DELIVERY, -3, "Loss")
    ).then(StockAdjusted(BOARD, DELIVERY, -3, "Loss"))


def test_a_reservation_of_a_discontinued_product_is_still_shipped() -> None:
    given(STOCK, LISTED, RESERVED_7, DISCONTINUED).when(ShipReservation(BOARD, RUN)).then(
        ReservationShipped(BOARD, RUN, 7)
    )


@pytest.mark.parametrize("command", [ReleaseReservation(BOARD, RUN), ShipReservation(BOARD, RUN)])
@pytest.mark.parametrize(
    "history",
    [
        (),
        (StockReserved(BOARD, OTHER_RUN, 7, 4999),),
        (RESERVED_7, ReservationReleased(BOARD, RUN, 7)),
        (RESERVED_7, ReservationShipped(BOARD, RUN, 7)),
    ],
    ids=["never made", "made by another", "already released", "already shipped"],
)
def test_ignores_releasing_or_shipping_a_reservation_that_is_not_open(
    command: StockCommand, history: tuple[StockEvent, ...]
) -> None:
    given(STOCK, LISTED, *history).when(command).then()


# Returning


@pytest.mark.parametrize("history", [(), (DISCONTINUED,)], ids=["on sale", "discontinued"])
def test_what_comes_back_is_on_hand_again(history: tuple[StockEvent, ...]) -> None:
    given(STOCK, LISTED, *history).when(TakeBack(BOARD, DELIVERY, 3)).then(
        StockReturned(BOARD, DELIVERY, 3)
    )
    before, after = STOCK.fold([LISTED]), STOCK.fold([LISTED, StockReturned(BOARD, DELIVERY, 3)])
    assert after.on_hand == before.on_hand + 3


def test_as_many_come_back_as_can_be_shown() -> None:
    given(STOCK, LISTED).when(TakeBack(BOARD, DELIVERY, MAX_QUANTITY)).refuses(
        Invalid, "So many cannot be on hand.", field="quantity"
    )
    most = MAX_QUANTITY - STOCK.fold([LISTED]).on_hand
    given(STOCK, LISTED).when(TakeBack(BOARD, DELIVERY, most)).then(
        StockReturned(BOARD, DELIVERY, most)
    )


@pytest.mark.parametrize("quantity", [0, -1])
def test_at_least_one_comes_back(quantity: int) -> None:
    given(STOCK, LISTED).when(TakeBack(BOARD, DELIVERY, quantity)).refuses(
        Invalid, "At least one comes back.", field="quantity"
    )
