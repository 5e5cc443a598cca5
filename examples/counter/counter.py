"""Counts to ten on the machine: `python examples/counter/counter.py URL`, where PYTHONPATH has this
folder before that of the machine, and URL is that of an empty PostgreSQL database."""

import asyncio
import sys
from threading import Event, Thread
from uuid import uuid4

from domain.commands import Count, Start
from domain.recorded import Origin
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.consumers.runner import Runner
from infrastructure.event_store.appender import Writer
from infrastructure.operations.migrate import migrate
from infrastructure.postgres.connections import async_pool
from infrastructure.read_models.projector import Projector


async def count_to_ten(url: str) -> int:
    """What the read model shows in the end."""
    counter = uuid4()
    async with async_pool(url, "counter", size=2) as pool, Writer(url) as writer:
        dispatcher = Dispatcher(pool, writer)
        for command in (Start(counter), *[Count(counter)] * 10):
            await dispatcher.dispatch(command, origin=Origin(None, counter, "example"))
        while True:
            async with pool.connection() as connection:
                shown = await connection.execute(
                    "SELECT total FROM totals WHERE counter_id = %s AND total = 10", (counter,)
                )
                if row := await shown.fetchone():
                    return int(row[0])
            await asyncio.sleep(0.02)


def main(url: str) -> None:
    """Make the tables, run the projector in a thread, and count."""
    migrate(url)
    stop = Event()
    projector = Thread(target=Runner(url, Projector(), stop).run)
    projector.start()
    try:
        sys.stdout.write(f"{asyncio.run(count_to_ten(url))}\n")
    finally:
        stop.set()
        projector.join()


if __name__ == "__main__":
    main(sys.argv[1])
