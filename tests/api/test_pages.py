"""Pages of every list, forwards and backwards, against what Relay's specification says of them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.graphql.paging import ListOf, Page, page_of
from infrastructure.postgres.connections import conninfo
from tests.api.reading import Reader, add_user, reader
from tests.conftest import copy_of
from tests.projections.shops import lively_shop
from tests.projections.tables import apply
from tests.replay.histories import store

ADMIN = UUID(int=200)
PAGE = """pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { __typename } }"""
# Each with the arguments of a page, which go where the … is.
LISTS = {
    "products": "{ products(…) { PAGE } }",
    "products in stock": "{ products(inStock: true, …) { PAGE } }",
    "orders": "{ orders(…) { PAGE } }",
    "orders of a status": "{ orders(status: [FAILED, CANCELLED], …) { PAGE } }",
    "orders of a customer": f'{{ orders(userId: "{UUID(int=201)}", …) {{ PAGE }} }}',
    "own orders": "{ viewer { orders(…) { PAGE } } }",
    "transactions": "{ viewer { account { transactions(…) { PAGE } } } }",
    "executions": "{ executions(…) { PAGE } }",
    "events": "{ events(…) { PAGE } }",
    "events of a type": '{ events(types: ["OrderPlaced"], …) { PAGE } }',
}


@pytest.fixture(scope="module")
def url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """A shop with a past, in its log and in its read models."""
    shop = lively_shop(Random(4), 200)
    with copy_of(migrated_template, postgres_server) as url:
        store(url, shop.log)
        with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
            add_user(connection, ADMIN, "ada", "ADMIN")
            apply(connection, shop.log)
        yield url


@pytest.fixture
def admin(url: str) -> Iterator[tuple[asyncio.Runner, Reader]]:
    """An administrator, and what runs what she asks."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(stack.enter_async_context(reader(url, ADMIN, "ADMIN")))
        runner.run(stack.aclose())


async def page(somebody: Reader, name: str, arguments: str) -> dict[str, Any]:
    document = LISTS[name].replace("…", arguments).replace("PAGE", PAGE)
    found: Any = await somebody.ask(document)
    while "pageInfo" not in found:
        [found] = found.values()
    return dict(found)


def told(found: dict[str, Any]) -> tuple[list[str], bool, bool]:
    """The cursors of the page, and whether there is something before and after it."""
    cursors = [edge["cursor"] for edge in found["edges"]]
    info = found["pageInfo"]
    assert info["startCursor"] == (cursors[0] if cursors else None)
    assert info["endCursor"] == (cursors[-1] if cursors else None)
    return cursors, info["hasPreviousPage"], info["hasNextPage"]


def relay(
    every: Sequence[str], size: int, after: str | None, before: str | None, *, backward: bool
) -> tuple[list[str], bool, bool]:
    """What the specification's own algorithms answer (section 4: pagination algorithm), with both
    "can efficiently determine" taken at their word."""
    start = every.index(after) + 1 if after else 0
    end = every.index(before) if before else len(every)
    edges = every[start:end]
    if not size:
        return [], False, False
    more = len(edges) > size
    if backward:
        return list(edges[-size:]), more, end < len(every)
    return list(edges[:size]), start > 0, more


@pytest.mark.parametrize("name", LISTS)
def test_pages_are_as_relay_has_them(admin: tuple[asyncio.Runner, Reader], name: str) -> None:
    runner, ada = admin
    most = 1_000 if name.startswith("events") else 100
    every = [edge["cursor"] for edge in runner.run(page(ada, name, f"first: {most}"))["edges"]]
    assert 2 <= len(every) < most
    cursors = st.one_of(st.none(), st.sampled_from(every))

    @given(st.integers(0, len(every) + 1), cursors, cursors, st.booleans())
    @settings(max_examples=40, database=None)
    def check(size: int, after: str | None, before: str | None, backward: bool) -> None:
        size = min(size, 100)
        arguments = [f"{'last' if backward else 'first'}: {size}"]
        arguments += [f'after: "{after}"'] if after else []
        arguments += [f'before: "{before}"'] if before else []
        expected = relay(every, size, after, before, backward=backward)
        assert told(runner.run(page(ada, name, ", ".join(arguments)))) == expected

    check()


def test_a_cursor_of_one_list_is_refused_by_another(
    admin: tuple[asyncio.Runner, Reader],
) -> None:
    runner, ada = admin
    cursors = {
        name: runner.run(page(ada, name, "first: 1"))["pageInfo"]["endCursor"] for name in LISTS
    }
    same = {("products", "products in stock"), ("events", "events of a type")} | {
        ("orders", "orders of a status")
    }
    for name, cursor in cursors.items():
        for other, document in LISTS.items():
            if name == other or (name, other) in same or (other, name) in same:
                continue
            for argument in ("after", "before"):
                asked = document.replace("…", f'{argument}: "{cursor}"').replace("PAGE", PAGE)
                assert runner.run(ada.code(asked)) == "BAD_USER_INPUT", (name, other)


def test_a_page_has_twenty_rows_and_of_events_fifty(
    admin: tuple[asyncio.Runner, Reader],
) -> None:
    runner, ada = admin
    assert len(runner.run(page(ada, "orders", "after: null"))["edges"]) == 20
    assert len(runner.run(page(ada, "events", "last: null"))["edges"]) == 50


def test_what_lies_behind_is_asked_for_only_where_it_is_selected(
    admin: tuple[asyncio.Runner, Reader],
) -> None:
    runner, ada = admin
    cursor = runner.run(page(ada, "orders", "first: 1"))["pageInfo"]["endCursor"]
    document = f'{{ orders(after: "{cursor}") {{ pageInfo {{ INFO }} }} }}'
    for selected, statements in (("hasNextPage endCursor", 1), ("hasPreviousPage", 2)):
        asked = document.replace("INFO", selected)
        assert len(runner.run(ada.statements(asked))) == statements


def test_a_page_of_nothing_asks_for_nothing(admin: tuple[asyncio.Runner, Reader]) -> None:
    runner, ada = admin
    assert runner.run(ada.statements("{ orders(first: 0) { nodes { id } } }")) == []


@given(st.integers(0, 2**63 - 1))
def test_a_cursor_is_the_position_again(position: int) -> None:
    of = ListOf("orders")
    cursor = page_of(of, None, None, None, None).cursor(position)
    found: Page = page_of(of, 1, cursor, None, None)
    assert found.window.below == position
