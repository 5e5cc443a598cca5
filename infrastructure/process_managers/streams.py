"""The streams that executions are about, in memory: moved forward by what is read and recorded,
read from the log when they are not there, and kept as snapshots when they have grown."""

from collections.abc import Collection
from uuid import UUID

from psycopg import Connection

from application.unit_of_work import Loaded, UnitOfWork
from domain.recorded import Recorded
from infrastructure.command_handling.cache import Aggregates
from infrastructure.command_handling.snapshots import DueSnapshots, read_streams
from infrastructure.event_store.codec import UNREADABLE
from infrastructure.event_store.store import READ_STREAMS, decode_row


class Streams:
    """The streams used last; not for several threads."""

    def __init__(self, size: int) -> None:
        self._aggregates = Aggregates(size)
        self._due = DueSnapshots()

    def clear(self) -> None:
        """Read all anew."""
        self._aggregates.clear()
        self._due.clear()

    def follow(self, recorded: Recorded) -> None:
        """The event was read."""
        self._aggregates.follow(recorded)
        self._due.followed(recorded, self._aggregates)

    def forget(self, stream: UUID) -> None:
        """There is an event that cannot be read: who needs the stream will say so."""
        self._aggregates.forget([stream])

    def load(self, connection: Connection, work: UnitOfWork, streams: set[UUID]) -> None:
        """Bring the streams into the unit of work: from memory, else from the log. A stream that
        cannot be read is left out, which is poison for whoever needs it."""
        missing = []
        for stream in streams - work.streams.keys():
            loaded = self._aggregates.get(stream)
            if loaded is None:
                missing.append(stream)
            else:
                work.streams[stream] = loaded
        if missing:
            for stream, loaded in read_streams(connection, missing).items():
                self._aggregates.put(stream, loaded)
                work.streams[stream] = loaded

    def refresh(self, connection: Connection, streams: Collection[UUID]) -> None:
        """Move the streams in memory forward to where they are in the log."""
        known = {stream: loaded for stream in streams if (loaded := self._aggregates.get(stream))}
        versions = [loaded.version for loaded in known.values()]
        for row in connection.execute(READ_STREAMS, (list(known), versions), binary=True):
            try:
                self._aggregates.follow(decode_row(row))
            except UNREADABLE:
                self.forget(row[1])

    def committed(self, work: UnitOfWork, base: int) -> None:
        """The work's events were recorded behind the position `base`."""
        self._due.appended(work, base)
        for stream, loaded in work.streams.items():
            self._aggregates.put(stream, loaded)

    def take_snapshots(self, connection: Connection) -> dict[UUID, Loaded]:
        """Those to be kept now."""
        return self._due.take(connection)
