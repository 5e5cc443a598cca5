"""What was stored under old forms of a class is read as what the class is now."""

from uuid import UUID

import orjson
import pytest
from pydantic import ValidationError

from application import upcasts
from application.upcast import Json
from domain.events import Deposited, ProductDiscontinued
from domain.message import message
from domain.recorded import Origin
from infrastructure.event_store.codec import CODEC, EVENT_TYPES, Codec, UnknownEvent
from infrastructure.read_models import fingerprint as fingerprints
from infrastructure.read_models.fingerprint import _fingerprint, fingerprint
from projections import PROJECTIONS
from tests.replay.histories import ADMIN, BEGIN, derived

ORIGIN = Origin(ADMIN, derived("request"), "test")
ACCOUNT = derived("account")


@message
class Paid:
    """Its first form had a number of whole units, its second one no reference."""

    account_id: UUID
    cents: int
    reference: str


def in_cents(data: Json) -> Json:
    return {"account_id": data["account_id"], "cents": data["units"] * 100}


def with_reference(data: Json) -> Json:
    return {**data, "reference": f"to {data['account_id'][:2]}"}


NOW = Codec({"Paid": Paid, "Deposited": Deposited}, {"Paid": (in_cents, with_reference)})
BEFORE = Codec({"Paid": Paid}, {"Paid": (in_cents,)})
PAID = Paid(ACCOUNT, 700, f"to {str(ACCOUNT)[:2]}")


def stored(data: Json, version: int | None = None) -> bytes:
    body = {
        "recorded_at": BEGIN,
        "actor_id": None,
        "correlation_id": ORIGIN.correlation_id,
        "causation_id": "test",
        **({} if version is None else {"data_version": version}),
        "data": data,
    }
    return orjson.dumps(body)


def read(codec: Codec, state: bytes, topic: str = "Paid") -> object:
    return codec.decode(1, ACCOUNT, 1, topic, state, BEGIN).event


@pytest.mark.parametrize(
    "state",
    [
        stored({"account_id": str(ACCOUNT), "units": 7}),
        stored({"account_id": str(ACCOUNT), "units": 7}, 1),
        stored({"account_id": str(ACCOUNT), "cents": 700}, 2),
        stored({"account_id": str(ACCOUNT), "cents": 700, "reference": PAID.reference}, 3),
    ],
)
def test_every_form_is_read_as_the_present_one(state: bytes) -> None:
    assert read(NOW, state) == PAID


def test_what_is_recorded_says_of_which_version_it_is() -> None:
    state = NOW.encode(PAID, ORIGIN)  # type: ignore[arg-type]  # an event of this test's own
    assert orjson.loads(state)["data_version"] == 3
    assert list(orjson.loads(state))[-2:] == ["data_version", "data"]
    assert read(NOW, state) == PAID


def test_what_has_never_changed_is_stored_as_ever() -> None:
    event = Deposited(ACCOUNT, derived("transfer"), 5)
    state = NOW.encode(event, ORIGIN)
    assert b"data_version" not in state
    assert state == CODEC.encode(event, ORIGIN)


def test_an_event_without_a_time_is_not_read() -> None:
    state = NOW.encode(PAID, ORIGIN)  # type: ignore[arg-type]  # as above
    with pytest.raises(UnknownEvent, match="Paid at position 1 has no time"):
        NOW.decode(1, ACCOUNT, 1, "Paid", state, None)


def test_an_older_release_does_not_misread_what_a_newer_one_stored() -> None:
    state = NOW.encode(PAID, ORIGIN)  # type: ignore[arg-type]  # as above
    with pytest.raises(UnknownEvent, match="Paid of version 3; this release knows up to 2"):
        read(BEFORE, state)
    with pytest.raises(ValidationError, match="data_version"):
        read(Codec({"Paid": Paid}, {}), state)


@pytest.mark.parametrize("state", [b"nonsense", b"[]", b'{"data":1}', stored({})])
def test_what_is_no_event_cannot_be_read(state: bytes) -> None:
    with pytest.raises((ValidationError, UnknownEvent)):
        read(NOW, state)


def test_json_of_a_version_is_told_by_its_number() -> None:
    first = {"account_id": str(ACCOUNT), "units": 7}
    paid: object = NOW.from_json("Paid", first, 1)
    assert paid == PAID
    now: object = NOW.from_json("Paid", orjson.loads(orjson.dumps(PAID)))
    assert now == PAID


def test_only_events_that_there_are_can_be_upcast() -> None:
    with pytest.raises(ValueError, match="There are no events Sold to upcast"):
        Codec(EVENT_TYPES, {"Sold": (in_cents,)})


def test_an_upcast_changes_the_read_models_of_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {projection: fingerprint(projection) for projection in PROJECTIONS}
    known = {**upcasts.UPCASTS, ProductDiscontinued.__name__: (with_reference,)}
    monkeypatch.setattr(fingerprints, "UPCASTS", known)
    _fingerprint.cache_clear()
    changed = {each.name for each, known in before.items() if fingerprint(each) != known}
    _fingerprint.cache_clear()
    assert changed == {"products"}
    assert all(len(steps) == CODEC.version(name) - 1 for name, steps in upcasts.UPCASTS.items())
