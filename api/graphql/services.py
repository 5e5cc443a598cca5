"""What an API process holds from its start to its end, and how a call gets at it."""

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time_ns

from graphql import ExecutionResult, GraphQLError, OperationType
from psycopg_pool import AsyncConnectionPool

from api.call import Call
from api.graphql.admission import Tally
from api.graphql.context import Context
from api.graphql.dataloaders.shared import Rows
from api.graphql.errors import Unauthenticated
from api.graphql.execution.engine import Engine, Operation
from api.graphql.execution.request import Refused, Request
from api.money import Currency
from infrastructure.command_handling.dispatcher import Dispatcher
from infrastructure.errors import Overloaded
from infrastructure.event_store.appender import Writer
from infrastructure.identity import errors as identity_errors
from infrastructure.identity.authentication import Identity
from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.rate_limits import TokenBuckets
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.tokens import Caller
from infrastructure.observability.tracing import Tracer
from infrastructure.operations.health import Backlog
from infrastructure.read_models.changes import Follower
from infrastructure.runtime.descriptors import Room
from infrastructure.runtime.watched import Watched

MUTATIONS_A_MINUTE = 600
CONNECTIONS_A_USER = 20
SUBSCRIPTIONS_A_USER = 200
# Queries and mutations under way: more at once would only make each of them wait longer.
OPERATIONS_A_PROCESS = 100
# Of those, queries of whoever is not signed in: the rest is for customers.
VISITORS_A_PROCESS = 60
# Who holds an expired token must be able to get another one.
WITHOUT_TOKEN = frozenset(
    {
        "signUp",
        "verifyEmail",
        "requestVerificationCode",
        "signIn",
        "refreshSession",
        "signOut",
        "requestPasswordReset",
        "resetPassword",
    }
)


@dataclass(slots=True)
class Services:
    """One a process. Everything in it is open and runs. Read models are read by way of `reads`,
    which is a replica's where there is one; lists that may be long by way of `browsing`, which is
    small; `watching` is for operators; `watched` is what must run for ever;
    `room` is that for connections."""

    currency: Currency
    pool: AsyncConnectionPool
    reads: AsyncConnectionPool
    browsing: AsyncConnectionPool
    watching: AsyncConnectionPool
    writer: Writer
    dispatcher: Dispatcher
    follower: Follower
    watch: SessionWatch
    identity: Identity
    rows: Rows
    engine: Engine
    mutations: TokenBuckets
    connections: Tally
    subscriptions: Tally
    operations: Tally
    visitors: Tally
    backlog: Backlog
    tracer: Tracer | None
    watched: Watched
    room: Room

    def context(self, caller: Caller | None, client: str, call: Call) -> Context:
        """What the resolvers of one call are given."""
        return Context(
            caller=caller,
            client=client,
            call=call,
            currency=self.currency,
            pool=self.reads,
            browsing=self.browsing,
            dispatcher=self.dispatcher,
            users=self.identity.users,
            identity=self.identity,
            follower=self.follower,
            rows=self.rows,
            tracer=self.tracer,
        )

    def caller_of(self, authorization: object) -> Caller:
        """Whom an access token stands for, with `Bearer` before it or not. Raises InvalidToken."""
        if not isinstance(authorization, str):
            raise InvalidToken
        scheme, _, token = authorization.strip().partition(" ")
        bearer = scheme.lower() == "bearer"
        return self.identity.verify_access_token(token.strip() if bearer else scheme)

    async def until_over(self, caller: Caller) -> str:
        """Wait until somebody who is connected may no longer be, and say why."""
        left = (caller.expires_at - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(left):
                await self.watch.wait_until_ended(caller.session_id)
        except TimeoutError:
            return "The access token has expired."
        return "The session has ended."

    def admit(
        self, request: Request, caller: Caller | None, refused: InvalidToken | None
    ) -> tuple[Operation, int]:
        """The operation and its cost, if it may be executed; `refused` is why there is no caller.

        Raises Refused.
        """
        operation = self.engine.prepare(request)
        cost = self.engine.cost(operation, request.variables)
        if refused is not None and not WITHOUT_TOKEN.issuperset(operation.fields.values()):
            raise Refused(Unauthenticated(str(refused)))
        if caller is not None and operation.kind is OperationType.MUTATION:
            try:
                for _ in operation.fields:
                    self.mutations.take(caller.user_id)
                if not WITHOUT_TOKEN.issuperset(operation.fields.values()):
                    self.backlog.admit()
            except (identity_errors.RateLimited, Overloaded) as refusal:
                raise Refused(GraphQLError("", original_error=refusal)) from None
        return operation, cost

    async def execute(
        self, operation: Operation, request: Request, context: Context
    ) -> ExecutionResult:
        """Run a query or a mutation, and trace it where somebody wants that. Raises TooMany where
        it is one query too many of those who are not signed in."""
        began = time_ns()
        visits = context.caller is None and operation.kind is OperationType.QUERY
        with self.visitors.hold(None) if visits else nullcontext():
            result = await self.engine.execute(operation, request.variables, context)
        if self.tracer is not None:
            name = next(iter(operation.fields.values()))
            call = context.call
            self.tracer.request(
                call.correlation_id,
                context.execution_id,
                name,
                began,
                request_id=call.id,
                parent=call.parent,
            )
        return result
