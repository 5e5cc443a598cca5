"""Nothing secret is in the event log or in what the shop logs, whatever happens to it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiosmtpd.smtp import AuthResult

from infrastructure.postgres.embedded import running_url
from tests.api.mutations import CREATE_PRODUCTS, DEPOSIT, buy
from tests.api.shop import Client, hear, say, until
from tests.api.test_people import (
    REFRESH,
    REQUEST_CODE,
    REQUEST_RESET,
    RESET,
    SIGN_IN,
    SIGN_OUT,
    SIGN_UP,
    VERIFY,
)
from tests.cli.running import RunningShop, eventually
from tests.identity.people import MailServer, code_in, wrong

KEYS = ["the newest of the keys signs all 1", "an older key that only verifies 2"]
ADMIN_CODE = "let the quartz fox in"
RIGHT, NEXT, WRONG = "violet tractor hymn", "copper lagoon waltz", "marble cactus opera"
SMTP_PASSWORD = "smtp-pass-phrase"
DOMAIN = "secret-mailbox.test"
ADA, BOB, EVE, ROOT = (f"{name}@{DOMAIN}" for name in ("ada", "bob", "eve", "root"))
VIEWER = "{ viewer { email } }"


@dataclass
class Run:
    """A shop in its processes, and all that was secret while it ran."""

    shop: RunningShop
    server: MailServer
    data: Path
    secrets: list[str] = field(
        default_factory=lambda: [*KEYS, ADMIN_CODE, RIGHT, NEXT, WRONG, SMTP_PASSWORD, DOMAIN]
    )
    codes: list[str] = field(default_factory=list)

    @property
    def visitor(self) -> Client:
        return Client(f"127.0.0.1:{self.shop.port}")

    async def code(self, email: str) -> str:
        """The code in the next mail to the address."""
        mails = self.server.mails
        await until(lambda: any(mail["To"] == email for mail in mails))
        mail = next(mail for mail in mails if mail["To"] == email)
        mails.remove(mail)
        self.codes.append(code_in(mail))
        return self.codes[-1]

    async def session(self, document: str, **variables: object) -> dict[str, str]:
        """That of who signs in or refreshes."""
        session: dict[str, str] = (await self.visitor.ask(document, **variables))["session"]
        _, claims, signature = session["accessToken"].split(".")
        self.secrets += [session["refreshToken"], claims, signature]
        return session

    async def signed_up(self, email: str, **more: object) -> Client:
        form = {"email": email, "password": RIGHT, "name": "Ada", **more}
        await self.visitor.ask(SIGN_UP, input=form)
        code = await self.code(email)
        await self.visitor.ask(VERIFY, input={"email": email, "code": wrong(code)})
        await self.visitor.ask(VERIFY, input={"email": email, "code": code})
        session = await self.session(SIGN_IN, input={"email": email, "password": RIGHT})
        return Client(self.visitor.address, session["accessToken"])

    @contextmanager
    def database(self) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
        with psycopg.connect(running_url(self.data) or "", autocommit=True) as connection:
            yield connection

    def remember_hashes(self) -> None:
        """Those that are stored now are secrets too."""
        hashes = (
            "SELECT password_hash FROM users UNION ALL SELECT encode(token_hash, 'hex') FROM"
            " refresh_tokens UNION ALL SELECT encode(code_hash, 'hex') FROM mail_codes"
        )
        with self.database() as connection:
            for (found,) in connection.execute(hashes).fetchall():
                self.secrets += found.removeprefix("$").split("$")[3:] or [found]

    def found_in(self, text: str) -> set[str]:
        """The secrets that stand in the text."""
        found = {secret for secret in self.secrets if secret.lower() in text.lower()}
        # Six digits stand in moments, too.
        return found | {code for code in self.codes if re.search(rf"(?<![.\d]){code}(?!\d)", text)}

    @property
    def logged(self) -> str:
        """What the shop's processes and its PostgreSQL have logged."""
        files = [self.data / "postgres-start.log", *(self.data / "postgres" / "log").iterdir()]
        return self.shop.log + "".join(file.read_text() for file in files)


@asynccontextmanager
async def running_shop(folder: Path, data: Path, style: str) -> AsyncIterator[Run]:
    server = MailServer()
    server.authenticator = lambda *_: AuthResult(success=True)
    server.user = f"shop:{SMTP_PASSWORD}@"
    async with server.running():
        shop = RunningShop(
            folder,
            "serve",
            SHOP_DATA_DIR=str(data),
            SHOP_LOG_LEVEL="DEBUG",
            SHOP_LOG_FORMAT=style,
            SHOP_SMTP_URL=server.url,
            SHOP_ADMIN_CODE=ADMIN_CODE,
            SHOP_SECRET_KEY=",".join(KEYS),
        )
        try:
            await asyncio.to_thread(eventually, shop.is_ready)
            yield Run(shop, server, data)
        finally:
            await asyncio.to_thread(shop.terminate)


async def people_come_and_go(run: Run) -> Client:
    """Every way in, right and wrong. Answers with somebody who is signed in."""
    visitor = run.visitor
    admin = {"email": EVE, "password": RIGHT, "name": "Eve", "role": "ADMIN"}
    await visitor.ask(SIGN_UP, input={**admin, "adminCode": ADMIN_CODE + WRONG})
    await visitor.ask(SIGN_UP, input={"email": f"no {EVE}", "password": WRONG[:9], "name": EVE})
    ada = await run.signed_up(ADA, openingDeposit="1000")
    await visitor.ask(SIGN_UP, input={"email": ADA, "password": WRONG, "name": "Ada"})
    for password in (WRONG, NEXT):
        await visitor.ask(SIGN_IN, input={"email": ADA, "password": password})
    await visitor.ask(SIGN_IN, input={"email": f"nobody-{ADA}", "password": WRONG})
    first = await run.session(SIGN_IN, input={"email": ADA, "password": RIGHT})
    second = await run.session(REFRESH, token=first["refreshToken"])
    await run.session(REFRESH, token=second["refreshToken"])
    for session in (first, second):
        await visitor.ask(REFRESH, token=session["refreshToken"])
    await Client(visitor.address, second["accessToken"]).send(VIEWER)
    third = await run.session(SIGN_IN, input={"email": ADA, "password": RIGHT})
    await visitor.ask(SIGN_OUT, token=third["refreshToken"])
    run.remember_hashes()
    return ada


async def mails_do_not_leave(run: Run) -> None:
    run.server.mails.clear()
    run.server.refusals["DATA"] = f"451 {BOB} cannot be mailed {WRONG}"
    await run.visitor.ask(SIGN_UP, input={"email": BOB, "password": RIGHT, "name": "Bob"})
    await run.visitor.ask(REQUEST_CODE, email=BOB)
    await until(lambda: "mail not sent" in run.logged)
    run.server.refusals.clear()


async def somebody_buys(run: Run, ada: Client) -> None:
    admin = await run.signed_up(ROOT, role="ADMIN", adminCode=ADMIN_CODE)
    board = {"name": "Board", "imageUrl": "/b.svg", "price": "10", "quantity": 1}
    payload = await admin.ask(CREATE_PRODUCTS, input=[board])
    [product] = payload["products"]
    await ada.ask(DEPOSIT, input={"amount": "5"})
    for name, total in (("first", "10"), ("second", "10"), ("third", "9")):
        await buy(ada, name, total, {product["id"]: 1})
    for client in (ada, admin):
        await client.send(f'{{ user(email: "{ADA}") {{ id }} }}')


async def somebody_talks_nonsense(run: Run, ada: Client) -> None:
    text = f"{WRONG} {ADA} {ada.token}"
    for query in (
        text,
        f'{{ signIn(password: "{text}") }}',
        f'mutation {{ signUp(input: "{text}") }}',
    ):
        await ada.send(query, input=text)
        await ada.get({"Authorization": text}, f"/graphql?query={WRONG}")
    await ada.post(text)
    await ada.post({"query": VIEWER}, headers={"Authorization": f"Basic {text}"})
    reader, writer = await asyncio.open_connection(*ada.address.split(":"))
    writer.write(f"{text} / HTTP/9.9\r\nCookie: {text}\r\n\r\n".encode())
    await reader.read()
    writer.close()
    init = {"type": "connection_init", "payload": {"authorization": ada.token}}
    for nonsense in ({**init, "payload": {"authorization": text}}, {"type": text}, init):
        async with ada.connection() as socket:
            await say(socket, **init)
            await hear(socket)
            await say(socket, type="subscribe", id="1", payload={"query": text})
            await hear(socket)
            await say(socket, **nonsense)
            await socket.wait_closed()


async def the_database_breaks(run: Run, ada: Client) -> None:
    """Errors of PostgreSQL say the row that they are about."""
    form = {"email": f"new-{ADA}", "password": NEXT, "name": "New"}
    with run.database() as connection:
        connection.execute("ALTER TABLE users ADD CONSTRAINT never CHECK (false) NOT VALID")
        [error] = (await run.visitor.send(SIGN_UP, input=form))["errors"]
        assert error["extensions"]["code"] == "INTERNAL"
        # Who complains says the request id, by which the operator finds what happened.
        assert error["extensions"]["requestId"] in error["message"]
        await until(lambda: error["extensions"]["requestId"] in run.logged)
        run.secrets.append("Failing row")  # what stands before the row
        connection.execute("ALTER TABLE users DROP CONSTRAINT never")
        connection.execute("ALTER TABLE users RENAME TO people")
        assert await ada.code(VIEWER) == "INTERNAL"
        code = await run.visitor.code(SIGN_IN, input={"email": ADA, "password": RIGHT})
        assert code == "INTERNAL"
        connection.execute("ALTER TABLE people RENAME TO users")


async def a_password_is_forgotten(run: Run) -> None:
    await run.visitor.ask(REQUEST_RESET, email=ADA)
    code = await run.code(ADA)
    reset = {"email": ADA, "code": wrong(code), "newPassword": NEXT}
    await run.visitor.ask(RESET, input=reset)
    await run.visitor.ask(RESET, input={**reset, "code": code})
    await run.session(SIGN_IN, input={"email": ADA, "password": NEXT})


@pytest.mark.parametrize("style", ["console", "json"])
async def test_no_secret_is_kept_where_it_does_not_belong(
    tmp_path: Path, data_dir: Path, style: str
) -> None:
    data = data_dir / "data"
    async with running_shop(tmp_path, data, style) as run:
        ada = await people_come_and_go(run)
        await mails_do_not_leave(run)
        await somebody_buys(run, ada)
        await somebody_talks_nonsense(run, ada)
        await the_database_breaks(run, ada)
        await a_password_is_forgotten(run)
        run.remember_hashes()
        with run.database() as connection:
            events = connection.execute("SELECT convert_from(state, 'UTF8') FROM stored_events")
            recorded = "\n".join(state for (state,) in events.fetchall())
    logged = run.logged
    for expected in ("resolver failed", "mail sent", "mail not sent", "request", "never"):
        assert expected in logged
    assert recorded.count("execution_id") > 10
    assert run.found_in(recorded) == set()
    assert run.found_in(logged) == set()
