"""The library's own test cases, on this shop's recorder and its append function."""

from typing import ClassVar

import pytest
from eventsourcing.persistence import ApplicationRecorder
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)

from infrastructure.event_store import EventRecorder, event_recorder


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


# The base classes are no tests by themselves.
del ApplicationRecorderTestCase, ProcessRecorderTestCase, TrackingRecorderTestCase
del NonInterleavingNotificationIDsBaseCase
