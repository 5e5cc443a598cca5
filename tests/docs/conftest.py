"""The demo that documentation speaks of."""

from collections.abc import Iterator

import pytest

from tests.api.shop import Shop
from tests.demo.shop import running_demo


@pytest.fixture(scope="module")
def demo(postgres_server: str, migrated_template: str) -> Iterator[Shop]:
    """A shop with the demo's people and skateboards."""
    with running_demo(postgres_server, migrated_template) as shop:
        yield shop
