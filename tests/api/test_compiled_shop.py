"""Compiled operations over the shop's own schema and rows: answers and statements are the same."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from graphql import OperationType
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg_pool import AsyncConnectionPool

from api.graphql.paging import ListOf, page_of
from api.graphql.schema.administration import EXECUTIONS
from api.graphql.schema.event_log import EVENTS
from api.graphql.schema.order_lists import ALL_ORDERS, orders_list
from api.graphql.schema.queries import PRODUCTS
from api.ids import booking_id
from infrastructure.identity.tokens import Role
from infrastructure.postgres.connections import conninfo
from tests.api.documents import Request, Scalars, requests
from tests.api.reading import SCHEMA, CountingCursor, Reader, add_user, reader
from tests.api.test_compiled import compiled, interpreted, shown, thorough
from tests.projections.shops import lively_shop
from tests.projections.tables import apply

SHOP = SCHEMA._schema
CUSTOMERS = [UUID(int=200 + n) for n in range(3)]
IDS = [str(UUID(int=n)) for n in (7, 100, 101, 102, 200, 201, 300, 301, 302, 305, 10_000)]
IDS.append(str(booking_id(40)))
LISTS = [PRODUCTS, EXECUTIONS, EVENTS, ALL_ORDERS, orders_list(CUSTOMERS[0])]
LISTS.append(ListOf("transactions", CUSTOMERS[0]))
CURSORS = [page_of(each, None, None, None, None).cursor(40) for each in LISTS]
SCALARS: Scalars = {
    "DateTime": st.just("2026-05-01T08:01:00Z"),
    "Decimal": st.sampled_from(["0", "12.50", "-1"]),
    "ID": st.sampled_from([*IDS, "x"]),
    "Int": st.sampled_from([1, 2, 3, 5, 8, 20, 50, 100, 0, 101]),
    "String": st.sampled_from([*CURSORS, "run 10000", "u200@shop.test", "Bo", "\0"]),
}
# Which statement ends first is a matter of luck, and with it what is loaded together and which
# error ends the others: then both answers are right, and the same after some tries.
TRIES = 10
CONNECTIONS = 16


@pytest.fixture
def filled_database_url(database_url: str) -> Iterator[str]:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        for customer in CUSTOMERS:
            add_user(connection, customer, f"u{customer.int}")
        apply(connection, lively_shop(Random(4), 120).log)
        yield database_url


async def core_answers(request: Request, somebody: Reader) -> Any:
    return shown(await interpreted(request.text, None, somebody.context, request.variables, SHOP))


async def compiled_answers(request: Request, somebody: Reader) -> Any:
    operation = compiled(request.text, SHOP)
    return shown(await operation.execute(None, somebody.context, request.variables))


async def answers(request: Request, somebody: Reader) -> list[Any]:
    """What graphql-core and the compiled operation answer, each with its statements."""
    found = []
    for answer in (core_answers, compiled_answers):
        CountingCursor.executed.clear()
        somebody.context.refresh()
        told = await answer(request, somebody)
        told["errors"].sort(key=repr)
        # How many go together depends on how long those before them take.
        found.append((told, set() if told["errors"] else set(CountingCursor.executed)))
        await at_rest(somebody.context.pool)
    return found


async def at_rest(pool: AsyncConnectionPool) -> None:
    """Wait for what an error has left behind: loaders at work, cancelled statements."""
    for _ in range(1000):
        await asyncio.sleep(0.001)
        stats = pool.get_stats()
        if stats["pool_available"] == stats["pool_size"]:
            break


async def same(request: Request, somebody: Reader) -> None:
    by_core, by_compiled = await answers(request, somebody)
    for _ in range(TRIES):
        if by_compiled == by_core:
            break
        by_core, by_compiled = await answers(request, somebody)
    assert by_compiled == by_core


@contextmanager
def readers(url: str, *roles: Role | None) -> Iterator[tuple[asyncio.Runner, list[Reader]]]:
    """Callers of these roles, None for nobody, and what runs their requests."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        callers = [reader(url, role and CUSTOMERS[0], role or "USER") for role in roles]
        entered = [runner.run(stack.enter_async_context(caller)) for caller in callers]
        for (
            caller
        ) in entered:  # nobody is to wait: where waiters are cancelled, connections are lost
            runner.run(caller.context.pool.resize(CONNECTIONS, CONNECTIONS))
        yield runner, entered
        runner.run(stack.aclose())


def test_a_query_on_the_shop_is_answered_as_by_graphql_core(filled_database_url: str) -> None:
    with readers(filled_database_url, "ADMIN", "USER", None) as (runner, callers):
        admin, *_ = callers

        @given(requests(SHOP, SCALARS, depth=5), st.sampled_from([admin, admin, *callers]))
        @settings(thorough, max_examples=100)
        def check(request: Request, somebody: Reader) -> None:
            runner.run(same(request, somebody))

        check()


def test_a_mutation_by_nobody_is_answered_as_by_graphql_core(filled_database_url: str) -> None:
    with readers(filled_database_url, None) as (runner, [nobody]):

        @given(requests(SHOP, SCALARS, OperationType.MUTATION, depth=3))
        @settings(thorough, max_examples=40)
        def check(request: Request) -> None:
            runner.run(same(request, nobody))

        check()
