"""What the shop needs of a PostgreSQL, and what it says where that is not so."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.operations.migrate import migrate
from infrastructure.postgres import requirements
from infrastructure.postgres.connections import conninfo
from infrastructure.postgres.requirements import (
    NoTables,
    Unsuitable,
    check_before_migrating,
    check_before_working,
    check_replica,
)
from tests.infrastructure.postgres.poolers import (
    dropping_options,
    in_transaction_mode,
    refusing_options,
)

Pooler = Callable[[str], AbstractContextManager[str]]


def run(url: str, *statements: str) -> None:
    """Each statement by whom `url` names; {role} and {database} stand for names of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture
def role(postgres_server: str) -> Iterator[str]:
    """An ordinary role, which may sign in and nothing else."""
    name = f"role_{uuid4().hex}"
    run(postgres_server, f"CREATE ROLE {name} LOGIN")
    yield name
    run(postgres_server, f"DROP ROLE {name}")


@contextmanager
def owned_by(role: str, url: str) -> Iterator[str]:
    """The database for its owner, who is `role` meanwhile."""
    name = conninfo_to_dict(url)["dbname"]
    run(url, f"ALTER DATABASE {name} OWNER TO {role}")
    try:
        yield make_conninfo(url, user=role)
    finally:
        run(url, f"REASSIGN OWNED BY {role} TO postgres", f"DROP OWNED BY {role}")


def refusal(check: Callable[[str], None], url: str) -> str:
    with pytest.raises(Unsuitable) as refused:
        check(url)
    said = str(refused.value)
    assert "\n" not in said
    return said


def test_a_database_that_is_as_it_should_be_is_worked_on(database_url: str) -> None:
    check_before_migrating(database_url)
    check_before_working(database_url)
    check_replica(database_url)


def test_a_database_that_nobody_has_migrated_is_to_be_migrated(empty_database_url: str) -> None:
    check_before_migrating(empty_database_url)
    with pytest.raises(NoTables):
        check_before_working(empty_database_url)


def test_a_server_that_is_too_old_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "OLDEST", 99)
    for check in (check_before_migrating, check_before_working, check_replica):
        assert "is too old" in refusal(check, database_url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_encoding_that_cannot_hold_every_text_is_refused(
    encoding: str, postgres_server: str
) -> None:
    name = f"test_{uuid4().hex}"
    run(
        postgres_server,
        f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'"
        " TEMPLATE template0",
    )
    url = make_conninfo(postgres_server, dbname=name)
    try:
        for check in (check_before_migrating, check_before_working):
            said = refusal(check, url)
            assert f"encoding is {encoding}" in said
            assert "ENCODING 'UTF8'" in said
    finally:
        run(postgres_server, f"DROP DATABASE {name}")


@pytest.mark.parametrize("pooler", [dropping_options, refusing_options])
def test_a_pooler_that_does_not_pass_options_on_is_refused(
    pooler: Pooler, database_url: str
) -> None:
    with pooler(database_url) as url:
        for check in (check_before_migrating, check_before_working, check_replica):
            assert "to a pooler in session mode that passes start-up options on" in refusal(
                check, url
            )


def test_a_pooler_in_transaction_mode_is_refused(database_url: str) -> None:
    with in_transaction_mode(database_url) as url:
        for check in (check_before_migrating, check_before_working):
            assert "LISTEN and advisory locks do not outlast a transaction" in refusal(check, url)


def test_a_role_without_rights_on_public_is_told_what_it_lacks(
    empty_database_url: str, role: str
) -> None:
    said = refusal(check_before_migrating, make_conninfo(empty_database_url, user=role))
    name = conninfo_to_dict(empty_database_url)["dbname"]
    assert f"GRANT CREATE ON DATABASE {name} TO {role}" in said
    assert f"GRANT USAGE, CREATE ON SCHEMA public TO {role}" in said


def test_the_owner_of_a_database_needs_no_more_than_that(
    empty_database_url: str, role: str
) -> None:
    with owned_by(role, empty_database_url) as url:
        check_before_migrating(url)
        migrate(url)
        check_before_working(url)


def test_who_does_not_own_the_tables_cannot_change_them(database_url: str, role: str) -> None:
    name = conninfo_to_dict(database_url)["dbname"]
    run(
        database_url,
        f"GRANT CREATE ON DATABASE {name} TO {role}",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {role}",
    )
    try:
        said = refusal(check_before_migrating, make_conninfo(database_url, user=role))
        assert said.endswith(f"make the shop's tables: GRANT postgres TO {role}")
    finally:
        run(database_url, f"DROP OWNED BY {role}")


SCHEMAS = "public, products, orders, accounts, returns"
EVERYTHING = (
    f"GRANT USAGE ON SCHEMA {SCHEMAS} TO {{role}}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMAS} TO {{role}}",
)


@pytest.mark.parametrize(
    ("taken", "cure"),
    [
        ("SELECT ON users", "SELECT ON public.users"),
        ("INSERT ON stored_events", "INSERT ON public.stored_events"),
        ("DELETE ON sessions", "DELETE ON public.sessions"),
        ("ALL ON orders.orders", "SELECT, INSERT, UPDATE, DELETE ON orders.orders"),
        ("USAGE ON SCHEMA public", "USAGE ON SCHEMA public"),
        ("USAGE ON SCHEMA accounts", "USAGE ON SCHEMA accounts"),
    ],
)
def test_a_right_that_is_lacking_is_named(
    taken: str, cure: str, database_url: str, role: str
) -> None:
    run(database_url, *(statement.format(role=role) for statement in EVERYTHING))
    try:
        url = make_conninfo(database_url, user=role)
        run(database_url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
        check_before_working(url)
        run(database_url, f"REVOKE {taken} FROM {role}")
        assert f"GRANT {cure} TO {role}" in refusal(check_before_working, url)
        run(database_url, refusal(check_before_working, url).partition(": ")[2])
        check_before_working(url)
    finally:
        run(database_url, f"DROP OWNED BY {role}")


def test_events_need_not_be_changeable(database_url: str, role: str) -> None:
    run(database_url, *(statement.format(role=role) for statement in EVERYTHING))
    try:
        run(database_url, f"REVOKE UPDATE, DELETE ON stored_events FROM {role}")
        check_before_working(make_conninfo(database_url, user=role))
    finally:
        run(database_url, f"DROP OWNED BY {role}")


def test_a_database_that_takes_no_writes_is_refused(database_url: str) -> None:
    url = make_conninfo(database_url, options="-c default_transaction_read_only=on")
    for check in (check_before_migrating, check_before_working):
        assert "takes no writes" in refusal(check, url)
    check_replica(url)


def test_another_applications_database_is_refused(empty_database_url: str) -> None:
    run(empty_database_url, "CREATE TABLE users (id int)")
    assert "another application's (users)" in refusal(check_before_migrating, empty_database_url)


def test_the_role_that_the_url_asks_for_owns_the_tables(empty_database_url: str, role: str) -> None:
    with owned_by(role, empty_database_url):
        url = make_conninfo(empty_database_url, options=f"-c role={role}")
        check_before_migrating(url)
        migrate(url)
        check_before_working(url)
        with psycopg.connect(empty_database_url) as connection:
            owners = connection.execute(
                "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname <> ALL(%s)",
                (["pg_catalog", "information_schema"],),
            ).fetchall()
    assert owners == [(role,)]


def test_what_the_url_says_is_kept_beside_what_the_shop_needs(database_url: str) -> None:
    url = make_conninfo(
        database_url,
        options="-c work_mem=7MB -c statement_timeout=1",
        connect_timeout=9,
        application_name="skates",
    )
    made = conninfo_to_dict(conninfo(url, "test"))
    assert made["connect_timeout"] == "9"
    with psycopg.connect(conninfo(url, "test")) as connection:
        [shown] = connection.execute(
            "SELECT current_setting('work_mem'), current_setting('statement_timeout'),"
            " current_setting('application_name'), current_setting('default_transaction_isolation')"
        ).fetchall()
    assert shown == ("7MB", "30s", "skates test", "read committed")


def test_what_a_role_has_been_given_does_not_change_how_the_shop_works(
    database_url: str, role: str
) -> None:
    run(
        database_url,
        f"ALTER ROLE {role} SET default_transaction_isolation = serializable",
        f"ALTER ROLE {role} SET idle_session_timeout = '1s'",
        f"ALTER ROLE {role} SET datestyle = 'SQL, DMY'",
        *(statement.format(role=role) for statement in EVERYTHING),
    )
    try:
        check_before_working(make_conninfo(database_url, user=role))
    finally:
        run(database_url, f"DROP OWNED BY {role}")
