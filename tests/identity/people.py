"""What the tests of people share: a clock that they move, a mail server, everything wired up."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from argon2 import PasswordHasher
from psycopg_pool import AsyncConnectionPool

from infrastructure.identity.authentication import Identity, Verified
from infrastructure.identity.mailer import Courier
from infrastructure.identity.one_time_codes import MailCodes
from infrastructure.identity.revocations import SessionWatch
from infrastructure.identity.sessions import Session
from infrastructure.identity.sign_up import SignUp
from infrastructure.identity.users import User
from infrastructure.ids import new_id
from infrastructure.mail.transports import Smtp

KEY = "a secret key for the tests of people"
CLIENT = "192.0.2.1"
STRANGER = "198.51.100.7"
ADA = "ada@shop.test"
PASSWORD = "violet tractor hymn"
OTHER_PASSWORD = "copper lagoon waltz"
AT_LAST = 5.0  # seconds
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2025, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class Greeter(asyncio.Protocol):
    """Says one line to whoever connects."""

    def __init__(self, line: str) -> None:
        self._line = line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"{self._line}\r\n".encode())


class MailServer:
    """A real SMTP server on a free port, which can be told to refuse, or to say nothing.

    `refusals`: what it says at the stages at which it refuses (see `Stage`).
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusals: dict[str, str] = {}
        self.silent = False
        self.connections = 0
        self.reached = asyncio.Event()
        self.authenticator: Any = None
        self.user = ""
        self._port = 0

    async def handle_EHLO(  # noqa: N802  # the name that aiosmtpd calls
        self, _server: SMTP, session: SmtpSession, _: Envelope, host: str, responses: list[str]
    ) -> list[str]:
        session.host_name = host
        return [self.refusals["EHLO"]] if "EHLO" in self.refusals else responses

    async def handle_HELO(  # noqa: N802  # the name that aiosmtpd calls
        self, _server: SMTP, _session: SmtpSession, _envelope: Envelope, _host: str
    ) -> str:
        return self.refusals["EHLO"]  # or nobody would say HELO

    async def handle_MAIL(  # noqa: N802  # the name that aiosmtpd calls
        self,
        _server: SMTP,
        _session: SmtpSession,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        envelope.mail_from = address
        return self.refusals.get("MAIL FROM", "250 OK")

    async def handle_RCPT(  # noqa: N802  # the name that aiosmtpd calls
        self,
        _server: SMTP,
        _session: SmtpSession,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if "RCPT TO" in self.refusals:
            return self.refusals["RCPT TO"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # the name that aiosmtpd calls
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope
    ) -> str:
        if self.silent:
            self.reached.set()
            await asyncio.Event().wait()
        if "DATA" in self.refusals:
            return self.refusals["DATA"]
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Up within the block; again on the same port where it was up before."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self._protocol, "127.0.0.1", self._port, reuse_address=True
        )
        async with server:
            self._port = server.sockets[0].getsockname()[1]
            yield

    def _protocol(self) -> asyncio.Protocol:
        self.connections += 1
        if "greeting" in self.refusals:
            return Greeter(self.refusals["greeting"])
        return SMTP(
            self,
            loop=asyncio.get_running_loop(),
            authenticator=self.authenticator,
            auth_require_tls=False,
        )

    @property
    def url(self) -> str:
        return f"smtp://{self.user}127.0.0.1:{self._port}"


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def code_in(mail: EmailMessage) -> str:
    """The code, alone on its line."""
    [code] = [line for line in text_of(mail).splitlines() if re.fullmatch(r"\d{6}", line)]
    return code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds; it is asked again and again."""
    async with asyncio.timeout(AT_LAST):
        while not await condition():  # noqa: ASYNC110  # what happens elsewhere sets no event here
            await asyncio.sleep(0.01)


@dataclass
class People:
    """Who may come in, and the mails that they get."""

    url: str
    pool: AsyncConnectionPool
    identity: Identity
    watch: SessionWatch
    clock: MovableClock
    server: MailServer
    read: int = field(default=0)

    def courier(self) -> Courier:
        codes = MailCodes([KEY], clock=self.clock)
        return Courier(
            self.pool,
            Smtp.parse(self.server.url),
            codes,
            url=self.url,
            mail_from="Shop <shop@shop.test>",
            poll=0.05,
            clock=self.clock,
        )

    async def new_mails(self) -> list[EmailMessage]:
        """Those that have been sent since this was asked before."""
        await self.courier().deliver()
        mails = self.server.mails[self.read :]
        self.read = len(self.server.mails)
        return mails

    async def new_code(self) -> str:
        [mail] = await self.new_mails()
        return code_in(mail)

    async def sign_up(
        self,
        email: str = ADA,
        password: str = PASSWORD,
        name: str = "Ada L",
        deposit: int = 0,
        client: str = CLIENT,
    ) -> None:
        form = SignUp(email, password, name, opening_deposit=deposit)
        await self.identity.sign_up(form, client)

    async def verify(self, code: str, email: str = ADA, client: str = CLIENT) -> Verified:
        """Type in the code that verifies the address."""
        return await self.identity.verify_email(email, code, client, new_id())

    async def reset(
        self, code: str, password: str = OTHER_PASSWORD, email: str = ADA, client: str = CLIENT
    ) -> None:
        """Type in the code that lets somebody choose another password."""
        await self.identity.reset_password(email, code, password, client)

    async def verified(self, email: str = ADA) -> User:
        """Somebody who has signed up and typed in the code."""
        await self.sign_up(email)
        return (await self.verify(await self.new_code(), email)).user

    async def signed_in(self, email: str = ADA) -> Session:
        """A session of somebody new."""
        await self.verified(email)
        return await self.identity.sign_in(email, PASSWORD, CLIENT)

    async def rows(self, table: str) -> int:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    async def events(self) -> list[tuple[str, UUID]]:
        """(type, stream) of all events, in order."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT topic, originator_id FROM stored_events ORDER BY notification_id"
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]
