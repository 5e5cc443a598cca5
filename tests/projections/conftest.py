"""A connection on which the read models are found as the shop finds them."""

from collections.abc import Iterator

import psycopg
import pytest

from infrastructure.postgres.connections import conninfo


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """In autocommit."""
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        yield connection
