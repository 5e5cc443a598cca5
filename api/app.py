"""The composition root of an API process: what it needs besides the core is made and wired here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp

from api.bootstrap import core
from api.graphql.admission import Tally
from api.graphql.dataloaders.shared import Rows
from api.graphql.execution.documents import manifest_of
from api.graphql.execution.engine import Engine
from api.graphql.schema.build import build_schema
from api.graphql.services import (
    CONNECTIONS_A_USER,
    MUTATIONS_A_MINUTE,
    OPERATIONS_A_PROCESS,
    SUBSCRIPTIONS_A_USER,
    VISITORS_A_PROCESS,
    Services,
)
from api.graphql.transport.http import GraphQLEndpoint
from api.http.compression import compressed
from api.http.files import static_files
from api.http.health import health_routes
from api.http.middleware import Direct, Edge, failure
from api.http.pages import Pages
from api.http.session import session_routes
from api.money import currency_of
from api.startup import database_url
from infrastructure.identity.rate_limits import TokenBuckets
from infrastructure.observability.tracing import tracing
from infrastructure.operations.health import Backlog
from infrastructure.postgres.connections import Pool, async_pool
from infrastructure.postgres.read_server import ReadServer
from infrastructure.postgres.watchdog import watch as watch_servers
from infrastructure.read_models.changes import Follower
from infrastructure.runtime.descriptors import Room, raise_limit
from infrastructure.runtime.gc_tuning import spare_the_collector
from infrastructure.runtime.watched import Watched
from infrastructure.settings import Settings

POOL_SIZE = 10
# Lists and searches, which everybody may ask for and which may be long: however many they are, they
# leave the other connections to those who order, and PostgreSQL's processors too.
BROWSING = 4
BROWSING_TIMEOUT = 10_000  # milliseconds of a statement


def create_app(
    settings: Settings,
    watched: Watched | None = None,
    room: Room | None = None,
    hasher: PasswordHasher | None = None,
) -> ASGIApp:
    """The shop's HTTP and websocket application. It connects when it is started.

    `watched` is what else has to live as long as the process does, `room` that for its clients;
    `hasher` hashes passwords, where not as it should be done.
    """
    room = room or Room(raise_limit())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, watched or Watched(), room, hasher) as services:
            app.state.services = services
            endpoint = GraphQLEndpoint(services, graphiql=settings.graphiql)
            endpoints["/graphql"] = ServerErrorMiddleware(endpoint, failure)
            app.router.routes.extend(
                [
                    *health_routes(services),
                    *session_routes(services, settings),
                    static_files(),
                    Mount("/", pages),
                ]
            )
            spare_the_collector()
            yield

    pages = Pages()
    endpoints: dict[str, ASGIApp] = {}
    app = FastAPI(lifespan=lifespan, openapi_url=None, exception_handlers={Exception: failure})
    whole: ASGIApp = Direct(app, endpoints)
    if settings.cors_origins:
        whole = CORSMiddleware(
            whole,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=settings.cors_headers,
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    return Edge(compressed(whole))


@asynccontextmanager
async def running(
    settings: Settings, watched: Watched, room: Room, hasher: PasswordHasher | None
) -> AsyncIterator[Services]:
    """Everything open and running; on leaving, what was accepted is recorded, then all is closed.

    Raises psycopg.OperationalError or PoolTimeout when the database cannot be reached.
    """
    url = database_url(settings)
    watched.include(watch_servers())
    async with AsyncExitStack() as stack:
        open_core = core(settings, url, "api", size=POOL_SIZE, watched=watched, hasher=hasher)
        made = await stack.enter_async_context(open_core)
        pool, history = made.pool, made.writer.history
        replica, reads = None, pool
        a_pool: Callable[..., Pool] = partial(async_pool, url)
        if settings.read_database_url is not None:
            replica = await stack.enter_async_context(
                ReadServer(settings.read_database_url.get_secret_value(), url, watched)
            )
            a_pool = replica.pool
            reads = await stack.enter_async_context(a_pool("reads", size=POOL_SIZE))
        browsing = await stack.enter_async_context(
            a_pool("browsing", size=BROWSING, statement_timeout=BROWSING_TIMEOUT)
        )
        # What everybody waits for, or looks at when it is late, must not wait behind everybody.
        following = await stack.enter_async_context(a_pool("follower", size=1))
        watching = await stack.enter_async_context(async_pool(url, "watch", size=2))
        follower = await stack.enter_async_context(
            Follower(
                url,
                following,
                history,
                watched=watched,
                late=replica.leave if replica else None,
            )
        )
        backlog = await stack.enter_async_context(
            Backlog(watching, settings.most_lag, watched=watched)
        )
        for each in (pool, reads, following, watching):
            # They may still be those of the server before.
            history.when_another(each.drain)
        yield Services(
            currency=currency_of(settings.currency),
            pool=pool,
            reads=reads,
            browsing=browsing,
            watching=watching,
            writer=made.writer,
            dispatcher=made.dispatcher,
            follower=follower,
            watch=made.watch,
            identity=made.identity,
            rows=Rows(reads, made.identity.users, browsing, made.dispatcher),
            engine=Engine(
                build_schema(), introspection=settings.introspection, manifest=manifest_of(settings)
            ),
            mutations=TokenBuckets(MUTATIONS_A_MINUTE, enabled=settings.limits),
            connections=Tally(CONNECTIONS_A_USER, limits=settings.limits),
            subscriptions=Tally(SUBSCRIPTIONS_A_USER, limits=settings.limits),
            operations=Tally(OPERATIONS_A_PROCESS, limits=True),
            visitors=Tally(VISITORS_A_PROCESS, limits=True),
            backlog=backlog,
            tracer=stack.enter_context(tracing(settings.otlp_endpoint, "api")),
            watched=watched,
            room=room,
        )
