"""The processes that the shop is made of, and who starts them: `shop serve`, `api` and `worker`."""

import asyncio
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from time import sleep
from typing import Literal

import structlog
import uvloop

from api.startup import (
    StartError,
    check_database,
    check_documents,
    database_url,
    listen,
    migrate_database,
)
from infrastructure.consumers.runner import Consumer, Runner
from infrastructure.observability.tracing import tracing
from infrastructure.postgres.connections import async_pool
from infrastructure.postgres.embedded import EmbeddedPostgres
from infrastructure.postgres.watchdog import watch as watch_servers
from infrastructure.runtime.descriptors import Room, raise_limit
from infrastructure.runtime.gc_tuning import spare_the_collector
from infrastructure.runtime.orphans import wait_until_orphaned
from infrastructure.runtime.supervisor import Process, Program, Supervisor, shop_program
from infrastructure.runtime.watched import Watched
from infrastructure.settings import Settings

log = structlog.get_logger(__name__)

Work = Literal["process-manager", "projector", "courier"]
WORK: tuple[Work, ...] = ("process-manager", "projector", "courier")

PATIENCE = 30.0  # seconds that a process whose parent is gone has to end in


def serve(
    settings: Settings,
    *,
    prepare: Callable[[str], object] | None = None,
    announce: Callable[[str], object] | None = None,
) -> None:
    """Run everything on one machine until told to stop.

    `prepare` is called with the URL of the migrated database before anything works on it,
    `announce` with the shop's address when it is open. Raises StartError, EmbeddedError or
    SettingsError.
    """
    keys = settings.signing_keys()
    check_documents(settings)
    with ExitStack() as stack:
        listener = stack.enter_context(listen(settings.host, settings.port))
        postgres = EmbeddedPostgres(settings.data_dir) if settings.embedded else None
        if postgres is not None:
            postgres.claim()
            stack.callback(postgres.release)
        supervisor = stack.enter_context(Supervisor(on_stop=listener.close))
        if postgres is not None:
            supervisor.start(_postgres_program(postgres))
            postgres.wait_until_ready()
        url = postgres.url if postgres else database_url(settings)
        migrate_database(settings, url)
        check_database(settings, url)
        if prepare is not None:
            prepare(url)
        environment = _environment(url, keys)
        supervisor.start(*_work_programs(environment))
        supervisor.start(*_api_programs(settings, environment, listener))
        threading.Thread(target=_announce, args=(settings, announce), daemon=True).start()
        supervisor.run()


def serve_api(settings: Settings) -> None:
    """Answer calls until told to stop. Raises StartError or SettingsError."""
    keys = settings.signing_keys()
    url = database_url(settings)
    check_documents(settings)
    check_database(settings, url)
    with listen(settings.host, settings.port) as listener:
        if settings.api_processes == 1:
            run_api(settings, listener)
            return
        with Supervisor(on_stop=listener.close) as supervisor:
            supervisor.start(*_api_programs(settings, _environment(url, keys), listener))
            supervisor.run()


def work(settings: Settings) -> None:
    """Run every kind of work, each in a process of its own, until told to stop.

    Raises StartError or SettingsError.
    """
    keys = settings.signing_keys()
    url = database_url(settings)
    check_database(settings, url)
    with Supervisor() as supervisor:
        supervisor.start(*_work_programs(_environment(url, keys)))
        supervisor.run()


def run_api(settings: Settings, listener: socket.socket, watched: Watched | None = None) -> None:
    """Answer calls in this process."""
    import uvicorn  # noqa: PLC0415  # the workers do without these

    from api.app import create_app  # noqa: PLC0415
    from api.http.server import server_config  # noqa: PLC0415

    if settings.required_admin_code == "":
        log.warning("anybody may sign up as an administrator: SHOP_ADMIN_CODE is *")
    room = Room(raise_limit())
    app = create_app(settings, watched, room)
    server = uvicorn.Server(server_config(app, keep_alive=settings.keep_alive, room=room))

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn repeats the signal that stopped it; a stop that was asked for is no failure. One that
    # comes before uvicorn minds signals itself must not be lost either.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run(sockets=[listener])
    if not server.started:
        raise StartError("The API does not start; the log says why")


def run_work(settings: Settings, kind: Work, watched: Watched) -> None:
    """Do one kind of work in this process until told to stop, without importing the others."""
    url = database_url(settings)
    with tracing(settings.otlp_endpoint, kind) as tracer:
        match kind:
            case "process-manager":
                from infrastructure.process_managers.manager import ProcessManager  # noqa: PLC0415

                manager = ProcessManager(hops=settings.hops_per_commit, tracer=tracer)
                _run_consumer(url, manager)
            case "projector":
                from infrastructure.observability.order_metrics import OrderMeasures  # noqa: PLC0415
                from infrastructure.read_models.projector import Projector  # noqa: PLC0415

                projector = Projector(observe=lambda kept: OrderMeasures(kept, tracer).applied)
                _run_consumer(url, projector)
            case "courier":
                uvloop.run(_run_courier(settings, url, watched))


def stop_when_orphaned() -> Watched:
    """Stop this process as SIGTERM does when the one that started it is gone, and as SIGKILL does
    when that takes too long: the supervisor, which would see to it, is no more. The answer is what
    has to live as long as this process does."""

    def stop() -> None:
        wait_until_orphaned()
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(PATIENCE)
        os.kill(os.getpid(), signal.SIGKILL)

    watched = Watched()
    watched.thread("orphan watch", stop)
    return watched


def _postgres_program(postgres: EmbeddedPostgres) -> Program:
    def start() -> Process:
        postgres.prepare()
        return postgres.start()

    postgres.prepare()  # here a failure ends the start; later the supervisor tries again
    return Program("postgres", start, patience=None)


def _environment(url: str, keys: Sequence[str]) -> Mapping[str, str]:
    return {"SHOP_DATABASE_URL": url, "SHOP_SECRET_KEY": ",".join(keys)}


def _work_programs(environment: Mapping[str, str]) -> list[Program]:
    return [shop_program(kind, ["worker", "--only", kind], environment) for kind in WORK]


def _api_programs(
    settings: Settings, environment: Mapping[str, str], listener: socket.socket
) -> list[Program]:
    fd = listener.fileno()
    return [
        shop_program(f"api-{number}", ["api", "--fd", str(fd)], environment, [fd])
        for number in range(1, settings.api_processes + 1)
    ]


def _run_consumer(url: str, consumer: Consumer) -> None:
    spare_the_collector()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Runner(url, consumer, stop).run()


async def _run_courier(settings: Settings, url: str, watched: Watched) -> None:
    from infrastructure.consumers.signs_of_life import SignsOfLife  # noqa: PLC0415
    from infrastructure.identity.mailer import Courier  # noqa: PLC0415
    from infrastructure.identity.one_time_codes import MailCodes  # noqa: PLC0415
    from infrastructure.identity.retention import keep_deleting  # noqa: PLC0415
    from infrastructure.mail.transports import mail_transport  # noqa: PLC0415

    spare_the_collector()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    smtp_url = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    async with async_pool(url, "courier", size=4) as pool:
        courier = Courier(
            pool,
            mail_transport(smtp_url, settings.data_dir),
            MailCodes(settings.signing_keys()),
            url=url,
            mail_from=settings.mail_from,
        )
        watched.include(watch_servers())
        signs = SignsOfLife(pool, "courier", watched)
        tasks = [
            watched.task("courier", lambda: courier.run(stop), until=stop),
            watched.task("retention", lambda: keep_deleting(pool, stop), until=stop),
            watched.task("signs of life", lambda: signs.run(stop), until=stop),
        ]
        await stop.wait()
        for task in tasks:
            await task.finish()


def _announce(settings: Settings, announce: Callable[[str], object] | None) -> None:
    """Say when the shop is open, in the log too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    address = (
        f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    )
    while not _answers(f"{address}/health/ready"):
        sleep(0.2)
    log.info("the shop is open", graphiql=f"{address}/graphql")
    if announce is not None:
        announce(address)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # an address of our own
            return True
    except (urllib.error.URLError, OSError):
        return False
