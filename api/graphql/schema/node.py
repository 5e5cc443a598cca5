"""What everything has in common that clients can ask for again by its id alone."""

from uuid import UUID

import strawberry


@strawberry.interface(
    description="Something with an id that nothing else has, of whatever type: what caches keep it"
    " by, and what `node(id:)` finds it by."
)
class Node:
    id: UUID = strawberry.field(description="A UUID, unique over all types.")
