"""The process manager and the projector, each in a process of its own."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event

from infrastructure.consumers.runner import Consumer, Runner
from infrastructure.observability.logs import configure_logs
from infrastructure.process_managers.manager import ProcessManager
from infrastructure.read_models.projector import Projector
from infrastructure.runtime.gc_tuning import spare_the_collector

SPAWN = get_context("spawn")  # a fork would inherit our threads and connections


@contextmanager
def running_workers(url: str) -> Iterator[None]:
    """Both of them on the shop's database at `url`, until the block ends."""
    processes = [
        SPAWN.Process(target=run_worker, args=(url, make)) for make in (ProcessManager, Projector)
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def run_worker(url: str, make: Callable[[], Consumer]) -> None:
    """Run the consumer in this process until SIGTERM, as `shop worker` does."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    configure_logs("worker", "WARNING")
    spare_the_collector()
    Runner(url, make(), stop).run()
