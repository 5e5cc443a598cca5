"""The statements of docs/your-own-postgres.md are run as they stand, then a shop."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.startup import check_database, migrate_database
from tests.api.mutations import buy
from tests.api.shop import settings_for, whole_shop
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs" / "your-own-postgres.md"
FORBID = "REVOKE EXECUTE ON FUNCTION pg_walfile_name(pg_lsn) FROM PUBLIC"


@pytest.fixture
def roles(postgres_server: str) -> Iterator[tuple[str, str]]:
    """The URLs of who migrates and of who works, on a server that tells nothing about its log."""
    name = f"shop_{uuid4().hex[:12]}"
    server, shop = (
        [line.replace("shop", name) for line in block.splitlines()] for block in blocks(PAGE, "sql")
    )
    url = make_conninfo(postgres_server, dbname=name)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        for line in server:
            connection.execute(line.encode())
    try:
        migrate_database(settings_for(url), make_conninfo(url, user=name))
        with psycopg.connect(url, autocommit=True) as connection:
            for line in [*shop, FORBID]:
                connection.execute(line.encode())
        yield make_conninfo(url, user=name), make_conninfo(url, user=f"{name}_app")
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"DROP ROLE {name}_app, {name}".encode())


async def test_orders_go_through_on_what_the_page_says_to_make(roles: tuple[str, str]) -> None:
    _, worker = roles
    check_database(settings_for(worker), worker)
    with whole_shop(worker) as shop:
        ada = await shop.customer()
        board = await shop.product(price=10_00)
        await buy(ada, "mine", "10.00", {board: 1})


def test_who_works_keeps_the_rights_when_read_models_are_filled_anew(
    roles: tuple[str, str],
) -> None:
    owner, worker = roles
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("UPDATE projections SET fingerprint = 'of another release'")
    migrate_database(settings_for(owner), owner)
    check_database(settings_for(worker), worker)
