"""A running shop that is filled with the demo's data."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from api.demo.fill import fill
from tests.api.shop import Shop, whole_shop
from tests.cli.running import eventually
from tests.conftest import copy_of
from tests.identity.people import CHEAP

SHOWN = """
SELECT (SELECT min(position) FROM projections) = (SELECT max(notification_id) FROM stored_events)
"""


@contextmanager
def running_demo(server: str, template: str) -> Iterator[Shop]:
    """As `shop serve --demo` has it: anybody may become an administrator."""
    with copy_of(template, server) as url, whole_shop(url, admin_code="*", demo=True) as shop:
        asyncio.run(fill(shop.settings, url, CHEAP))
        with psycopg.connect(url, autocommit=True) as connection:
            eventually(lambda: connection.execute(SHOWN).fetchone() == (True,))
        yield shop
