"""Somebody who signs up, verifies and signs in over HTTP, with mails from a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from uuid import uuid4

from infrastructure.identity.mailer import Courier
from infrastructure.identity.one_time_codes import MailCodes
from infrastructure.mail.transports import Smtp
from tests.api.shop import KEY, Client, Shop
from tests.api.test_people import PASSWORD, SIGN_IN, SIGN_UP, VERIFY
from tests.identity.people import MailServer, code_in


@dataclass
class Post:
    """The shop's courier, which works when it is told to, and the server that it mails to."""

    shop: Shop
    server: MailServer

    async def deliver(self) -> list[EmailMessage]:
        """The mails that have just arrived."""
        known = len(self.server.mails)
        courier = Courier(
            self.shop.api.services.pool,
            Smtp.parse(self.server.url),
            MailCodes([KEY]),
            url=self.shop.url,
            mail_from="Shop <shop@shop.test>",
        )
        await self.shop.api.call(courier.deliver())
        return self.server.mails[known:]

    async def code(self, email: str) -> str:
        """The code in the mail that has just arrived at the address."""
        [mail] = [mail for mail in await self.deliver() if mail["To"] == email]
        return code_in(mail)


@asynccontextmanager
async def post_of(shop: Shop) -> AsyncIterator[Post]:
    server = MailServer()
    async with server.running():
        yield Post(shop, server)


def an_address() -> str:
    """Nobody's yet."""
    return f"{uuid4()}@shop.test"


async def signed_up(post: Post, email: str, **more: object) -> Client:
    """Somebody who has typed in the code; not signed in."""
    visitor = post.shop.visitor()
    form = {"email": email, "password": PASSWORD, "name": "Ada", **more}
    answer = await visitor.ask(SIGN_UP, input=form)
    assert answer == {"__typename": "SignUpPayload", "email": email}
    verified = await visitor.ask(VERIFY, input={"email": email, "code": await post.code(email)})
    assert verified["user"]["emailVerified"]
    return visitor


async def signed_in(client: Client, email: str, password: str = PASSWORD) -> Client:
    """The same person with a token."""
    session = (await client.ask(SIGN_IN, input={"email": email, "password": password}))["session"]
    return Client(client.address, session["accessToken"])
