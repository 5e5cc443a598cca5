"""Comparing live read models with what this code makes of the log, while the shop runs.

The log is folded into temporary tables, which nobody else sees and which end with the session.
For a moment the projector is held back, until both are at one position and a snapshot is taken;
what is compared is that snapshot, row by row.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, LiteralString

from psycopg import Connection, Cursor, IsolationLevel, sql
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.consumers.parking import Parked
from infrastructure.errors import InTheWay, NotThere
from infrastructure.read_models.copy import Copy, search_path
from infrastructure.read_models.copy_table import consumer_of, dropped_positions
from infrastructure.read_models.fingerprint import fingerprint
from infrastructure.read_models.rebuild import (
    HOLD_PROJECTOR,
    NEARLY,
    PATIENCE,
    Connections,
    Progress,
    projector_held,
)
from projections.projection import Projection, Table

# 64 MB of each session's own memory for the temporary tables, of which the hot pages stay there.
_ROOM = "SET temp_buffers = '64MB'"
_COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
    " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
_PARKED = "SELECT count(*) FROM parked_events WHERE consumer = %s"


@message
class Difference:
    """A row that is not as the log says. `live` and `log` hold the columns that differ; None where
    there is no such row."""

    table: str
    key: dict[str, Any]
    live: dict[str, Any] | None
    log: dict[str, Any] | None


@message
class Compared:
    """The end of a comparison, at `position`: how many rows there are by table, columns and tables
    that only one of the two has, how many events wait aside for the live read model, and the first
    event that this code cannot apply with how many there are in all."""

    name: str
    position: int
    rows: dict[str, int]
    differences: int
    only_live: tuple[str, ...]
    only_log: tuple[str, ...]
    parked: int
    unapplied: int
    first_unapplied: Parked | None


Found = Progress | Difference | Compared


def verify(on: Connections, projection: Projection) -> Iterator[Found]:
    """Every row of the live read model that is not as the log says. Raises InTheWay where other
    code has made it, and NotThere where it was never made."""
    row = on.reader.execute(
        "SELECT version, fingerprint FROM projections WHERE name = %s", (projection.name,)
    ).fetchone()
    if row != (projection.version, fingerprint(projection)):
        raise InTheWay(
            f"The live {projection.name} were made by other code than this:"
            f" `shop projections diff {projection.name}` shows what this code would change"
        )
    yield from compare(on, projection)


def compare(on: Connections, projection: Projection) -> Iterator[Found]:
    """Every row that this code would make otherwise than it is, in whatever code made it; columns
    that only one of the two has do not count. Raises NotThere or InTheWay."""
    search_path(on.writer, "pg_temp")
    try:
        on.writer.execute(_ROOM)
        on.writer.execute(projection.schema, prepare=False)
        copy = Copy(
            on.reader,
            on.writer,
            projection,
            _note_nothing,
            dropped=dropped_positions(on.reader, projection.name),
        )
        yield from _fill(on.reader, copy)
        with _one_moment(on, copy) as position:
            yield from _differences(on.writer, copy, position)
    finally:
        if not on.writer.broken:
            on.writer.execute("DISCARD TEMP")
            on.writer.execute("SET search_path = public")


def _note_nothing(_: Cursor[TupleRow], __: int, ___: int, ____: Sequence[Parked]) -> None:
    """A temporary copy needs no note of how far it is."""


def _fill(reader: Connection[TupleRow], copy: Copy) -> Iterator[Progress]:
    name, before = copy.projection.name, None
    while True:
        goal = _live_position(reader, name)
        behind = goal - copy.position
        if behind <= NEARLY or (before is not None and before <= behind <= PATIENCE):
            break
        before = behind
        for position in copy.fill(goal):
            yield Progress(name, position, goal)
    copy.analyze()


@contextmanager
def _one_moment(on: Connections, copy: Copy) -> Iterator[int]:
    """Inside, the writer sees the live read model and the copy at one position, which is given."""
    with ExitStack() as moment:
        with projector_held(on.reader, HOLD_PROJECTOR):
            position = _live_position(on.reader, copy.projection.name)
            copy.catch_up(position)
            on.writer.isolation_level = IsolationLevel.REPEATABLE_READ
            moment.callback(setattr, on.writer, "isolation_level", None)
            moment.enter_context(on.writer.transaction())
            on.writer.execute("SELECT FROM projections")  # takes the snapshot
        yield position


def _live_position(connection: Connection[TupleRow], name: str) -> int:
    row = connection.execute("SELECT position FROM projections WHERE name = %s", (name,)).fetchone()
    if row is None:
        raise NotThere(f"There is no read model {name} yet: `shop migrate` makes it")
    position: int = row[0]
    return position


def _differences(
    connection: Connection[TupleRow], copy: Copy, position: int
) -> Iterator[Difference | Compared]:
    name = copy.projection.name
    rows: dict[str, int] = {}
    only_live: list[str] = []
    only_log: list[str] = []
    count = 0
    for table in copy.projection.tables:
        live = _columns(connection, f"{name}.{table.name}")
        log = _columns(connection, f"pg_temp.{table.name}")
        if not live:
            only_log.append(table.name)
            continue
        only_live += [f"{table.name}.{column}" for column in live.keys() - log.keys()]
        only_log += [f"{table.name}.{column}" for column in log.keys() - live.keys()]
        common = {c: live[c] == log[c] for c in log if c in live}
        for difference in _rows(connection, name, table, common):
            count += 1
            yield difference
        rows[table.name] = _scalar(
            connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name, table.name))
        )
    yield Compared(
        name,
        position,
        rows,
        count,
        tuple(sorted(only_live)),
        tuple(sorted(only_log)),
        _scalar(connection, _PARKED, consumer_of(name)),
        len(copy.parked),
        copy.parked[0] if copy.parked else None,
    )


def _rows(
    connection: Connection[TupleRow], schema: str, table: Table, columns: dict[str, bool]
) -> Iterator[Difference]:
    """The rows that differ in the columns, which are compared as text where the types differ."""
    differing = sql.SQL(" OR ").join(
        sql.SQL("live.{0}{1} IS DISTINCT FROM log.{0}{1}").format(
            sql.Identifier(column), sql.SQL("" if same_type else "::text")
        )
        for column, same_type in columns.items()
    )
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    query = sql.SQL(
        "SELECT to_jsonb(live), to_jsonb(log) FROM {live} AS live FULL JOIN {log} AS log"
        " USING ({key}) WHERE {differing} ORDER BY {key}"
    ).format(
        live=sql.Identifier(schema, table.name),
        log=sql.Identifier("pg_temp", table.name),
        key=key,
        differing=differing,
    )
    with connection.cursor(name="differences") as cursor:
        cursor.execute(query)
        for live, log in cursor:
            there = live or log
            yield Difference(
                table.name,
                {column: there[column] for column in table.key},
                *_differing(live, log, columns),
            )


def _differing(
    live: dict[str, Any] | None, log: dict[str, Any] | None, columns: dict[str, bool]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    if live is None or log is None:
        return live, log
    names = [column for column in columns if live[column] != log[column]]
    return {name: live[name] for name in names}, {name: log[name] for name in names}


def _columns(connection: Connection[TupleRow], table: str) -> dict[str, str]:
    return dict(connection.execute(_COLUMNS, (table,)).fetchall())


def _scalar(
    connection: Connection[TupleRow], query: LiteralString | sql.Composed, *values: object
) -> int:
    row = connection.execute(query, values).fetchone()
    assert row is not None  # noqa: S101  # an aggregate answers with one row
    found: int = row[0]
    return found
