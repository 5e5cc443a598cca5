"""The GraphQL schema, which contains the contract."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from api.mutations import Mutation
from api.problems import Problem
from api.queries import Query
from api.scalars import SCALARS
from api.subscriptions import Subscription


def build_schema() -> strawberry.Schema:
    """The schema. Every kind of problem is in it, also those that no field names."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=Problem.__subclasses__(),
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def sdl() -> str:
    """The schema in the schema definition language."""
    return build_schema().as_str()
