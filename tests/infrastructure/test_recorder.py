"""The library's own test cases, on this shop's recorder and its append function."""

from contextlib import closing
from itertools import islice
from threading import Event, Timer, current_thread
from typing import Any, ClassVar
from uuid import UUID

import pytest
from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)

from infrastructure.event_store.store import EventRecorder, event_recorder


class OnThisShop:
    """Hands the test case a recorder on a database of its own."""

    recorders: ClassVar[list[EventRecorder]] = []
    url = ""

    @pytest.fixture(autouse=True)
    def _database(self, database_url: str) -> None:
        self.url = database_url

    def create_recorder(self) -> EventRecorder:
        recorder = event_recorder(self.url, pool_size=5)
        self.recorders.append(recorder)
        return recorder

    def tearDown(self) -> None:
        while self.recorders:
            self.recorders.pop().datastore.close()


class TestApplicationRecorder(OnThisShop, ApplicationRecorderTestCase[ApplicationRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestProcessRecorder(OnThisShop, ProcessRecorderTestCase):
    pass


class TestTrackingRecorder(OnThisShop, TrackingRecorderTestCase):
    pass


class TestNonInterleaving(OnThisShop, NonInterleavingNotificationIDsBaseCase):
    insert_num = 1_000


def stored(version: int) -> StoredEvent:
    return StoredEvent(UUID(int=1), version, "Unheard", b"{}")


def test_what_is_recorded_before_a_subscription_listens_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, may_listen = event_recorder(database_url, pool_size=5), Event()
    connection = recorder.datastore.get_connection

    def late() -> Any:
        if "_listen" in current_thread().name:
            may_listen.wait(10)
        return connection()

    monkeypatch.setattr(recorder.datastore, "get_connection", late)
    recorder.insert_events([stored(1)])
    with closing(recorder.datastore), recorder.subscribe(gt=0) as subscription:
        end = Timer(10, subscription.stop)
        end.start()
        told = [next(subscription).originator_version]
        recorder.insert_events([stored(2)])
        may_listen.set()
        told += [each.originator_version for each in islice(subscription, 1)]
        end.cancel()
    assert told == [1, 2]


# The base classes are no tests by themselves.
del ApplicationRecorderTestCase, ProcessRecorderTestCase, TrackingRecorderTestCase
del NonInterleavingNotificationIDsBaseCase
