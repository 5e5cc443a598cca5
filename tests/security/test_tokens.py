"""Access tokens over HTTP and websockets: only what this shop has signed lets anybody in."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from infrastructure.identity.tokens import ACCESS_TOKEN_LIFETIME, AccessTokens, derive_keys
from infrastructure.ids import new_id
from tests.api.shop import KEY, PATIENCE, Api, Client, Shop, say

VIEWER = "{ viewer { id } }"
NEXT_KEY = "next key " * 4


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def changed(token: str, part: int, **changes: object) -> str:
    """The token with another header (0) or other claims (1), and the old signature."""
    parts = token.split(".")
    parts[part] = encoded(decoded(parts[part]) | changes)
    return ".".join(parts)


def signed(token: str, key: bytes, algorithm: str = "HS256", **changes: object) -> str:
    """The token with other claims, signed with this key, which calls itself the right one."""
    header, claims, _ = token.split(".")
    key_id = decoded(header)["kid"]
    return jwt.encode(decoded(claims) | changes, key, algorithm, headers={"kid": key_id})


def unsigned(token: str) -> str:
    return changed(token, 0, alg="none").rpartition(".")[0] + "."


def signed_with_the_secret_itself(token: str) -> str:
    text = token.rpartition(".")[0]
    signature = hmac.digest(KEY.encode(), text.encode(), sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def expired(token: str) -> str:
    then = int((datetime.now(UTC) - timedelta(seconds=1)).timestamp())
    return signed(token, ACCESS_KEY, exp=then)


[ACCESS_KEY] = derive_keys([KEY], "access tokens")
[CODES_KEY] = derive_keys([KEY], "mail codes")
[OTHERS_KEY] = derive_keys([NEXT_KEY], "access tokens")
FORGERIES: dict[str, Callable[[str], str]] = {
    "with more rights": lambda token: changed(token, 1, role="ADMIN"),
    "of somebody else": lambda token: changed(token, 1, sub=str(new_id())),
    "with a longer life": lambda token: changed(token, 1, exp=4_000_000_000),
    "unsigned": unsigned,
    "without its signature": lambda token: token.rpartition(".")[0] + ".",
    "expired": expired,
    "signed with another key": lambda token: signed(token, OTHERS_KEY),
    "signed with the key of codes": lambda token: signed(token, CODES_KEY),
    "signed with the secret itself": signed_with_the_secret_itself,
    "signed by another algorithm": lambda token: signed(token, ACCESS_KEY * 2, "HS512"),
    "that names another algorithm": lambda token: changed(token, 0, alg="HS384"),
    "that names another key": lambda token: changed(token, 0, kid="../../dev/null"),
    "for another audience": lambda token: signed(token, ACCESS_KEY, aud="elsewhere"),
    "by another issuer": lambda token: signed(token, ACCESS_KEY, iss="elsewhere"),
    "of nobody": lambda token: signed(token, ACCESS_KEY, sub="nobody"),
}


async def is_let_in(client: Client) -> bool:
    """Over HTTP and by websocket alike, and who is not is told why."""
    answer = await client.send(VIEWER)
    async with client.connection() as socket, asyncio.timeout(PATIENCE):
        payload = {"authorization": f"Bearer {client.token}"}
        await say(socket, type="connection_init", payload=payload)
        await say(socket, type="complete")  # which is no message: it ends with 4400 at the latest
        await socket.wait_closed()
    if "errors" in answer:
        assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert socket.close_code == (4403 if "errors" in answer else 4400)
    return "errors" not in answer


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_token_lets_nobody_in(shop: Shop, forge: Callable[[str], str]) -> None:
    ada = await shop.customer()
    assert ada.token is not None
    assert await is_let_in(ada)
    assert not await is_let_in(replace(ada, token=forge(ada.token)))


async def test_a_token_says_who_for_fifteen_minutes_and_with_which_key(shop: Shop) -> None:
    ada = await shop.customer()
    assert ada.token is not None
    header, claims, _ = ada.token.split(".")
    assert decoded(header).keys() == {"alg", "kid", "typ"}
    assert decoded(header)["alg"] == "HS256"
    found = decoded(claims)
    assert found["exp"] - found["iat"] == ACCESS_TOKEN_LIFETIME.total_seconds() == 15 * 60
    assert found["sub"] == str(ada.user_id)


def with_keys(shop: Shop, *keys: str) -> Api:
    """Another API process of the shop, which has been given other keys."""
    secret = SecretStr(",".join(keys))
    settings = shop.settings.model_copy(update={"secret_key": secret})
    api: Api = shop.stack.enter_context(Api(settings).running())
    return api


async def test_a_key_is_changed_while_people_are_signed_in(shop: Shop) -> None:
    """The new one before the old, and a quarter of an hour later the new one alone."""
    ada = await shop.customer()
    both, new = with_keys(shop, NEXT_KEY, KEY), with_keys(shop, NEXT_KEY)
    tokens = AccessTokens([NEXT_KEY, KEY])
    bob = replace(ada, token=tokens.issue(ada.user_id, "USER", ada.session_id)[0])
    found = [
        [await is_let_in(replace(client, address=api.address)) for api in (shop.api, both, new)]
        for client in (ada, bob)
    ]
    assert found == [[True, True, False], [False, True, True]]
