"""The whole log to a file of JSON Lines and back, with positions and times, sealed by a checksum.

First the events, then the idempotency keys, so that what clients repeat is recognised in the other
shop too; the last line counts them and carries the SHA-256 of all lines before it, which
`head -n -1 FILE | sha256sum` gives as well.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, LiteralString
from uuid import UUID

import orjson
from psycopg import Connection, Cursor, IsolationLevel
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.errors import InTheWay, ReplayError
from infrastructure.event_store.jsonl import Digest, NotALine, line_of, row_of
from infrastructure.event_store.query import head_of
from infrastructure.event_store.store import EVENT_COLUMNS, EventRow
from infrastructure.operations.facts import currency_of_amounts
from infrastructure.postgres import locks
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.process_managers.resume import take_up_unfinished
from infrastructure.read_models.projector import Projector
from infrastructure.read_models.rebuild import Progress

CHUNK = 10_000  # events a batch

_LOG: LiteralString = (
    f"SELECT {EVENT_COLUMNS} FROM stored_events WHERE notification_id > %s"
    " AND notification_id <= %s ORDER BY notification_id"
)
_KEYS: LiteralString = (
    "SELECT key, fingerprint, position FROM idempotency_keys WHERE position <= %s"
    " ORDER BY position, key"
)
_COPY_EVENTS: LiteralString = (
    "COPY stored_events (notification_id, originator_id, originator_version, topic, state,"
    " recorded_at)"
    " FROM STDIN (FORMAT binary)"
)
_COPY_KEYS: LiteralString = (
    "COPY idempotency_keys (key, fingerprint, position) FROM STDIN (FORMAT binary)"
)
_EMPTY: LiteralString = """
SELECT NOT EXISTS (SELECT FROM stored_events) AND NOT EXISTS (SELECT FROM idempotency_keys)
    AND NOT EXISTS (SELECT FROM projections WHERE position > 0)
    AND NOT EXISTS (SELECT FROM notification_tracking WHERE notification_id > 0)
"""


@message
class Seal:
    """The last line: how many events and keys there are, the digest of the events (as an audit has
    it), the SHA-256 of all lines, and what amounts are in (None in files of 0.1.0)."""

    events: int
    digest: str
    keys: int
    sha256: str
    currency: str | None = None

    def line(self) -> bytes:
        """With its end."""
        return orjson.dumps(self) + b"\n"


# Export. -----------------------------------------------------------------------------------------


def export(reader: Connection[TupleRow], path: Path) -> Iterator[Progress | Seal]:
    """Write the log to a new file. What was stopped is gone on with: until it is whole, the file
    has `.part` at its end. Raises ReplayError, or OSError."""
    if path.exists():
        raise InTheWay(f"{path} is there already")
    part = path.with_name(path.name + ".part")
    with part.open("a+b") as file:
        written = _Writing(file)
        written.resume(reader)
        seal = yield from _until_sealed(write_log(reader, written))
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    yield seal


def _until_sealed(steps: Iterator[Progress | Seal]) -> Generator[Progress, None, Seal]:
    for step in steps:
        if isinstance(step, Seal):
            return step
        yield step
    raise AssertionError("a log ends with its seal")


def export_to(reader: Connection[TupleRow], file: IO[bytes]) -> Iterator[Progress | Seal]:
    """Write the log to an open file, such as a pipe. Raises ReplayError, or OSError."""
    yield from write_log(reader, _Writing(file))


class _Writing:
    """A file and what was written to it: the last event's position and both sums."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = sha256()
        self._digest = Digest()
        self.position = 0

    def event(self, row: EventRow) -> None:
        try:
            line = line_of(row)
        except NotALine as error:
            raise ReplayError(f"{error}: it cannot be exported") from error
        self._file.write(line)
        self._sum.update(line)
        self._digest.add(line)
        self.position = row[0]

    def other(self, line: bytes) -> None:
        self._file.write(line)
        self._sum.update(line)

    def seal(self, keys: int, currency: str | None) -> Seal:
        digest = self._digest.text()
        seal = Seal(self.position, digest, keys, self._sum.hexdigest(), currency)
        self._file.write(seal.line())
        return seal

    def resume(self, reader: Connection[TupleRow]) -> None:
        """Take over the whole events that are in the file, and cut off the rest."""
        self._file.seek(0)
        end, last = 0, b""
        for line in self._file:
            if not line.startswith(b'{"position":') or not line.endswith(b"\n"):
                break
            self._sum.update(line)
            self._digest.add(line)
            end, last = end + len(line), line
        self._file.seek(end)
        self._file.truncate()
        if last:
            self.position = row_of(last)[0]
            there = reader.execute(_LOG, (self.position - 1, self.position), binary=True).fetchone()
            if there is None or line_of(there) != last:
                raise InTheWay(f"{self._file.name} is of another shop: delete it to begin anew")


def write_log(reader: Connection[TupleRow], written: _Writing) -> Iterator[Progress | Seal]:
    """All events and keys of one moment, then the seal."""
    reader.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with reader.transaction():
            head = head_of(reader)
            with reader.cursor(name="log") as cursor:
                cursor.itersize = CHUNK
                cursor.execute(_LOG, (written.position, head), binary=True)
                while rows := cursor.fetchmany(CHUNK):
                    for row in rows:
                        written.event(row)
                    yield Progress("log", written.position, head)
            keys = 0
            with reader.cursor(name="keys") as cursor:
                cursor.itersize = CHUNK
                for key, fingerprint, position in cursor.execute(_KEYS, (head,)):
                    written.other(
                        b'{"idempotencyKey":"%b","fingerprint":"%b","position":%d}\n'
                        % (str(key).encode(), bytes(fingerprint).hex().encode(), position)
                    )
                    keys += 1
            yield written.seal(keys, currency_of_amounts(reader))
    finally:
        reader.isolation_level = None


# Import. -----------------------------------------------------------------------------------------


def check_file(path: Path) -> Seal:
    """The seal of a whole and unchanged file. Raises ReplayError, or OSError."""
    summed, before = sha256(), b""
    with path.open("rb") as file:
        for line in file:
            summed.update(before)
            before = line
    try:
        seal = Seal(**orjson.loads(before))
    except (ValueError, TypeError):
        raise ReplayError(f"{path} is not whole: its last line is no seal") from None
    if seal.sha256 != summed.hexdigest():
        raise ReplayError(f"{path} has changed since it was written: its checksum is another")
    return seal


def import_log(writer: Connection[TupleRow], path: Path, seal: Seal) -> Iterator[Progress]:
    """Read a checked file into an empty shop whose workers do not run; what was stopped is gone on
    with. At the end what is stored is read again, and must have the same digest. Executions that
    had not ended go on when a worker runs. Raises ReplayError, or OSError."""
    with _workers_held(writer), path.open("rb") as file:
        _begin(writer, seal)
        done = head_of(writer)
        lines = _Lines(file)
        for rows in _batches(lines, done):
            _store(writer, rows, done)
            done = rows[-1][0]
            yield Progress("log", done, seal.events)
        yield from _check_stored(writer, seal)
        with writer.transaction(), writer.cursor() as cursor:
            if _store_keys(cursor, lines.keys()) != seal.keys:
                raise ReplayError(f"{path} does not hold the keys that its last line counts")
            take_up_unfinished(cursor, done)
            cursor.execute(
                "UPDATE imports SET finished_at = now() WHERE sha256 = %s", (seal.sha256,)
            )
            cursor.execute("SELECT pg_notify('stored_events', %s)", (str(done),))


class _Lines:
    """The lines of a file: events up to the first that is none, then keys up to the seal."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._line = file.readline()

    def events(self) -> Iterator[EventRow]:
        while self._line.startswith(b'{"position":'):
            try:
                yield row_of(self._line)
            except NotALine as error:
                raise ReplayError(str(error)) from error
            self._line = self._file.readline()

    def keys(self) -> Iterator[tuple[UUID, bytes, int]]:
        while self._line.startswith(b'{"idempotencyKey":'):
            key = orjson.loads(self._line)
            yield UUID(key["idempotencyKey"]), bytes.fromhex(key["fingerprint"]), key["position"]
            self._line = self._file.readline()


def _batches(lines: _Lines, done: int) -> Iterator[list[EventRow]]:
    """Those behind position `done`, in batches. Raises ReplayError where one is missing."""
    batch: list[EventRow] = []
    expected = 1
    for row in lines.events():
        if row[0] != expected:
            raise ReplayError(f"The file has position {row[0]} where {expected} should be")
        expected += 1
        if row[0] > done:
            batch.append(row)
            if len(batch) == CHUNK:
                yield batch
                batch = []
    if batch:
        yield batch


def _begin(writer: Connection[TupleRow], seal: Seal) -> None:
    """Note that this file is imported, unless it was begun before. Raises InTheWay."""
    with writer.transaction():
        writer.execute("SELECT pg_advisory_xact_lock(%s)", (locks.APPEND,))
        begun = writer.execute(
            "SELECT sha256, finished_at FROM imports ORDER BY begun_at DESC LIMIT 1"
        ).fetchone()
        if begun is not None and begun[1] is None:
            if begun[0] != seal.sha256:
                raise InTheWay("Another file is being imported into this shop")
            return
        if writer.execute(_EMPTY).fetchone() != (True,):
            raise InTheWay("The shop is not empty: a log can only be imported into a new one")
        writer.execute(
            "INSERT INTO imports (sha256, events) VALUES (%s, %s)", (seal.sha256, seal.events)
        )


def _store(writer: Connection[TupleRow], rows: Iterable[EventRow], after: int) -> None:
    with writer.transaction(), writer.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (locks.APPEND,))
        if head_of(writer) != after:
            raise InTheWay("Somebody else writes to this shop: stop it for the import")
        with cursor.copy(_COPY_EVENTS) as copy:
            copy.set_types(["int8", "uuid", "int8", "text", "bytea", "timestamptz"])
            for row in rows:
                copy.write_row(row)


def _store_keys(cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, bytes, int]]) -> int:
    count = 0
    with cursor.copy(_COPY_KEYS) as copy:
        copy.set_types(["uuid", "bytea", "int8"])
        for key in keys:
            copy.write_row(key)
            count += 1
    return count


def _check_stored(writer: Connection[TupleRow], seal: Seal) -> Iterator[Progress]:
    digest, done = Digest(), 0
    with writer.transaction(), writer.cursor(name="log") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(_LOG, (0, seal.events), binary=True)
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                digest.add(line_of(row))
            done = rows[-1][0]
            yield Progress("check", done, seal.events)
    if (done, digest.text()) != (seal.events, seal.digest):
        raise ReplayError("What is stored is not what the file says: begin anew, in a new shop")


@contextmanager
def _workers_held(writer: Connection[TupleRow]) -> Iterator[None]:
    """No runner leads meanwhile, for it would act on half a log. Raises InTheWay."""
    with ExitStack() as stack:
        for name in (ProcessManager.name, Projector.name):
            key = locks.named(locks.RUNNER, name)
            if writer.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone() != (True,):
                raise InTheWay(f"The {name} of this shop runs: stop its workers for the import")
            stack.callback(_unlock, writer, key)
        yield


def _unlock(writer: Connection[TupleRow], key: tuple[int, int]) -> None:
    if not writer.broken:
        writer.execute("SELECT pg_advisory_unlock(%s, %s)", key)
