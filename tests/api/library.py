"""A schema with a bit of everything, and values for it, good and bad ones."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, NewType, TypeVar, Union, cast
from uuid import UUID

import strawberry
from graphql import GraphQLError, GraphQLResolveInfo, Undefined
from strawberry.dataloader import DataLoader
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

Cents = NewType("Cents", int)


class Refused(Exception):
    """An error that brings extensions, as the shop's own do."""

    extensions: ClassVar = {"code": "REFUSED"}


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"
    BLUE = strawberry.enum_value("blue", name="AZURE")


@strawberry.input
class Filter:
    colours: list[Colour] | None = None
    least: int = 1
    inner: "Filter | None" = None


class Shouting(FieldExtension):
    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **kw: Any
    ) -> Any:
        return next_(source, info, **kw).upper()


class Even(BasePermission):
    message = "Odd ones may not."
    error_extensions = {"code": "FORBIDDEN"}  # noqa: RUF012  # as strawberry declares it

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return bool(source.number % 2 == 0)


M = TypeVar("M", bound="Made")
Value = Callable[[random.Random, float], Any]


@dataclass
class Context:
    """What a call leaves behind: to be compared too."""

    log: list[object] = field(default_factory=list)
    loader: DataLoader[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.loader = DataLoader(self._load)

    async def _load(self, keys: list[int]) -> list[int]:
        self.log.append(sorted(keys))
        return [key * 2 for key in keys]


Info = strawberry.Info[Context, Any]


def told(info: Info) -> list[object]:
    """What a resolver can see of the call."""
    return [
        info.field_name,
        info.python_name,
        info.path.as_list(),
        repr(info.path),
        repr(info.selected_fields),
        repr(info.variable_values),
        str(info.return_type),
        info.query,
        repr(info._raw_info.parent_type),
        str(info._raw_info.return_type),
        info.root_value.number,
    ]


class Made:
    """An object whose attributes follow from its number: mostly good, with `chaos` also bad ones.

    The same attribute of the same object is the same whenever it is read, in whatever order.
    """

    number: strawberry.Private[int]
    chaos: strawberry.Private[float]

    def __getattr__(self, name: str) -> Any:
        if name not in VALUES:
            raise AttributeError(f"no {name}")
        chance = random.Random(f"{type(self).__name__} {self.number} {name}")
        return spoilt(chance, self.chaos, VALUES[name](chance, self.chaos))


def make(type_: type[M], number: int, chaos: float) -> M:
    """An object of the type without a value for any of its fields."""
    made = object.__new__(type_)
    made.number = number
    made.chaos = chaos
    return made


Media = Annotated[Union["Book", "Film", "Cover"], strawberry.union("Media")]


@strawberry.interface
class Node(Made):
    id: strawberry.ID
    label: str | None

    @strawberry.field
    def number_of(self) -> int:
        return self.number

    @strawberry.field
    async def seen(self, info: Info) -> JSON:
        return JSON(told(info))

    @strawberry.field
    async def noted(self, info: Info) -> int:
        """Leaves a trace also when nobody waits for it any more."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        info.context.log.append(f"noted {self.number}")
        return self.number

    @strawberry.field
    def repeated(self, times: int = 2, text: str | None = None) -> list[str]:
        if times < 0:
            raise Refused("negative")
        return [text or "x"] * times


@strawberry.type
class Cover(Made):
    width: int
    height: int | None
    colour: Colour
    colours: list[Colour | None] | None


@strawberry.type
class Author(Node):
    name: str
    born: datetime | None
    alive: bool
    books: list["Book"]
    favourite: Media | None

    @strawberry.field
    async def slow_name(self) -> str:
        await asyncio.sleep(0)
        if self.number % 5 == 0:
            raise Refused(f"no name for {self.number}")
        return f"slow {self.number}"

    @strawberry.field
    async def maybe_slow(self, info: Info, by: int = 1) -> int | None:
        doubled = await info.context.loader.load(self.number)
        if doubled % 7 == 0:
            raise GraphQLError("sevens", extensions={"code": "SEVEN"})
        return doubled * by

    @strawberry.field
    def future(self, info: Info) -> int:
        return info.context.loader.load(self.number)  # type: ignore[return-value]  # awaited later


@strawberry.type
class Book(Node):
    title: str
    price: Cents
    discount: Cents | None
    isbn: UUID
    weight: Decimal
    pages: int
    rating: float | None
    tags: list[str]
    scores: list[list[int | None]] | None
    extra: JSON | None
    author: Author | None
    cover: Cover
    related: list[Media | None] | None
    nodes: list[Node]

    def _shouted(self, word: str = "hey") -> str:
        return word

    def _secret(self) -> str:
        return "secret"

    shouted: str = strawberry.field(resolver=_shouted, extensions=[Shouting()])
    secret: str = strawberry.field(resolver=_secret, permission_classes=[Even])
    secret_pages: int = strawberry.field(permission_classes=[Even])

    @strawberry.field
    def root_named(root: "Book") -> str:  # noqa: N805  # strawberry's way to say it
        return f"{root.number}"

    @strawberry.field
    def parent_named(book: strawberry.Parent["Book"], info: Info) -> str:  # noqa: N805
        return f"{book.number} {info.field_name}"

    @strawberry.field
    def filtered(
        self, by: Filter, colours: list[Colour] | None = None, raw: JSON | None = None
    ) -> str:
        by.least += 1
        if colours is not None:
            colours.append(Colour.RED)
        return f"{by} {colours} {raw}"


@strawberry.type
class Film(Node):
    minutes: float
    sequel: "Film | None"

    @strawberry.field
    async def sequels(self) -> list["Film"]:
        await asyncio.sleep(0)
        return [film for film in (self.sequel, self.sequel) if film]

    @classmethod
    def is_type_of(cls, obj: object, info: GraphQLResolveInfo[Context]) -> bool:
        info.context.log.append(info.path.as_list())
        return isinstance(obj, Film) and obj.number % 11 != 0


@strawberry.type
class Query(Made):
    motto: str | None
    colour: Colour
    book: Book
    author: Author | None
    film: Film | None
    node: Node | None
    nodes: list[Node | None]
    media: list[Media]

    @strawberry.field
    async def authors(self, info: Info, first: int | None = 2) -> list[Author]:
        await asyncio.sleep(0)
        return [make(Author, n, self.chaos) for n in range(first or 0)]

    @strawberry.field
    def coloured(
        self,
        filter: Filter,
        colours: list[Colour] = [Colour.RED],  # noqa: B006
        raw: JSON | None = None,
    ) -> str:
        colours.append(Colour.GREEN)
        if isinstance(values := cast("Any", raw), dict):
            values["more"] = len(values)
        return f"{filter} {colours} {raw}"

    @strawberry.field
    async def streamed(self) -> list[Book]:
        return Stream(self)  # type: ignore[return-value]  # an async iterable is a list too


@dataclass
class Stream:
    """Books one after the other; who reads them all at once gets none."""

    query: Query

    async def __aiter__(self) -> AsyncIterator[Any]:
        for n in range(3):
            yield make(Book, n, self.query.chaos)
            await asyncio.sleep(0)

    def __iter__(self) -> Iterator[Any]:
        return iter(())


@strawberry.type
class Mutation(Made):
    motto: str | None
    colour: Colour

    @strawberry.mutation
    async def add(self, info: Info, by: int) -> Book | None:
        info.context.log.append(f"add {by}")
        await asyncio.sleep(0)
        info.context.log.append(f"added {by}")
        return make(Book, by, self.chaos)

    @strawberry.mutation
    def note(self, info: Info, text: str = "?") -> str:
        info.context.log.append(text)
        if text == "a":
            raise Refused("a")
        return text


def spoilt(chance: random.Random, chaos: float, value: Any) -> Any:
    """The value, or with the chance of `chaos` something else in its place."""
    if chance.random() >= chaos:
        return value
    match chance.randrange(10):
        case 0:
            raise Refused("refused")
        case 1:
            return Refused("refused as a value")
        case 2:
            return GraphQLError("told", extensions={"code": "TOLD"})
        case 3:
            return Undefined
        case 4:
            return Odd()
        case 5:
            return Later(Refused("refused late"))
        case 6 | 7:
            return Later(value)
        case _:
            return None


class Odd:
    """Of no type that any field has."""

    def __repr__(self) -> str:
        return "odd"


@dataclass
class Later:
    """The value, or the error, a moment later."""

    value: Any

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self.value, Refused):
            raise self.value
        return self.value


def _some(item: Value) -> Value:
    def some(chance: random.Random, chaos: float) -> Any:
        values = [spoilt(chance, chaos, item(chance, chaos)) for _ in range(chance.randrange(4))]
        return chance.choice([values, tuple(values), (value for value in values)])

    return some


def _or_none(value: Value) -> Value:
    return lambda chance, chaos: value(chance, chaos) if chance.randrange(3) else None


def _a(*types: type[Made]) -> Value:
    return lambda chance, chaos: make(chance.choice(types), chance.randrange(40), chaos)


def _one_of(*values: Any) -> Value:
    return lambda chance, chaos: chance.choice(values)


class Text(str):
    """A string that is not simply a `str`."""

    __slots__ = ()


MOMENT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
VALUES: dict[str, Value] = {
    "alive": _one_of(True, False, 1),
    "author": _or_none(_a(Author)),
    "book": _a(Book),
    "books": _some(_a(Book)),
    "born": _or_none(_one_of(MOMENT)),
    "colour": _one_of(*Colour, "red", "mauve"),
    "colours": _or_none(_some(_or_none(_one_of(*Colour)))),
    "cover": _a(Cover),
    "discount": _or_none(_one_of(1, 250, 0, -1)),
    "extra": _or_none(_one_of({"a": [1, None]}, [], "x", 0)),
    "favourite": _or_none(_a(Book, Film, Cover)),
    "film": _or_none(_a(Film)),
    "height": _or_none(_one_of(3, 2**40, True, "4")),
    "id": _one_of("1", "2", 3, UUID(int=4)),
    "isbn": _one_of(UUID(int=5)),
    "label": _or_none(_one_of("label", Text("text"))),
    "media": _some(_a(Book, Film, Cover)),
    "minutes": _one_of(1.5, 2, Decimal("3.5")),
    "motto": _or_none(_one_of("motto", 7)),
    "name": _one_of("name", Text("name"), 5),
    "node": _or_none(_a(Book, Film, Author)),
    "nodes": _some(_a(Book, Film, Author)),
    "pages": _one_of(1, 2, 2**31, -(2**31), "3", 4.0),
    "price": _one_of(5, 1999),
    "rating": _or_none(_one_of(4.5, float("inf"), 3)),
    "related": _or_none(_some(_or_none(_a(Book, Film, Cover, Author)))),
    "scores": _or_none(_some(_some(_or_none(_one_of(1, 2))))),
    "secret_pages": _one_of(7),
    "sequel": _or_none(_a(Film)),
    "tags": _some(_one_of("tag", "other")),
    "title": _one_of("title"),
    "weight": _one_of(Decimal("1.50")),
    "width": _one_of(1, 2),
}


def _write_cents(value: Any) -> Any:
    if value < 0:
        raise ValueError("a debt")
    return {0: None, 1: Undefined}.get(value, f"{value / 100:.2f}")


schema = strawberry.Schema(
    Query,
    Mutation,
    types=[Author],
    config=StrawberryConfig(
        scalar_map={Cents: strawberry.scalar(name="Cents", serialize=_write_cents, parse_value=int)}
    ),
)
