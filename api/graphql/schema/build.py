"""The GraphQL schema, which contains the contract."""

import strawberry
from graphql import print_schema
from strawberry.schema.config import StrawberryConfig

from api.graphql.schema.administration import AdministrationQuery
from api.graphql.schema.event_log import LogQuery
from api.graphql.schema.mutations import Mutation
from api.graphql.schema.nodes import NodeQuery
from api.graphql.schema.problems import Problem
from api.graphql.schema.queries import Query
from api.graphql.schema.scalars import SCALARS
from api.graphql.schema.subscriptions import Subscription

RULES = """\
An event-sourced shop: customers fill orders and place them, administrators see everything.

- Ids are UUIDs and unique over all types; `node(id:)` finds what the caller may see. An id that a
  client gives to a mutation makes it idempotent: the same id with the same input answers as the
  first call did, with other input it is a CONFLICT.
- What a caller may do wrong comes back as data (`Problem`). What is wrong with the call itself
  comes back in `errors` with `extensions.code`: UNAUTHENTICATED (no or expired token), FORBIDDEN
  (not allowed), BAD_USER_INPUT (malformed), RATE_LIMITED, UNAVAILABLE, QUERY_TOO_COMPLEX or
  INTERNAL; with `retryAfter`, in seconds, where it is worth trying again. Who sends the hash of a
  document instead of it may hear PERSISTED_QUERY_NOT_FOUND or PERSISTED_QUERY_NOT_SUPPORTED.
- What only administrators may see is nullable: others get null and an error at its path, and the
  rest of the answer.
- Lists are pages with cursors, as the Relay connection specification has them. `first` or `last`,
  never both, are at most 100, for events 1,000; more is BAD_USER_INPUT. Where neither is given a
  page has 20 rows, of events 50. A cursor belongs to its list and is refused by others.
- A mutation answers when the read models have seen its events: what is selected in its payload, and
  any query sent after it, includes them.
- Whatever this schema once had stays; what is to go some day is deprecated with the version that
  did so and with what takes its place.
"""


@strawberry.type(
    name="Query",
    description="What can be asked. The shop window is for everybody, all else for who is signed"
    " in.",
)
class Everything(LogQuery, AdministrationQuery, Query, NodeQuery):
    """What the shop is asked, and what its log is."""


def build_schema() -> strawberry.Schema:
    """The schema. Every kind of problem is in it, also those that no field names."""
    schema = strawberry.Schema(
        query=Everything,
        mutation=Mutation,
        subscription=Subscription,
        types=Problem.__subclasses__(),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    schema._schema.description = RULES.strip()  # noqa: SLF001  # Strawberry has no place for it
    return schema


def sdl() -> str:
    """The schema in the schema definition language."""
    return print_schema(build_schema()._schema)  # noqa: SLF001  # its own leaves the rules out
