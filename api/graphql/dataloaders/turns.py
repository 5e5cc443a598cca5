"""Work that takes turns and rests in between, so that others get more of the processors than it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infrastructure.errors import Overloaded

RETRY_AFTER = 2  # seconds


class Turns:
    """One at a time, and after each a rest for as long as it took: of the time of one connection,
    and of one of the database's processors, this takes half at most. On a busy machine all takes
    longer, and so does the rest. For asyncio."""

    def __init__(self, patience: float = 5.0) -> None:
        """`patience`: how many seconds to wait for a turn at most."""
        self._free = asyncio.Semaphore(1)
        self._patience = patience

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Raises Overloaded where too many are ahead."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded(RETRY_AFTER) from None
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            loop.call_later(loop.time() - began, self._free.release)
