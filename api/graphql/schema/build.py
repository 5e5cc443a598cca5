"""The GraphQL schema, which contains the contract."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from api.graphql.schema.event_log import LogQuery
from api.graphql.schema.mutations import Mutation
from api.graphql.schema.problems import Problem
from api.graphql.schema.queries import Query
from api.graphql.schema.scalars import SCALARS
from api.graphql.schema.subscriptions import Subscription


@strawberry.type(name="Query")
class Everything(LogQuery, Query):
    """What the shop is asked, and what its log is."""


def build_schema() -> strawberry.Schema:
    """The schema. Every kind of problem is in it, also those that no field names."""
    return strawberry.Schema(
        query=Everything,
        mutation=Mutation,
        subscription=Subscription,
        types=Problem.__subclasses__(),
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def sdl() -> str:
    """The schema in the schema definition language."""
    return build_schema().as_str()
