"""The streams used last, kept in memory."""

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from application.unit_of_work import EMPTY, Loaded
from domain.recorded import Recorded


class Aggregates:
    """The streams used last, in memory. Not for several threads."""

    def __init__(self, size: int = 20_000) -> None:
        self._loaded: OrderedDict[UUID, Loaded] = OrderedDict()
        self._size = size

    def get(self, stream: UUID) -> Loaded | None:
        """The stream as far as it is known, or None when it is not in memory."""
        loaded = self._loaded.get(stream)
        if loaded is not None:
            self._loaded.move_to_end(stream)
        return loaded

    def put(self, stream: UUID, loaded: Loaded) -> None:
        """Remember the stream, and forget the one that was not used for longest."""
        self._loaded[stream] = loaded
        self._loaded.move_to_end(stream)
        if len(self._loaded) > self._size:
            self._loaded.popitem(last=False)

    def forget(self, streams: Iterable[UUID]) -> None:
        """Read these anew when they are needed next."""
        for stream in streams:
            self._loaded.pop(stream, None)

    def clear(self) -> None:
        """Read all anew."""
        self._loaded.clear()

    def follow(self, recorded: Recorded) -> None:
        """Move a stream in memory forward by its next event."""
        loaded = self._loaded.get(recorded.stream_id)
        if loaded is None:
            if recorded.version == 1:
                self.put(recorded.stream_id, EMPTY.after(recorded.event, 1, recorded.position))
        elif recorded.version == loaded.version + 1:
            self.put(
                recorded.stream_id,
                loaded.after(recorded.event, recorded.version, recorded.position),
            )
        elif recorded.version > loaded.version:
            self.forget([recorded.stream_id])
