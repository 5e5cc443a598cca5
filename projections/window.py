"""Which rows of a list are read: by their positions in the log, from the one end or the other."""

from typing import LiteralString

from domain.message import message


@message
class Window:
    """At most `limit` of the rows whose position is above the one and below the other (None: as far
    as there are any): the newest of them, newest first, or else the oldest, oldest first."""

    limit: int
    above: int | None = None
    below: int | None = None
    newest: bool = True

    def where(self, column: LiteralString) -> tuple[LiteralString, list[object]]:
        """What a statement's conditions need besides, as ` AND …`, and the parameters."""
        condition: LiteralString = ""
        values: list[object] = []
        if self.above is not None:
            condition += " AND " + column + " > %b"
            values.append(self.above)
        if self.below is not None:
            condition += " AND " + column + " < %b"
            values.append(self.below)
        return condition, values

    def order(self, column: LiteralString) -> LiteralString:
        """The ORDER BY of a statement."""
        return " ORDER BY " + column + (" DESC" if self.newest else "")

    def rows(self, column: LiteralString) -> tuple[LiteralString, list[object]]:
        """The end of a statement whose WHERE has begun, and its parameters."""
        condition, values = self.where(column)
        return condition + self.order(column) + " LIMIT %b", [*values, self.limit]
