"""Migrations: a shop of any release becomes one of this release, with all it had."""

import subprocess
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.operations.migrate import NewerDatabase, migrate, migrations
from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.embedded import BINARIES
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from tests.faults.checks import faults, is_settled
from tests.infrastructure.conftest import running
from tests.replay.conftest import until

PLACED = UUID("0199f3c0-0000-7000-8000-0000000000aa")  # and not driven yet
PAST: tuple[LiteralString, ...] = (
    (
        "SELECT position, stream_id, version, type, actor_id, correlation_id, data, recorded_at"
        " FROM event_log ORDER BY position"
    ),
    "SELECT key, position FROM idempotency_keys ORDER BY key",
    "SELECT user_id, email, name, role, password_hash, email_verified FROM users ORDER BY user_id",
    "SELECT account_id, balance FROM accounts ORDER BY account_id",
    "SELECT order_id, status FROM orders ORDER BY order_id",
)


def connect(url: str) -> Connection[TupleRow]:
    return psycopg.connect(conninfo(url, "test"), autocommit=True)


def past(url: str) -> dict[str, list[TupleRow]]:
    """What nobody may lose: what was recorded, who there is, and what the read models show."""
    with connect(url) as connection:
        return {query: connection.execute(query).fetchall() for query in PAST}


def definitions(url: str) -> list[str]:
    """All that makes up the database but its rows, as `pg_dump` words it; without the copies of
    read models that were live before, which a new one cannot have."""
    dump = subprocess.run(
        [BINARIES / "pg_dump", "--schema-only", "--no-owner", "-N", "*_previous", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [line for line in dump.splitlines() if not line.startswith(("--", "\\"))]


def test_numbers_count_up_without_a_gap() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_released_database_ends_in_the_schema_of_a_new_one(
    released: str, database_url: str
) -> None:
    migrate(released)
    assert definitions(released) == definitions(database_url)


def test_migrating_again_changes_nothing(released: str) -> None:
    migrate(released)
    before = definitions(released)
    migrate(released)
    assert definitions(released) == before


def test_a_released_shop_goes_on_with_its_past_and_its_people(released: str) -> None:
    before = past(released)
    migrate(released)
    assert past(released) == before
    with running(released, ProcessManager()), running(released, Projector()):
        until(lambda: is_settled(released))
    with connect(released) as connection:
        [status] = connection.execute(
            "SELECT status FROM orders WHERE order_id = %s", (PLACED,)
        ).fetchall()
    assert status == ("COMPLETED",)
    assert faults(released) == {}


def test_a_database_of_a_later_release_is_left_alone(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute(
            "INSERT INTO schema_migrations (number, name) VALUES (9999, '9999_of_tomorrow')"
        )
    with pytest.raises(NewerDatabase, match="9999_of_tomorrow"):
        migrate(database_url)
