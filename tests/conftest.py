"""One PostgreSQL server for the whole test run, and a fresh database for each test that asks."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import structlog
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # has no types

from infrastructure.operations.migrate import migrate
from infrastructure.postgres.embedded import EmbeddedPostgres
from infrastructure.runtime.proxies import spare_loopback
from tests.cli.forked import ADDRESS, forking_shop

spare_loopback()
configure = structlog.configure


def configure_for_a_test(**options: Any) -> None:
    """A logger that is cached would keep for ever what the command of one test has configured."""
    configure(**{**options, "cache_logger_on_first_use": False})


structlog.configure = configure_for_a_test  # type: ignore[assignment]  # all call it by name

# As in the shop itself; with the values of variables a traceback takes minutes to write.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
)

TEMPLATE = "shop_template"
# What a test writes need not outlive a power cut; the shop itself never runs like this.
FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
    "synchronous_commit": "off",
}
# A new database is three hundred small files: 10 ms in memory, up to 300 on a slow disk.
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 2 * 2**30  # bytes

# How long an example takes says how busy the machine is.
settings.register_profile("shop", deadline=None)
# A thousand times over, and each time the same.
settings.register_profile(
    "mutants", deadline=None, max_examples=10, derandomize=True, database=None
)
settings.load_profile("shop")

# What takes longest begins first, so that no worker is left with it in the end.
LONGEST = [
    "web/",
    "cli/test_serve.py",
    "faults/test_database.py",
    "docs/test_replay.py",
    "replay/test_rebuild.py",
    "infrastructure/test_crashes.py",
    "docs/test_readme.py",
    "cli/test_cli.py",
    "replay/test_filling.py",
    "replay/test_mending.py",
    "api/test_process.py",
    "replay/test_commands.py",
    "security/test_fuzz.py",
    "security/test_secrets.py",
    "faults/",
    "infrastructure/test_embedded.py",
    "demo/",
    "replay/",
    "security/",
]

running = pytest.StashKey[ExitStack]()
server_url = pytest.StashKey[str]()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    roomy = MEMORY.exists() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY
    where = MEMORY if roomy else None
    with tempfile.TemporaryDirectory(
        prefix="shop-tests-", dir=where, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _start_server(config: pytest.Config) -> str:
    if server_url not in config.stash:
        config.stash[running] = stack = ExitStack()
        folder = stack.enter_context(_temporary_folder())
        postgres = stack.enter_context(EmbeddedPostgres(folder, FORGETFUL))
        config.stash[server_url] = postgres.url
        os.environ[ADDRESS] = stack.enter_context(forking_shop(folder))
    return config.stash[server_url]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice the cores that we may use: half of the time, a test waits."""
    usable = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    return 2 * len(usable)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them into the order in which they begin."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((n for n, name in enumerate(LONGEST) if path.startswith(name)), len(LONGEST))

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker process of xdist where the server is, which the first process runs."""
    node.workerinput["server_url"] = _start_server(node.config)
    node.workerinput[ADDRESS] = os.environ[ADDRESS]


def pytest_configure(config: pytest.Config) -> None:
    """In a worker process of xdist: commands of the shop are forked from the process that is there
    for all."""
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker:
        os.environ[ADDRESS] = worker[ADDRESS]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server. Where this is never called, its guard does it: see
    infrastructure.runtime.orphans."""
    if running in config.stash:
        config.stash[running].close()


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> str:
    """The URL of a superuser on the test server's own database."""
    worker: dict[str, str] | None = getattr(request.config, "workerinput", None)
    return worker["server_url"] if worker else _start_server(request.config)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """The name of a database with all tables and no rows; the first worker that asks makes it."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if not connection.execute(
            "SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).rowcount:
            building = f"{TEMPLATE}_{uuid4().hex}"  # where migrating fails, the next one tries too
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
            migrate(make_conninfo(postgres_server, dbname=building))
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(building), sql.Identifier(TEMPLATE)
                )
            )
    return TEMPLATE


@contextmanager
def copy_of(template: str, server: str) -> Iterator[str]:
    """A database of its own for whoever enters, made from `template`."""
    name = f"test_{uuid4().hex}"
    database = sql.Identifier(name)
    with psycopg.connect(server, autocommit=True) as connection:
        # Copying files takes half the time that copying by way of the log does.
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(copy.format(database, sql.Identifier(template)))
        yield make_conninfo(server, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.fixture
def database_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """A database of this test's own, with all tables and no rows."""
    with copy_of(migrated_template, postgres_server) as url:
        yield url


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for a PostgreSQL of the test's own.

    Not pytest's: run as root, the server is another user, and each start of pytest shuts it out.
    """
    with _temporary_folder() as folder:
        yield folder


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """A database of this test's own with nothing in it."""
    with copy_of("template1", postgres_server) as url:
        yield url
