"""The contract's mutations, by area."""

import strawberry

from api.mutations.accounts import AccountMutations
from api.mutations.orders import OrderMutations
from api.mutations.people import PeopleMutations
from api.mutations.products import ProductMutations


@strawberry.type
class Mutation(OrderMutations, AccountMutations, ProductMutations, PeopleMutations):
    """Fields stand in the order of the contract: strawberry takes those of the last base first."""
