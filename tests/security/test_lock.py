"""`shop users`: an operator looks at who there is, and keeps somebody out while the shop runs."""

import asyncio
import json
import subprocess
from typing import Any

import pytest

from tests.api.shop import PATIENCE, Client, Shop
from tests.api.test_people import PASSWORD, REFRESH, SIGN_IN
from tests.cli.forked import SHOP
from tests.cli.running import KEY, environment
from tests.security.people import an_address, post_of, signed_in, signed_up

VIEWER = "{ viewer { id } }"


async def users(shop: Shop, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """`shop users` with these arguments, in a process of its own."""
    return await asyncio.to_thread(
        subprocess.run,
        [*SHOP, "users", *arguments],
        env=environment(SHOP_DATABASE_URL=shop.url, SHOP_SECRET_KEY=KEY, SHOP_LOG_LEVEL="DEBUG"),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def told(shop: Shop, *arguments: str) -> list[dict[str, Any]]:
    done = await users(shop, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert "shop.test" not in done.stderr.lower()
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_who_is_locked_is_out_at_once_everywhere(shop: Shop) -> None:
    email = an_address()
    async with post_of(shop) as post:
        visitor = await signed_up(post, email)
    credentials = {"email": email, "password": PASSWORD}
    session = (await visitor.ask(SIGN_IN, input=credentials))["session"]
    ada = Client(shop.api.address, session["accessToken"])
    elsewhere = Client(shop.another_api().address, ada.token)
    async with ada.socket() as near, elsewhere.socket() as far:
        done = await users(shop, "lock", email.upper())
        assert done.returncode == 0, done.stderr
        assert "shop.test" not in done.stderr.lower()
        assert done.stdout == f"Ada <{email}> is locked: all sessions have ended.\n"
        async with asyncio.timeout(PATIENCE):
            await near.wait_closed()
            await far.wait_closed()
    assert (near.close_code, far.close_code) == (4403, 4403)
    for client in (ada, elsewhere):
        assert await client.code(VIEWER) == "UNAUTHENTICATED"
    for document, variables in (
        (SIGN_IN, {"input": credentials}),
        (REFRESH, {"token": session["refreshToken"]}),
    ):
        assert (await visitor.ask(document, **variables))["code"] == "INVALID_CREDENTIALS"
    [unlocked] = await told(shop, "unlock", email)
    assert (unlocked["email"], unlocked["locked"]) == (email, False)
    assert "session" in await visitor.ask(SIGN_IN, input=credentials)
    assert await ada.code(VIEWER) == "UNAUTHENTICATED"


async def test_an_operator_makes_administrators_who_may_sign_in_at_once(shop: Shop) -> None:
    email = an_address()
    done = await users(
        shop,
        "create-admin",
        *("--email", email, "--name", "Root", "--password-stdin"),
        stdin=f"{PASSWORD}\n",
    )
    assert done.stdout == f"Root <{email}> is an administrator.\n", done.stderr
    assert PASSWORD not in done.stderr
    root = await signed_in(shop.visitor(), email)
    assert await root.ask("{ executions { totalCount } }")


async def test_users_are_listed(shop: Shop) -> None:
    ada, root = await shop.customer(), await shop.admin()
    ids = [str(user.user_id) for user in (ada, root)]
    await told(shop, "lock", ids[0])
    everybody, administrators, first, locked = await asyncio.gather(
        told(shop, "list", "--limit", "0"),
        told(shop, "list", "--role", "admin"),
        told(shop, "list", "--limit", "1"),
        users(shop, "list", "--locked"),
    )
    assert [user["id"] for user in everybody if user["id"] in ids] == ids
    assert {user["role"] for user in administrators} == {"ADMIN"}
    assert first == everybody[:1]
    assert f"{ids[0]}@shop.test" in locked.stdout
    assert ids[1] not in locked.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("lock", "nobody@shop.test"), 1, "shop: There is no user nobody@shop.test\n"),
        (("unlock", "\x1b[2J"), 1, 'shop: There is no user "\\u001b[2J"\n'),
        (("list", "--role", "king"), 2, "'king' is none of USER, ADMIN"),
    ],
)
async def test_what_an_operator_gets_wrong_is_told(
    shop: Shop, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = await users(shop, *arguments)
    assert done.returncode == status
    assert said in done.stderr
