"""Databases as former releases left them."""

import gzip
from pathlib import Path

import psycopg
import pytest

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql.gz"))


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.removesuffix(".sql.gz"))
def released(request: pytest.FixtureRequest, empty_database_url: str) -> str:
    """The URL of a database that a released version has filled: demo data, all stories, somebody
    who has not verified the address, and an order that was placed while nobody drove sagas."""
    restore(empty_database_url, request.param)
    return empty_database_url


def restore(url: str, dump: Path) -> None:
    """Fill an empty database with what `pg_dump --inserts` has written."""
    script = gzip.decompress(dump.read_bytes()).decode()
    statements = [line for line in script.splitlines() if not line.startswith("\\")]  # psql's own
    with psycopg.connect(url) as connection:
        connection.execute("\n".join(statements).encode())
