"""The embedded PostgreSQL: it starts, stops, survives, and is never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from infrastructure.postgres.embedded import EmbeddedError, EmbeddedPostgres, running_url

OWNER = """
import sys, time
from pathlib import Path
from infrastructure.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as postgres:
    print(postgres.url, flush=True)
    time.sleep(60)
"""


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def server(directory: Path) -> psutil.Process:
    pid = (directory / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]
    return psutil.Process(int(pid))


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def start_owner(directory: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"postgresql://")
    return process


def kill_owner(process: "subprocess.Popen[bytes]") -> None:
    with process:
        process.kill()


def test_what_was_written_is_there_after_a_restart(data_dir: Path) -> None:
    for expected in ([], [(1,)]):
        with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 LIMIT 0")
            assert connection.execute("SELECT * FROM kept").fetchall() == expected
            connection.execute("INSERT INTO kept VALUES (1)")


def test_it_is_postgresql_18_that_syncs_to_disk_and_listens_nowhere(data_dir: Path) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.info.server_version // 10_000 == 18
        for name in names:
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_it_brings_the_extensions_that_a_search_and_an_operator_want(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url) as connection:
        for name in ("pg_trgm", "unaccent", "pg_stat_statements"):
            connection.execute(f"CREATE EXTENSION {name}")
        found = connection.execute("SELECT similarity('skateboard', 'skate board') > 0.5")
        assert found.fetchone() == (True,)


def test_a_path_too_long_for_a_socket_is_no_obstacle(data_dir: Path) -> None:
    deep = data_dir / ("a folder with spaces " * 4).strip() / ("x" * 60) / ("y" * 60)
    with EmbeddedPostgres(deep) as postgres, psycopg.connect(postgres.url) as connection:
        socket_dir = Path(connection.info.host)
        assert running_url(deep) == postgres.url
    assert not socket_dir.exists()


def test_a_second_server_on_the_same_data_is_refused(data_dir: Path) -> None:
    with (
        EmbeddedPostgres(data_dir) as first,
        pytest.raises(EmbeddedError, match=rf"in use by process {os.getpid()}$"),
        EmbeddedPostgres(data_dir),
    ):
        pass
    assert first.url


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"file cannot be used: File exists$"):
        EmbeddedPostgres(tmp_path / "file").claim()


def test_others_find_a_running_server_by_its_data(data_dir: Path) -> None:
    assert running_url(data_dir) is None
    with EmbeddedPostgres(data_dir) as postgres:
        assert running_url(data_dir) == postgres.url
    assert running_url(data_dir) is None


def test_it_stops_when_its_owner_is_killed_and_starts_again_after(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    found = server(data_dir)
    kill_owner(owner)
    eventually(lambda: has_ended(found))
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url):
        pass


def test_a_server_left_behind_is_replaced(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    found = server(data_dir)
    guard = found.parent()
    assert guard is not None
    guard.kill()
    kill_owner(owner)
    assert not has_ended(found)
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url):
        assert has_ended(found)
        assert server(data_dir).pid != found.pid


def test_it_recovers_what_was_committed_when_it_was_killed_itself(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    url = running_url(data_dir)
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
        found = server(data_dir)
        for process in (found, *found.children()):
            process.kill()
    kill_owner(owner)
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT * FROM kept").fetchall() == [(1,)]


def test_a_busy_backend_that_outlived_its_server_is_no_obstacle(data_dir: Path) -> None:
    owner = start_owner(data_dir)
    url = running_url(data_dir)
    assert url is not None
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000)")
        found = server(data_dir)
        found.kill()
        kill_owner(owner)
        eventually(lambda: has_ended(found))
        assert not has_ended(backend)
        with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url):
            assert has_ended(backend)


def test_the_number_of_a_dead_server_may_belong_to_another_process(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        left = (data_dir / "postgres" / "postmaster.pid").read_text()
    bystander = subprocess.Popen(["sleep", "60"], user="pgserver" if os.geteuid() == 0 else None)
    with bystander:
        lines = left.split("\n")
        pid_file = data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]))
        pid_file.chmod(0o644)
        with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url):
            pass
        assert bystander.poll() is None
        bystander.send_signal(signal.SIGKILL)


def test_a_first_start_that_was_cut_short_is_begun_anew(data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir()
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url):
        pass


def test_data_of_another_version_are_left_alone(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with (
        pytest.raises(EmbeddedError, match="the data are of PostgreSQL 16, this is 18"),
        EmbeddedPostgres(data_dir),
    ):
        pass


def test_why_it_does_not_start_is_said(data_dir: Path) -> None:
    with (
        pytest.raises(EmbeddedError, match=r'does not start in .*"lots"'),
        EmbeddedPostgres(data_dir, {"max_connections": "lots"}),
    ):
        pass
    with EmbeddedPostgres(data_dir) as postgres, psycopg.connect(postgres.url):
        pass
