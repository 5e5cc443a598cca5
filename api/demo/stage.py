"""What the stories are played on: a running shop, the people of the demo, and its skateboards."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import httpx

from api.demo import documents
from api.demo.client import Client, Unexpected
from api.demo_data import ADA, ADMIN, BUYERS, GRACE, PASSWORD, SKATEBOARDS, Person, Skateboard
from domain.message import message

T = TypeVar("T")
Lines = Mapping[Skateboard, int]
Result = Mapping[str, Any]

ADDRESS = {
    "country": "Norway",
    "city": "Oslo",
    "postCode": "0150",
    "street": "Karl Johans gate",
    "houseNumber": "1",
}
NAMES = {str(board.id): board.name for board in SKATEBOARDS}


class Tell(Protocol):
    """Says what has just happened: a `step` of an execution, as GraphQL has it, or something else.
    It `took` so many seconds, or else as long as has passed since the last that was told."""

    def __call__(
        self, text: str, *, step: Mapping[str, Any] | None = None, took: float | None = None
    ) -> None: ...


@message
class Shelf:
    """What a skateboard costs now, and how many can be ordered."""

    price: Decimal
    available: int


@dataclass(slots=True)
class Stage:
    """`admin`, `ada` and `grace` are signed in."""

    http: httpx.AsyncClient
    admin: Client
    ada: Client
    grace: Client
    currency: str

    @classmethod
    async def enter(cls, http: httpx.AsyncClient) -> "Stage":
        """Sign in. Raises Unexpected or httpx.HTTPError."""
        admin, ada, grace = await together(*(sign_in(http, who) for who in (ADMIN, ADA, GRACE)))
        viewer = await ada.ask(documents.VIEWER)
        return cls(http, admin, ada, grace, viewer["account"]["balance"]["currency"])

    async def buyers(self) -> list[Client]:
        """Twenty more customers, signed in one after the other: that is hard work for the shop."""
        return [await sign_in(self.http, buyer) for buyer in BUYERS]

    def money(self, amount: Decimal) -> str:
        """As people write it."""
        return f"{amount:,} {self.currency}"

    async def shelves(self, *boards: Skateboard) -> dict[Skateboard, Shelf]:
        """How it looks in the shop window."""
        page = await self.ada.ask(documents.PRODUCTS, ids=[str(board.id) for board in boards])
        found = {node["id"]: node for node in page["nodes"]}
        nodes = ((board, found[str(board.id)]) for board in boards)
        return {
            board: Shelf(Decimal(node["price"]["amount"]), node["available"])
            for board, node in nodes
        }

    async def cost(self, lines: Lines) -> Decimal:
        """What these cost together."""
        shelves = await self.shelves(*lines)
        return sum((shelves[board].price * n for board, n in lines.items()), Decimal())

    async def have_at_least(self, lines: Lines) -> None:
        """Put more of these on the shelves, where there are too few."""
        for board, shelf in (await self.shelves(*lines)).items():
            await self._adjust(board, max(0, lines[board] - shelf.available))

    @asynccontextmanager
    async def having_only(self, board: Skateboard, available: int) -> AsyncIterator[None]:
        """So many, and as many as before when the story is over."""
        before = (await self.shelves(board))[board].available
        await self._adjust(board, available - before)
        try:
            yield
        finally:
            left = (await self.shelves(board))[board].available
            await self._adjust(board, before - left)

    async def add(self, board: Skateboard, quantity: int) -> None:
        """Put more on the shelf."""
        await self._adjust(board, quantity)

    async def reserved(self, board: Skateboard) -> int:
        """How many are kept for executions that run."""
        product = await self.admin.ask(documents.RESERVED, id=str(board.id))
        reserved: int = product["stock"]["reserved"]
        return reserved

    async def set_price(self, board: Skateboard, price: Decimal) -> None:
        """As an administrator."""
        change = {"id": str(board.id), "price": str(price)}
        _payload(await self.admin.ask(documents.UPDATE_PRODUCT, input=change))

    async def balance(self, who: Client) -> Decimal:
        """What the account holds."""
        viewer = await who.ask(documents.VIEWER)
        return Decimal(viewer["account"]["balance"]["amount"])

    async def deposit(self, who: Client, amount: Decimal) -> None:
        """Put money into the account."""
        _payload(await who.ask(documents.DEPOSIT, input={"amount": str(amount)}))

    async def order(self, who: Client, lines: Lines, total: Decimal) -> str:
        """Create an order; its id."""
        items = [{"productId": str(board.id), "quantity": n} for board, n in lines.items()]
        order = {"items": items, "shippingAddress": ADDRESS, "total": str(total)}
        payload = _payload(await who.ask(documents.CREATE_ORDER, input=order))
        order_id: str = payload["order"]["id"]
        return order_id

    async def place(self, who: Client, order_id: str, tell: Tell) -> Result:
        """Place the order, tell each step as it is pushed, and return how it ended."""
        name = f"demo {uuid4()}"
        async with (
            who.follow(documents.PROGRESS, name=name) as steps,
            who.follow(documents.RESULT, name=name) as results,
        ):
            tell(f"{who.name} follows the execution, then places the order")
            placing = asyncio.create_task(self.start(who, order_id, name))
            async for step in steps:
                tell(f"{step['type']} {NAMES.get(step['productId'], '')}".strip(), step=step)
            await placing
            result: Result = await anext(results)
            return result

    async def start(self, who: Client, order_id: str, name: str) -> None:
        """Place the order under that name."""
        placing = {"orderId": order_id, "executionName": name}
        _payload(await who.ask(documents.PLACE_ORDER, input=placing))

    async def _adjust(self, board: Skateboard, by: int) -> None:
        if by:
            change = {"productId": str(board.id), "by": by, "reason": "demo"}
            _payload(await self.admin.ask(documents.ADJUST_STOCK, input=change))


async def sign_in(http: httpx.AsyncClient, person: Person) -> Client:
    """Raises Unexpected where the person is not known."""
    credentials = {"email": person.email, "password": PASSWORD}
    answer = await Client(http, person.name).ask(documents.SIGN_IN, input=credentials)
    return Client(http, person.name, _payload(answer)["session"]["accessToken"])


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """All at once. Raises the first exception, when the others have been cancelled."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(each) for each in work]
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return [task.result() for task in running]


def _payload(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, where it is no problem."""
    if "code" in answer:
        fields = (f"{field['path']}: {field['message']}" for field in answer.get("fields", ()))
        raise Unexpected("; ".join([f"{answer['code']}: {answer['message']}", *fields]))
    return answer
