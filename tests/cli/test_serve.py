"""`shop serve`, `api` and `worker` as processes: they restart, drain, take over, leave nothing."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from infrastructure.postgres.embedded import running_url
from tests.cli.running import KEY, RunningShop, eventually, has_ended

Start = Callable[..., RunningShop]

PARTS = ("process-manager", "projector", "courier", "--fd")  # words of their command lines
USERS = "SELECT email FROM users"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[RunningShop] = []

    def run(*arguments: str, **settings: str) -> RunningShop:
        started.append(RunningShop(tmp_path, *arguments, **settings))
        return started[-1]

    yield run
    for shop in started:
        shop.end()


def sign_up(shop: RunningShop, email: str) -> bool:
    answer = shop.graphql(
        "mutation ($input: SignUpInput!) { signUp(input: $input) { __typename } }",
        input={"email": email, "name": "Ada", "password": "correct horse battery"},
    )
    return bool(answer["data"] and answer["data"]["signUp"]["__typename"] == "SignUpPayload")


def emails(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [email for (email,) in connection.execute(USERS).fetchall()]


def leader(url: str, kind: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT holder FROM runners WHERE name = %s", [kind]).fetchone()
    return str(row[0]) if row else ""


def test_the_whole_shop_starts_from_nothing_mails_and_stops_clean(
    start: Start, data_dir: Path
) -> None:
    data = data_dir / "data"
    shop = start("serve", SHOP_DATA_DIR=str(data))
    eventually(shop.is_ready)
    assert sign_up(shop, "ada@example.com")
    eventually(lambda: list(data.glob("mail/*.eml")))
    family = shop.family()
    assert shop.terminate() == 0
    assert all(map(has_ended, family))
    assert "did not stop in time" not in shop.log


def test_nothing_acknowledged_is_lost_when_all_is_killed_at_once(
    start: Start, data_dir: Path
) -> None:
    data = data_dir / "data"
    first = start("serve", SHOP_DATA_DIR=str(data))
    eventually(first.is_ready)
    assert sign_up(first, "ada@example.com")
    family = first.family()
    for process in (psutil.Process(first.process.pid), *family):
        with suppress(psutil.NoSuchProcess):  # it has noticed that the first one is gone
            process.kill()
    eventually(lambda: all(map(has_ended, family)))
    second = start("serve", SHOP_DATA_DIR=str(data))
    eventually(second.is_ready)
    assert emails(running_url(data) or "") == ["ada@example.com"]


def test_nothing_outlives_the_command_when_it_is_killed(start: Start, data_dir: Path) -> None:
    shop = start("serve", SHOP_DATA_DIR=str(data_dir / "data"))
    eventually(shop.is_ready)
    family = shop.family()
    shop.process.kill()
    eventually(lambda: all(map(has_ended, family)))


def test_what_is_killed_is_replaced(start: Start, database_url: str) -> None:
    shop = start("serve", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY)
    eventually(shop.is_ready)
    killed = [shop.running(word)[0] for word in PARTS]
    for process in killed:
        process.kill()
    for word, process in zip(PARTS, killed, strict=True):
        eventually(lambda: {p.pid for p in shop.running(word)} - {process.pid})  # noqa: B023  # now
    eventually(shop.is_ready)
    assert shop.log.count("SIGKILL") == len(PARTS)


def test_the_shop_goes_on_when_its_postgresql_is_killed(start: Start, data_dir: Path) -> None:
    data = data_dir / "data"
    shop = start("serve", SHOP_DATA_DIR=str(data))
    eventually(shop.is_ready)
    assert sign_up(shop, "ada@example.com")
    pid = int((data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    psutil.Process(pid).kill()
    eventually(lambda: "name=postgres" in shop.log.split("process died")[-1])
    eventually(shop.is_ready)
    eventually(lambda: sign_up(shop, "grace@example.com"))
    assert emails(running_url(data) or "") == ["ada@example.com", "grace@example.com"]


def test_beside_a_shop_on_its_data_tools_work_and_a_second_shop_is_refused(
    start: Start, data_dir: Path
) -> None:
    shop = start("serve", SHOP_DATA_DIR=str(data_dir))
    eventually(shop.is_ready)
    tool = start("migrate", SHOP_DATA_DIR=str(data_dir))
    second = start("serve", SHOP_DATA_DIR=str(data_dir))
    assert tool.process.wait(30) == 0, tool.log
    assert second.process.wait(30) == 1
    assert second.log == f"shop: The data in {data_dir} is in use by process {shop.process.pid}\n"
    assert shop.is_ready()


def test_a_call_under_way_is_answered_before_the_stop(start: Start, database_url: str) -> None:
    shop = start("serve", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY)
    eventually(shop.is_ready)
    body = b'{"query": "{ products { totalCount } }"}'
    head = (
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", shop.port), timeout=30) as connection:
        connection.sendall(head.encode() + body[:10])
        eventually(lambda: shop.get("/health/live")[0] == 200)  # it has been read by now
        shop.process.terminate()
        eventually(lambda: shop.get("/health/live")[0] == 0)
        connection.sendall(body[10:])
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"}")
    assert shop.process.wait(30) == 0


def test_several_api_processes_share_the_port(start: Start, database_url: str) -> None:
    worker = start("worker", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY)
    api = start("api", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY, SHOP_API_PROCESSES="2")
    eventually(api.is_ready)
    eventually(lambda: len(api.family()) == 2)
    api.family()[0].kill()
    eventually(lambda: "process died" in api.log)
    eventually(api.is_ready)
    assert api.terminate() == 0
    assert worker.terminate() == 0


def test_one_api_process_needs_no_supervisor(start: Start, database_url: str) -> None:
    api = start("api", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY)
    eventually(lambda: api.get("/health/live")[0] == 200)
    assert api.get("/health/ready")[0] == 503  # nobody works
    assert api.family() == []
    assert api.terminate() == 0


def test_a_second_worker_stands_by_and_takes_over(start: Start, database_url: str) -> None:
    first = start("worker", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY)
    eventually(lambda: leader(database_url, "projector"))
    second = start("worker", SHOP_DATABASE_URL=database_url, SHOP_SECRET_KEY=KEY)
    eventually(lambda: second.log.count("stands by") == 2)
    before = leader(database_url, "projector")
    first.process.kill()
    eventually(lambda: leader(database_url, "projector") != before)
    eventually(lambda: second.log.count("leads") == 2)
    assert second.terminate() == 0
