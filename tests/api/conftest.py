"""A whole shop for the tests of a module, which keep out of each other's way."""

from collections.abc import Iterator

import pytest

from tests.api.shop import Shop, whole_shop
from tests.conftest import copy_of


@pytest.fixture(scope="module")
def shop(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    """The shop, without limits that would be in the way."""
    with copy_of(migrated_template, postgres_server) as url, whole_shop(url) as shop:
        yield shop
