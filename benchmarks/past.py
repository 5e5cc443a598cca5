"""Databases with a past, to begin measurements from: generated once in a run, then copied."""

import psycopg

from benchmarks.generate import Generated, generate
from benchmarks.server import Server
from benchmarks.workers import running_workers
from infrastructure.postgres.connections import conninfo

BEHIND = "SELECT max(notification_id) > (SELECT min(position) FROM projections) FROM stored_events"


def with_past(
    server: Server, name: str, orders: int, *, projected: bool, products: int = 200
) -> Generated:
    """A database with about eleven events an order; its read models are filled if `projected`,
    else only said to be. Nobody is connected to it afterwards."""
    url = server.shop_database(name)
    made = generate(url, orders=orders, products=products)
    if projected:
        with running_workers(url):
            wait_for_read_models(url)
    else:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE projections SET position = %s", (made.events,))
    server.checkpoint()
    return made


def wait_for_read_models(url: str) -> None:
    """Return when they have seen all that is in the log, and PostgreSQL knows their sizes."""
    with psycopg.connect(conninfo(url, "benchmark"), autocommit=True) as connection:
        while connection.execute(BEHIND).fetchone() == (True,):
            connection.execute("SELECT pg_sleep(0.1)")
        connection.execute("VACUUM ANALYZE")
