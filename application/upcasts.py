"""Events as they used to be stored, turned into what their classes are now.

A stored event is never changed. When the fields of a class change, one function is added at the end
of its tuple below: it takes the JSON of the version before and gives that of the next. Whatever was
stored is read by as many of them as it is versions old, and what is recorded from then on says
which version it is of. With it goes a file in `tests/domain/golden`, such as `Deposited-2.json`.

    def _deposited_2(data: Json) -> Json:
        return {**data, "reference": ""}

    UPCASTS = {"Deposited": (_deposited_2,)}
"""

from application.upcast import Json, Upcasts


def _order_completed_2(data: Json) -> Json:
    """It brings its receipt."""
    return {**data, "receipt": []}


def _order_cancelled_2(data: Json) -> Json:
    """An order could be cancelled only while nothing ran."""
    return {**data, "execution_id": None}


UPCASTS: Upcasts = {
    "OrderCompleted": (_order_completed_2,),
    "OrderCancelled": (_order_cancelled_2,),
}
"""By the name of the class: from version 1 to 2, from 2 to 3, and so on."""
