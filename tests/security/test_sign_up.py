"""Signing up over HTTP with a real mail server: codes, their limits, and who becomes what."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from infrastructure.ids import new_id
from tests.api.shop import Api, Client, Shop
from tests.api.test_people import PASSWORD, REQUEST_CODE, SIGN_IN, SIGN_UP, VERIFY
from tests.identity.people import code_in, wrong
from tests.security.people import Post, an_address, post_of, signed_in, signed_up


async def sign_up(post: Post, email: str, **more: object) -> Client:
    visitor = post.shop.visitor()
    form = {"email": email, "password": PASSWORD, "name": "Ada", **more}
    assert "email" in await visitor.ask(SIGN_UP, input=form)
    return visitor


async def tried(visitor: Client, email: str, code: str) -> str:
    """The kind of the answer."""
    answer = await visitor.ask(VERIFY, input={"email": email, "code": code})
    return str(answer.get("code", answer["__typename"]))


async def execute(shop: Shop, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    async with shop.api.services.pool.connection() as connection:
        cursor = await connection.execute(statement.encode(), parameters)
        return await cursor.fetchall() if cursor.description else []


async def test_a_mail_server_that_is_down_costs_nobody_a_sign_up(shop: Shop) -> None:
    email = an_address()
    async with post_of(shop) as post:
        url = post.server.url
    # Nobody listens there any more.
    visitor = await sign_up(post, email)
    assert await post.deliver() == []
    [(error,)] = await execute(
        shop, "SELECT last_error FROM outbox_mails WHERE email_key = %s", email
    )
    assert error
    await execute(shop, "UPDATE outbox_mails SET due_at = now() WHERE email_key = %s", email)
    async with post.server.running():
        assert post.server.url == url
        [mail] = await post.deliver()
    assert mail["To"] == email
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    code = code_in(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert code in html.get_content()
    assert await tried(visitor, email, code) == "VerifyEmailPayload"


async def test_a_code_is_good_once_for_its_own_address(shop: Shop) -> None:
    ada, eve = an_address(), an_address()
    async with post_of(shop) as post:
        visitor = await sign_up(post, ada)
        code = await post.code(ada)
        await sign_up(post, eve)
        assert await tried(visitor, eve, code) == "INVALID_CODE"
    assert await tried(visitor, ada.upper(), code) == "VerifyEmailPayload"
    assert await tried(visitor, ada, code) == "INVALID_CODE"


async def test_a_code_has_five_tries_and_the_next_one_five_of_its_own(shop: Shop) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await sign_up(post, email)
        code = await post.code(email)
        for _ in range(5):
            assert await tried(visitor, email, wrong(code)) == "INVALID_CODE"
        assert await tried(visitor, email, code) == "INVALID_CODE"
        await visitor.ask(REQUEST_CODE, email=email)
        assert await tried(visitor, email, await post.code(email)) == "VerifyEmailPayload"


async def test_a_code_lives_fifteen_minutes_and_is_not_kept_itself(shop: Shop) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await sign_up(post, email)
        code = await post.code(email)
    [(left, kept)] = await execute(
        shop,
        "SELECT expires_at - now(), encode(code_hash, 'escape') FROM mail_codes"
        " WHERE email_key = %s",
        email,
    )
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert code not in str(kept)
    await execute(shop, "UPDATE mail_codes SET expires_at = now() WHERE email_key = %s", email)
    assert await tried(visitor, email, code) == "INVALID_CODE"


async def test_three_mails_in_ten_minutes_go_to_an_address_and_nobody_is_told_of_more(
    shop: Shop,
) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await sign_up(post, email)
        mails = await post.deliver()
        for _ in range(5):
            assert await visitor.ask(REQUEST_CODE, email=email) == {"email": email}
            mails += await post.deliver()
    mails = [mail for mail in mails if mail["To"] == email]
    assert len(mails) == 3
    assert await tried(visitor, email, code_in(mails[-1])) == "VerifyEmailPayload"


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "ada@shop", "@shop.test", "a b@shop.test", "ada@shop.test\n@x"]
)
async def test_an_address_is_one(shop: Shop, email: str) -> None:
    form = {"email": email, "password": PASSWORD, "name": "Ada"}
    problem = await shop.visitor().ask(SIGN_UP, input=form)
    assert [field["path"] for field in problem["fields"]] == ["email"]


async def test_an_address_has_no_case(shop: Shop) -> None:
    email = f"Ada.{new_id()}@shop.test"
    async with post_of(shop) as post:
        visitor = await signed_up(post, email)
    ada = await signed_in(visitor, email.upper().replace("SHOP.TEST", "Shop.Test"))
    assert await ada.ask("{ viewer { email } }") == {"email": email}


@pytest.mark.parametrize(
    ("required", "brought", "becomes"),
    [
        (None, "", "adminCode"),
        (None, "anything", "adminCode"),
        ("open sesame", None, "adminCode"),
        ("open sesame", "open sesam", "adminCode"),
        ("open sesame", "open sesame", "ADMIN"),
        ("*", None, "ADMIN"),
    ],
)
async def test_who_becomes_an_administrator(
    shop: Shop, required: str | None, brought: str | None, becomes: str
) -> None:
    code = SecretStr(required) if required else None
    settings = shop.settings.model_copy(update={"admin_code": code})
    email = an_address()
    form = {"email": email, "password": PASSWORD, "name": "Eve", "role": "ADMIN"}
    async with post_of(shop) as post:
        with Api(settings).running() as api:
            visitor = Client(api.address)
            answer = await visitor.ask(SIGN_UP, input={**form, "adminCode": brought})
        if becomes == "adminCode":
            assert [field["path"] for field in answer["fields"]] == ["adminCode"]
            return
        verify = {"email": email, "code": await post.code(email)}
    visitor = shop.visitor()
    assert (await visitor.ask(VERIFY, input=verify))["user"]["role"] == becomes
    eve = await signed_in(visitor, email)
    assert await eve.ask("{ executions { totalCount } }")


async def test_nobody_signs_in_before_the_address_is_verified(shop: Shop) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await sign_up(post, email)
        for password, code in (
            (PASSWORD, "EMAIL_NOT_VERIFIED"),
            ("wrong password", "INVALID_CREDENTIALS"),
        ):
            answer = await visitor.ask(SIGN_IN, input={"email": email, "password": password})
            assert answer["code"] == code
