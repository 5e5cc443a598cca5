"""The contract's mutations, by area."""

import strawberry

from api.graphql.schema.mutations.accounts import AccountMutations
from api.graphql.schema.mutations.orders import OrderMutations
from api.graphql.schema.mutations.people import PeopleMutations
from api.graphql.schema.mutations.products import ProductMutations


@strawberry.type(
    description="What can be done. Each answers when the read models have seen its events."
)
class Mutation(OrderMutations, AccountMutations, ProductMutations, PeopleMutations):
    """Fields stand in the order of the contract: strawberry takes those of the last base first."""
