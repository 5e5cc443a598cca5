"""How far the process manager has read is committed with what it has made of that."""

from collections.abc import Collection, Sequence

import psycopg

from domain.events import StockAdjusted
from domain.recorded import Origin
from infrastructure.consumers.parking import Parked
from infrastructure.consumers.runner import Lead
from infrastructure.event_store.store import new_event
from infrastructure.ids import new_id
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.saga_batch import Input, Outcome
from tests.infrastructure.conftest import Shop, running
from tests.infrastructure.test_poison import until

TRACKED = "SELECT notification_id FROM notification_tracking"
APPEND_ONE = "SELECT append_events(ARRAY[%s], ARRAY[%s::bigint], ARRAY[%s], ARRAY[%s::bytea])"


class Overtaken(ProcessManager):
    """Just before its first commit with events, somebody else adjusts the stock."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._overtaken = False

    def _commit(
        self,
        lead: Lead,
        outcome: Outcome,
        position: int,
        done: Collection[Input],
        aside: Sequence[Parked],
    ) -> int:
        if outcome.work.events and not self._overtaken:
            self._overtaken = True
            first = outcome.work.events[0]
            adjusted = StockAdjusted(first.stream_id, new_id(), 1, "found")
            origin = Origin(None, new_id(), "test")
            event = new_event(first.stream_id, first.version, adjusted, origin)
            with psycopg.connect(self._url) as connection:
                connection.execute(
                    APPEND_ONE, (event.stream_id, event.version, event.topic, event.state)
                )
        return super()._commit(lead, outcome, position, done, aside)


async def test_a_conflict_does_not_make_it_forget_how_far_it_has_read(quiet_shop: Shop) -> None:
    """Else an order that was finished would be reacted to again after a restart."""
    shop = quiet_shop
    board = await shop.product(quantity=10)
    ada = await shop.customer()
    placed = await shop.place(await shop.order(ada, {board: 1}, 10_00), ada, "first")

    async def completed() -> bool:
        return await shop.rows(
            "SELECT count(*) FROM stored_events WHERE topic = 'OrderCompleted'"
        ) == [(1,)]

    with running(shop.url, Overtaken(shop.url)):
        await until(completed)
        ((tracked,),) = await shop.rows(TRACKED)
        assert int(str(tracked)) >= placed.position
