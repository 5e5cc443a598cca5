"""Searching for products: what is found however it is written, on a database of whatever locale."""

import unicodedata
from collections.abc import Iterator
from typing import Literal, LiteralString, get_args
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from domain.commands import ChangeProduct, ListProduct
from infrastructure.operations.migrate import migrate
from infrastructure.postgres.connections import conninfo
from projections.products import MOST_COUNTED, ProductFilter, count_products, products_page
from projections.search import fold, grams_of
from projections.window import Window
from tests.projections.shops import Shop
from tests.projections.tables import apply

NAMES = [
    "Café Racer",
    "Cafe\u0301 au lait",
    "ÅKA",
    "Straße",
    "\uff21\uff22\uff23 \u0661",
    "滑板",
    "100% Maple",
]
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = get_args(Form)
LOCALES: tuple[LiteralString, ...] = (
    "LOCALE_PROVIDER libc LOCALE 'C'",
    "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
)


def a_window() -> Shop:
    """A shop with the NAMES; the last one was called otherwise before."""
    shop = Shop()
    for number, name in enumerate(NAMES):
        shop.send(ListProduct(UUID(int=number + 1), name, "/p.svg", 10, 1))
    return shop.send(ChangeProduct(UUID(int=len(NAMES)), "Éclair", None, None))


async def found(url: str, search: str, **more: bool) -> list[str]:
    wanted = ProductFilter(search=search, in_stock=more.get("in_stock"))
    async with await AsyncConnection.connect(conninfo(url, "test"), autocommit=True) as connection:
        rows = await products_page(connection, wanted, Window(20, newest=False))
        assert await count_products(connection, wanted) == len(rows)
    return [row.name for row in rows]


@pytest.fixture(scope="module", params=LOCALES)
def window(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """The URL of a database with them, of another locale each."""
    name = f"test_{uuid4().hex}"
    url = make_conninfo(postgres_server, dbname=name)
    with psycopg.connect(postgres_server, autocommit=True) as server:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' {}")
        server.execute(made.format(sql.Identifier(name), sql.SQL(request.param)))
        migrate(url)
        with psycopg.connect(conninfo(url, "test"), autocommit=True) as connection:
            apply(connection, a_window().log)
        yield url
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("Café", ["Café Racer", "Cafe\u0301 au lait"]),
        ("CAFE\u0301", ["Café Racer", "Cafe\u0301 au lait"]),
        ("cafe", ["Café Racer", "Cafe\u0301 au lait"]),
        ("afé r", ["Café Racer"]),
        ("åka", ["ÅKA"]),
        ("A\u030aka", ["ÅKA"]),
        ("STRASSE", ["Straße"]),
        ("abc", ["\uff21\uff22\uff23 \u0661"]),
        ("板", ["滑板"]),
        ("  café   racer ", ["Café Racer"]),
        ("éCLAIR", ["Éclair"]),
        ("maple", []),
        ("%", []),
        ("' OR true --", []),
        ("racer café", []),
    ],
)
async def test_a_name_is_found_however_it_is_written(
    window: str, search: str, names: list[str]
) -> None:
    assert await found(window, search) == names
    assert await found(window, search, in_stock=True) == names
    assert await found(window, search, in_stock=False) == []


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_whoever_searches_for_a_part_of_a_name_searches_for_grams_of_it(
    before: str, part: str, after: str
) -> None:
    name = fold(before + part + after)
    folded = fold(part)
    grams = {name[start : start + size] for start in range(len(name)) for size in range(1, 4)}
    if folded and folded in name:
        assert grams.issuperset(grams_of(folded))


@given(st.text(max_size=20))
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=20), st.sampled_from(FORMS))
def test_the_unicode_form_does_not_matter(text: str, form: Form) -> None:
    assert fold(unicodedata.normalize(form, text)) == fold(text)


async def test_no_more_are_counted_than_is_worth_it(database_url: str) -> None:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO product_names SELECT gen_random_uuid(), n, 'board ' || n"
            " FROM generate_series(1, %s) AS n",
            (MOST_COUNTED + 1,),
        )
        connection.execute(
            "INSERT INTO products SELECT product_id, folded, '', 1, 1, 0, false, now(),"
            " created_position, created_position FROM product_names"
        )
    async with await AsyncConnection.connect(
        conninfo(database_url, "test"), autocommit=True
    ) as connection:
        assert await count_products(connection, ProductFilter(search="board")) == MOST_COUNTED
        assert await count_products(connection, ProductFilter()) == MOST_COUNTED + 1


async def test_a_rare_name_is_found_by_the_index(database_url: str) -> None:
    with psycopg.connect(conninfo(database_url, "test"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO product_names SELECT gen_random_uuid(), n, md5(n::text)"
            " FROM generate_series(1, 3000) AS n"
        )
        connection.execute("ANALYZE product_names")
        plan = connection.execute(
            "EXPLAIN SELECT FROM product_names"
            " WHERE grams(folded) @> %s AND strpos(folded, %s) > 0",
            (grams_of("xyzzy"), "xyzzy"),
        ).fetchall()
    assert "product_names_grams_idx" in str(plan)
