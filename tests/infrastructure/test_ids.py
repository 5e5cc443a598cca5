"""Ids."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from infrastructure.ids import execution_id, new_id


def test_new_ids_are_in_the_order_they_were_made() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))


def test_a_new_id_is_a_uuid_of_version_7_that_begins_with_the_time() -> None:
    made = new_id()
    assert type(made) is UUID
    assert made.version == 7
    age = datetime.now(UTC).timestamp() - (made.int >> 80) / 1000
    assert 0 <= age < 5


def test_an_execution_id_is_the_same_for_the_same_customer_and_name() -> None:
    customer = uuid4()
    assert execution_id(customer, "first try") == execution_id(customer, "first try")
    assert execution_id(customer, "first try") != execution_id(customer, "second try")
    assert execution_id(customer, "first try") != execution_id(uuid4(), "first try")
