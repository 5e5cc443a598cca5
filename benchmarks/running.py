"""The whole shop as `shop serve` runs it, in front of a database of the benchmarks'."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from uuid import UUID

import psutil
import psycopg

from benchmarks.buyers import Shop, open_shop
from benchmarks.generate import Customer, store_users
from benchmarks.graphql_client import Address
from domain.message import message
from infrastructure.identity.tokens import AccessTokens
from infrastructure.ids import new_id

SECRET_KEY = "known to everybody and good for benchmarks alone"
PATIENCE = 30.0  # seconds to start in


@message
class RunningShop:
    """Where it answers, and which process began it all."""

    address: Address
    pid: int

    def api_processes(self) -> list[psutil.Process]:
        """Those that answer calls."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [child for child in children if "--fd" in child.cmdline()]


@contextmanager
def running_shop(url: str, api_processes: int = 1) -> Iterator[RunningShop]:
    """API and workers on the migrated database at `url`, without rate limits."""
    address = Address(free_port())
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            "SHOP_DATABASE_URL": url,
            "SHOP_DATA_DIR": directory,
            "SHOP_PORT": str(address.port),
            "SHOP_SECRET_KEY": SECRET_KEY,
            "SHOP_LIMITS": "off",
            "SHOP_LOG_LEVEL": "warning",
            "SHOP_API_PROCESSES": str(api_processes),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve"], env={**os.environ, **environment}
        ) as process:
            try:
                wait_until_answering(f"http://{address.host}:{address.port}/health/ready", process)
                yield RunningShop(address, process.pid)
            finally:
                process.terminate()


def access_token(user_id: UUID) -> str:
    """What the user would get by signing in; passwords are not what is measured."""
    return AccessTokens([SECRET_KEY]).issue(user_id, "USER", new_id())[0]


def open_to_users(url: str, customers: int = 200) -> Shop:
    """A shop whose customers are users, as the API wants them."""
    shop = asyncio.run(open_shop(url, customers=customers))
    with psycopg.connect(url) as connection:
        store_users(
            connection,
            [
                Customer(user_id, account_id, f"{number}@example.com", f"Customer {number}")
                for number, (user_id, account_id) in enumerate(shop.customers)
            ],
        )
    return shop


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_until_answering(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Return when `url` answers with success. Raises RuntimeError when `process` ends before."""
    deadline = monotonic() + PATIENCE
    while process.poll() is None and monotonic() < deadline:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):
            return
        sleep(0.05)
    raise RuntimeError(f"{url} does not answer")
