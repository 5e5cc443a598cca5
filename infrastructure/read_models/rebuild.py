"""Rebuilding read models beside the live ones, while the shop runs, and switching over.

The live tables of `orders` are in the schema `orders`; the copy that is filled in `orders_next`,
the one that was live before in `orders_previous`. Switching is renaming, in one transaction that
holds the projector back. How far a copy is stands beside its rows, so a rebuild that was killed
goes on where it was.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from domain.message import message
from infrastructure.errors import InTheWay, NotThere
from infrastructure.event_store.query import head_of
from infrastructure.postgres import locks
from infrastructure.read_models.copy import search_path
from infrastructure.read_models.copy_table import Kind, consumer_of, kept, open_copy
from infrastructure.read_models.fingerprint import fingerprint
from infrastructure.read_models.parallel_fill import fill_in_processes
from infrastructure.read_models.repairs import tell_all
from projections.projection import Projection

NEARLY = 1_000  # events; so few are applied while the projector waits
PATIENCE = 20_000  # the same, where the log grows as fast as a copy is filled

HOLD_PROJECTOR = "SELECT FROM runners WHERE name = 'projector' FOR UPDATE"
# The projector that is at work begins anew, with what it then finds.
RESTART_PROJECTOR = "UPDATE runners SET epoch = epoch + 1 WHERE name = 'projector'"
_PROJECTOR_ROW = (
    "INSERT INTO runners (name, epoch, holder, backend_pid, heartbeat)"
    " VALUES ('projector', 0, '', 0, 'epoch') ON CONFLICT DO NOTHING"
)
_BEGIN = (
    "INSERT INTO projection_copies (name, copy, version, fingerprint, position)"
    " VALUES (%s, 'next', %s, %s, 0)"
)
_KEEP = (
    "INSERT INTO projection_copies (name, copy, version, fingerprint, position)"
    " SELECT name, 'previous', version, fingerprint, position FROM projections WHERE name = %s"
)
_DEPLOYED = (
    "INSERT INTO projections (name, version, fingerprint, position) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (name) DO UPDATE SET version = excluded.version,"
    " fingerprint = excluded.fingerprint, position = excluded.position"
)


@message
class Progress:
    """How far a copy of the read model is, on its way to the position `goal`."""

    name: str
    position: int
    goal: int


@dataclass(slots=True)
class Connections:
    """Two connections in autocommit without a statement timeout: while one writes, one reads."""

    reader: Connection[TupleRow]
    writer: Connection[TupleRow]


def rebuild(on: Connections, projection: Projection, *, anew: bool = False) -> Iterator[Progress]:
    """Fill a copy, or go on filling one that was begun by the same code unless `anew`, and switch
    to it. Raises InTheWay when somebody else is at it, or when less could be applied than the live
    read model has."""
    with _alone(on.writer, projection.name):
        found = kept(on.reader, projection.name, "next")
        if (
            found is None
            or anew
            or found.fingerprint != fingerprint(projection)
            # What could not be applied may have been mended since.
            or _worse(on.reader, projection.name, "next")
        ):
            _begin(on.writer, projection)
        yield from _fill_and_switch(on, projection, "next")


def roll_back(on: Connections, projection: Projection) -> Iterator[Progress]:
    """Bring the copy that was live before up to date and switch to it; what is live now takes its
    place. Raises NotThere or InTheWay."""
    with _alone(on.writer, projection.name):
        found = kept(on.reader, projection.name, "previous")
        if found is None:
            raise NotThere(f"No earlier copy of {projection.name} is kept")
        if found.fingerprint != fingerprint(projection):
            raise InTheWay(
                f"The earlier copy of {projection.name} was made by other code (version"
                f" {found.version}), which alone can go on with it: install that release, and"
                " `shop migrate` takes the copy back"
            )
        yield from _fill_and_switch(on, projection, "previous")


def deploy(on: Connections, projections: Sequence[Projection]) -> Iterator[Progress]:
    """Make the read models those of this code and of this log: what is new, has changed or knows
    more than the log is filled beside the live ones; an earlier copy by the same code is taken
    back; what is gone is put aside."""
    rows = on.reader.execute("SELECT name, version, fingerprint FROM projections").fetchall()
    deployed = {name: (version, code) for name, version, code in rows}
    ahead = _ahead_of_the_log(on)
    for projection in projections:
        name, code = projection.name, fingerprint(projection)
        if name in ahead:
            yield from rebuild(on, projection, anew=True)
            with on.writer.transaction():
                _drop(on.writer, name, "previous")
            continue
        if deployed.get(name) == (projection.version, code):
            continue
        before = kept(on.reader, name, "previous")
        if before is not None and (before.version, before.fingerprint) == (
            projection.version,
            code,
        ):
            yield from roll_back(on, projection)
        else:
            yield from rebuild(on, projection)
    for name in deployed.keys() - {projection.name for projection in projections}:
        with _alone(on.writer, name):
            _retire(on.writer, name)


def _ahead_of_the_log(on: Connections) -> set[str]:
    """The live read models that have seen more than there is. Copies that have are dropped."""
    head = head_of(on.reader)
    copies = on.reader.execute(
        "SELECT name, copy FROM projection_copies WHERE position > %s", (head,)
    ).fetchall()
    with on.writer.transaction():
        for name, kind in copies:
            _drop(on.writer, name, kind)
    live = on.reader.execute("SELECT name FROM projections WHERE position > %s", (head,))
    return {row[0] for row in live}


def make_tables(connection: Connection[TupleRow], projection: Projection, schema: str) -> None:
    """Make the projection's empty tables in a new schema."""
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    with connection.transaction():
        connection.execute(
            sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(schema)),
            prepare=False,
        )
        connection.execute(projection.schema, prepare=False)
        connection.execute("SET LOCAL search_path = public")


@contextmanager
def projector_held(connection: Connection[TupleRow], hold: str) -> Iterator[Cursor[TupleRow]]:
    """A transaction in which the projector commits nothing: it locks the same row in each of its
    own. Raises InTheWay when the row cannot be had in time."""
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_PROJECTOR_ROW)
            cursor.execute(hold)
            yield cursor
    except psycopg.errors.LockNotAvailable as error:
        raise InTheWay(
            "The projector does not pause; try again when there is less to do"
        ) from error


@contextmanager
def _alone(connection: Connection[TupleRow], name: str) -> Iterator[None]:
    """Nobody else rebuilds this read model; the lock ends with the session, whatever ends that."""
    key = locks.named(locks.REBUILD, name)
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", key).fetchone()
    if row != (True,):
        raise InTheWay(f"Somebody else is rebuilding {name} at this moment")
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _begin(writer: Connection[TupleRow], projection: Projection) -> None:
    name = projection.name
    with writer.transaction():
        _drop(writer, name, "next")
        make_tables(writer, projection, f"{name}_next")
        writer.execute(_BEGIN, (name, projection.version, fingerprint(projection)))


def _drop(writer: Connection[TupleRow], name: str, kind: Kind) -> None:
    writer.execute(
        sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(f"{name}_{kind}"))
    )
    writer.execute("DELETE FROM projection_copies WHERE name = %s AND copy = %s", (name, kind))
    writer.execute("DELETE FROM parked_events WHERE consumer = %s", (consumer_of(name, kind),))


def _fill_and_switch(on: Connections, projection: Projection, kind: Kind) -> Iterator[Progress]:
    name = projection.name
    copy = open_copy(on.reader, on.writer, projection, kind)
    search_path(on.writer, f"{name}_{kind}")
    try:
        before = None
        while True:
            goal = _live_position(on.reader, name)
            behind = goal - copy.position
            if behind <= NEARLY or (before is not None and before <= behind <= PATIENCE):
                break
            before = behind
            for position in chain(fill_in_processes(copy, on.writer, kind, goal), copy.fill(goal)):
                yield Progress(name, position, goal)
        copy.analyze()
        _check_parked(on.reader, name, kind)
        if kind == "next":
            with on.writer.transaction():
                _drop(on.writer, name, "previous")
        with projector_held(on.writer, RESTART_PROJECTOR) as cursor:
            goal = _live_position(on.writer, name)
            copy.catch_up(goal)
            _check_parked(cursor, name, kind)
            _switch(cursor, projection, kind, goal)
    finally:
        if not on.writer.broken:
            on.writer.execute("SET search_path = public")
    yield Progress(name, goal, goal)


def _live_position(connection: Connection[TupleRow], name: str) -> int:
    """How far the live read model is, but not behind the end of the log; a new one has to be as
    far as the others are."""
    head = head_of(connection)
    cursor = connection.execute("SELECT name, position FROM projections")
    rows: dict[str, int] = dict(cursor.fetchall())
    if name in rows:
        return min(rows[name], head)
    return min([head, *rows.values()])


def _worse(
    at: Connection[TupleRow] | Cursor[TupleRow], name: str, kind: Kind
) -> tuple[int, str] | None:
    """The first event that the copy could not apply and the live read model could, with why."""
    row = at.execute(
        "SELECT position, error FROM parked_events WHERE consumer = %s AND error IS NOT NULL"
        " AND position NOT IN (SELECT position FROM parked_events WHERE consumer = %s)"
        " ORDER BY position LIMIT 1",
        (consumer_of(name, kind), consumer_of(name)),
    ).fetchone()
    return (row[0], row[1]) if row else None


def _check_parked(at: Connection[TupleRow] | Cursor[TupleRow], name: str, kind: Kind) -> None:
    if worse := _worse(at, name, kind):
        raise InTheWay(
            f"The live {name} stay: this code cannot apply the event at position {worse[0]}, which"
            f" they have ({worse[1]})"
        )


def _switch(cursor: Cursor[TupleRow], projection: Projection, kind: Kind, position: int) -> None:
    name = projection.name
    was_live = cursor.execute("SELECT FROM projections WHERE name = %s", (name,)).rowcount == 1
    _rename(cursor, f"{name}_{kind}", f"{name}_switched")
    _reassign(cursor, consumer_of(name, kind), f"{consumer_of(name)}/switched")
    cursor.execute("DELETE FROM projection_copies WHERE name = %s AND copy = %s", (name, kind))
    if was_live:
        _put_aside(cursor, name)
    _rename(cursor, f"{name}_switched", name)
    _reassign(cursor, f"{consumer_of(name)}/switched", consumer_of(name))
    cursor.execute(_DEPLOYED, (name, projection.version, fingerprint(projection), position))
    tell_all(cursor, projection)
    cursor.execute("SELECT pg_notify('projected', %s)", (str(position),))


def _retire(writer: Connection[TupleRow], name: str) -> None:
    """A read model that this code no longer has: kept as an earlier copy, no longer filled."""
    with writer.transaction():
        _drop(writer, name, "previous")
        _drop(writer, name, "next")
    with projector_held(writer, RESTART_PROJECTOR) as cursor:
        _put_aside(cursor, name)
        cursor.execute("DELETE FROM projections WHERE name = %s", (name,))


def _put_aside(cursor: Cursor[TupleRow], name: str) -> None:
    _rename(cursor, name, f"{name}_previous")
    _reassign(cursor, consumer_of(name), consumer_of(name, "previous"))
    cursor.execute(_KEEP, (name,))


def _rename(cursor: Cursor[TupleRow], old: str, new: str) -> None:
    cursor.execute(
        sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _reassign(cursor: Cursor[TupleRow], old: str, new: str) -> None:
    cursor.execute("UPDATE parked_events SET consumer = %s WHERE consumer = %s", (new, old))
