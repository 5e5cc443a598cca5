"""The log to a file and back: the same shop, whatever stops it on the way."""

from collections.abc import Generator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import orjson
import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.errors import InTheWay, ReplayError
from infrastructure.event_store.jsonl import NotALine, line_of, row_of
from infrastructure.event_store.store import IdempotencyKey
from infrastructure.operations import transfer
from infrastructure.operations.audit import Audited, Finding, audit
from infrastructure.operations.migrate import migrate
from infrastructure.operations.transfer import Seal, check_file, export, import_log
from infrastructure.postgres.connections import conninfo, tool_connection
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Connections, Progress
from tests.infrastructure.conftest import running
from tests.replay.conftest import project
from tests.replay.histories import BEGIN, History, derived, store
from tests.replay.test_audit import audited

KEY = IdempotencyKey(derived("key"), b"fingerprint")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "CHUNK", 50)


@pytest.fixture
def other_url(empty_database_url: str) -> str:
    """An empty shop."""
    migrate(empty_database_url)
    return empty_database_url


@pytest.fixture
def file(past: History, connection: Connection[TupleRow], tmp_path: Path) -> Path:
    """An export of the past, which has one idempotency key."""
    connection.execute(
        "INSERT INTO idempotency_keys VALUES (%s, %s, 7)", (KEY.key, KEY.fingerprint)
    )
    list(export(connection, path := tmp_path / "shop.jsonl"))
    return path


def log_of(url: str) -> list[TupleRow]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT * FROM stored_events ORDER BY notification_id").fetchall()


def taken_in(url: str, path: Path) -> Seal:
    with tool_connection(url, "test") as writer:
        seal = check_file(path)
        list(import_log(writer, path, seal))
    return seal


def test_an_empty_shop_becomes_the_same_shop(
    past: History, database_url: str, other_url: str, file: Path
) -> None:
    seal = taken_in(other_url, file)
    assert (seal.events, seal.keys) == (len(past.recorded), 1)
    assert log_of(other_url) == log_of(database_url)
    project(other_url)
    with (
        tool_connection(other_url, "test") as reader,
        tool_connection(other_url, "test") as writer,
    ):
        keys = reader.execute("SELECT key, fingerprint, position FROM idempotency_keys")
        assert keys.fetchall() == [(KEY.key, KEY.fingerprint, 7)]
        findings, result = audited(Connections(reader, writer))
    assert (findings, result.digest) == ([], seal.digest)


def test_the_checksum_is_what_anybody_can_compute(file: Path) -> None:
    *lines, _ = file.read_bytes().splitlines(keepends=True)
    assert check_file(file).sha256 == sha256(b"".join(lines)).hexdigest()


def test_orders_that_had_not_ended_go_on_in_the_other_shop(
    past: History, database_url: str, other_url: str, tmp_path: Path
) -> None:
    known = len(past.recorded)
    ada, board, wheel = past.customer(), past.product(), past.product()
    lines = {board: 2, wheel: 1}
    past.place(ada, past.order(ada, lines), "only placed")
    for reactions in range(1, 6):
        past.leave(ada, past.order(ada, lines), f"left after {reactions}", after=reactions)
    store(database_url, past.recorded[known:])
    with psycopg.connect(database_url, autocommit=True) as connection:
        list(export(connection, path := tmp_path / "shop.jsonl"))
    taken_in(other_url, path)
    with (
        running(other_url, ProcessManager()),
        running(other_url, Projector()),
        psycopg.connect(conninfo(other_url, "test"), autocommit=True) as connection,
    ):
        statuses: list[TupleRow] = []
        for _ in range(400):
            statuses = connection.execute(
                "SELECT status, count(*) FROM executions WHERE customer_id = %s GROUP BY 1",
                (ada[0],),
            ).fetchall()
            if statuses == [("SUCCEEDED", 6)]:
                break
            connection.execute("SELECT pg_sleep(0.05)")
    assert statuses == [("SUCCEEDED", 6)]
    with (
        tool_connection(other_url, "test") as reader,
        tool_connection(other_url, "test") as writer,
    ):
        steps = list(audit(Connections(reader, writer)))
    assert [step for step in steps if isinstance(step, Finding)] == []
    assert isinstance(steps[-1], Audited)


@pytest.mark.usefixtures("small_batches")
def test_an_export_that_was_stopped_is_gone_on_with(
    past: History, connection: Connection[TupleRow], file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "again.jsonl"
    steps = export(connection, path)
    assert isinstance(steps, Generator)
    for _ in range(4):
        next(steps)
    steps.close()
    part = tmp_path / "again.jsonl.part"
    assert not path.exists()
    with part.open("ab") as cut:
        cut.write(b'{"position":4711,"streamId":"01')
    begun = part.read_bytes().count(b"\n")
    first = next(again := export(connection, path))
    assert isinstance(first, Progress)
    assert first.position > begun > 0
    list(again)
    assert path.read_bytes() == file.read_bytes()


def test_the_part_of_another_shop_is_not_gone_on_with(
    database_url: str, connection: Connection[TupleRow], file: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.jsonl.part").write_bytes(
        file.read_bytes().splitlines(keepends=True)[0].replace(b'"quantity":', b'"quantity":9')
    )
    with pytest.raises(InTheWay, match="is of another shop"):
        list(export(connection, tmp_path / "other.jsonl"))
    with pytest.raises(InTheWay, match="is there already"):
        list(export(connection, file))


@pytest.mark.usefixtures("small_batches")
def test_an_import_that_was_stopped_is_gone_on_with(
    past: History, database_url: str, other_url: str, file: Path, tmp_path: Path
) -> None:
    with tool_connection(other_url, "test") as writer:
        steps = import_log(writer, file, check_file(file))
        assert isinstance(steps, Generator)
        assert next(steps).position == 50
        next(steps)
        steps.close()
    another = tmp_path / "another.jsonl"
    events = file.read_bytes().splitlines(keepends=True)[:1]
    total = sha256(events[0]).hexdigest()
    another.write_bytes(events[0] + Seal(1, total, 0, total).line())
    with pytest.raises(InTheWay, match="Another file is being imported"):
        taken_in(other_url, another)
    with tool_connection(other_url, "test") as writer:
        steps = import_log(writer, file, check_file(file))
        assert next(steps).position == 150
        list(steps)
    assert log_of(other_url) == log_of(database_url)


def test_only_an_empty_shop_takes_a_log_in(
    past: History, database_url: str, other_url: str, file: Path
) -> None:
    with pytest.raises(InTheWay, match="The shop is not empty"):
        taken_in(database_url, file)
    taken_in(other_url, file)
    with pytest.raises(InTheWay, match="The shop is not empty"):
        taken_in(other_url, file)


def test_a_shop_whose_workers_run_takes_no_log_in(other_url: str, file: Path) -> None:
    with running(other_url, Projector()), psycopg.connect(other_url) as connection:
        leads = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7461"
        while connection.execute(leads).fetchone() == (0,):
            pass
        with pytest.raises(InTheWay, match="The projector of this shop runs"):
            taken_in(other_url, file)


@pytest.mark.usefixtures("small_batches")
def test_nobody_else_may_write_meanwhile(past: History, other_url: str, file: Path) -> None:
    with tool_connection(other_url, "test") as writer:
        steps = import_log(writer, file, check_file(file))
        next(steps)
        with psycopg.connect(other_url) as api:
            api.execute(
                "SELECT append_events(ARRAY[gen_random_uuid()], ARRAY[1::bigint], ARRAY['X'],"
                " ARRAY['{}'::bytea])"
            )
        with pytest.raises(InTheWay, match="Somebody else writes"):
            list(steps)


def test_a_file_that_is_not_what_was_written_is_refused(file: Path, other_url: str) -> None:
    whole = file.read_bytes()
    *lines, seal = whole.splitlines(keepends=True)
    for broken, text in (
        (whole.replace(b"Board", b"Bored", 1), "has changed"),
        (whole[: len(whole) // 2], "is not whole"),
        (b"".join(lines), "is not whole"),
        (b"", "is not whole"),
        (b"".join([*lines[:5], *lines[6:], seal]), "has changed"),
    ):
        file.write_bytes(broken)
        with pytest.raises(ReplayError, match=text):
            taken_in(other_url, file)
    assert log_of(other_url) == []


def resealed(lines: list[bytes], seal: Seal) -> bytes:
    """As somebody would write it who knows how the checksum is made."""
    total = sha256(b"".join(lines)).hexdigest()
    return b"".join(lines) + Seal(seal.events, seal.digest, seal.keys, total).line()


def test_a_file_that_was_made_to_look_right_is_refused(file: Path, empty_database_url: str) -> None:
    seal = check_file(file)
    *lines, _ = file.read_bytes().splitlines(keepends=True)
    for changed, text in (
        ([*lines[:5], *lines[6:]], "has position 7 where 6 should be"),
        (lines[:-1], "does not hold the keys"),
        (
            [*lines[:9], lines[9].replace(b'"data":{', b'"data":{"x":1,'), *lines[10:]],
            "is not what",
        ),
        ([*lines[:9], lines[9].replace(b'"version":', b'"v":'), *lines[10:]], "This is no event"),
    ):
        file.write_bytes(resealed(changed, seal))
        with psycopg.connect(empty_database_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            for name in ("products", "orders", "accounts", "returns"):
                connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())
        migrate(empty_database_url)
        with pytest.raises(ReplayError, match=text):
            taken_in(empty_database_url, file)


STATES = (
    rb'{"actor_id":null,"correlation_id":"c","causation_id":"a \"b\"","data":{"a":1}}',
    (
        b'{"actor_id":"a","correlation_id":"c","causation_id":"x","data_version":2,'
        b'"data":{"a":{"b":"}"}}}'
    ),
)
FOREIGN = (
    '{"causation_id": "z", "actor_id": null, "correlation_id": "y", "data": {"name": "\\u0142 Ł"}}'
)


@pytest.mark.parametrize("state", STATES)
def test_a_line_holds_byte_for_byte_what_is_stored(state: bytes) -> None:
    row = (7, UUID(int=5), 3, "Sold", state, BEGIN)
    assert row_of(line_of(row)) == row


def test_a_line_of_what_0_1_0_has_stored_is_as_0_1_0_wrote_it() -> None:
    times = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.012300Z")
    for text in times:
        old = b'{"recorded_at":"%b",' % text.encode() + STATES[0][1:]
        row = (7, UUID(int=5), 3, "Sold", old, datetime.fromisoformat(text))
        line = line_of(row)
        assert f'"type":"Sold","recordedAt":"{text}","actorId":null,' in line.decode()
        assert row_of(line) == (*row[:4], STATES[0], row[5])


def test_what_has_no_time_is_no_line() -> None:
    with pytest.raises(NotALine, match="has no time"):
        line_of((7, UUID(int=5), 3, "Sold", STATES[0], None))


def test_a_line_holds_what_others_have_stored() -> None:
    row = (7, UUID(int=5), 3, "Sold", FOREIGN.encode(), BEGIN)
    line = line_of(row)
    assert orjson.loads(line)["data"] == {"name": "ł Ł"}
    assert line_of(row_of(line)) == line
    spaced = orjson.dumps(orjson.loads(line), option=orjson.OPT_INDENT_2)
    assert row_of(spaced) == row_of(line)
