"""Which access tokens are taken."""

import base64
import json
from typing import Any

import jwt
import pytest

from infrastructure.identity.errors import InvalidToken
from infrastructure.identity.tokens import AccessTokens, derive_keys
from infrastructure.ids import new_id
from tests.identity.people import KEY, MovableClock

OTHER_KEY = "another secret key for the tests of tokens"
USER, SESSION = new_id(), new_id()


def issue(clock: MovableClock, *keys: str) -> str:
    token, _ = AccessTokens(keys or [KEY], clock=clock).issue(USER, "USER", SESSION)
    return token


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def signed(header: dict[str, Any], claims: dict[str, Any], algorithm: str = "HS256") -> str:
    """With our own key, so that nothing but the content can be wrong."""
    [key] = derive_keys([KEY], "access tokens")
    return jwt.encode(claims, key, algorithm, headers=header)


def refused(clock: MovableClock, token: str, *keys: str) -> None:
    with pytest.raises(InvalidToken):
        AccessTokens(keys or [KEY], clock=clock).verify(token)


def test_a_token_names_user_role_and_session(clock: MovableClock) -> None:
    tokens = AccessTokens([KEY], clock=clock)
    token, expires_at = tokens.issue(USER, "ADMIN", SESSION)
    caller = tokens.verify(token)
    assert (caller.user_id, caller.role, caller.session_id) == (USER, "ADMIN", SESSION)
    assert caller.expires_at == expires_at


def test_an_expired_token_is_refused(clock: MovableClock) -> None:
    token = issue(clock)
    clock.move(minutes=15)
    refused(clock, token)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_tampered_token_is_refused(clock: MovableClock, part: int) -> None:
    pieces = issue(clock).split(".")
    middle = len(pieces[part]) // 2
    other = "A" if pieces[part][middle] != "A" else "B"
    pieces[part] = pieces[part][:middle] + other + pieces[part][middle + 1 :]
    refused(clock, ".".join(pieces))


def test_a_token_with_more_rights_and_the_old_signature_is_refused(clock: MovableClock) -> None:
    header, claims, signature = issue(clock).split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=="))
    content["role"] = "ADMIN"
    refused(clock, f"{header}.{encoded(content)}.{signature}")


def test_an_unsigned_token_is_refused(clock: MovableClock) -> None:
    header, claims, _ = issue(clock).split(".")
    refused(clock, f"{header}.{claims}.")
    for algorithm in ("none", "None", ""):
        content = parts(issue(clock))[0] | {"alg": algorithm}
        refused(clock, f"{encoded(content)}.{claims}.")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_token_of_another_algorithm_is_refused(clock: MovableClock, algorithm: str) -> None:
    header, claims = parts(issue(clock))
    refused(clock, signed({"kid": header["kid"]}, claims, algorithm))


def test_a_token_signed_with_another_key_is_refused(clock: MovableClock) -> None:
    refused(clock, issue(clock, OTHER_KEY))
    header, claims = parts(issue(clock))
    [other] = derive_keys([OTHER_KEY], "access tokens")
    refused(clock, jwt.encode(claims, other, "HS256", headers={"kid": header["kid"]}))


def test_the_secret_itself_signs_nothing(clock: MovableClock) -> None:
    header, claims = parts(issue(clock))
    refused(clock, jwt.encode(claims, KEY, "HS256", headers={"kid": header["kid"]}))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "role", "iat", "exp"])
def test_a_token_needs_every_claim(clock: MovableClock, claim: str) -> None:
    header, claims = parts(issue(clock))
    del claims[claim]
    refused(clock, signed(header, claims))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid"])
def test_a_token_for_somebody_else_is_refused(clock: MovableClock, claim: str) -> None:
    header, claims = parts(issue(clock))
    refused(clock, signed(header, claims | {claim: "somebody else"}))


@pytest.mark.parametrize("key_id", [None, "", "00000000", 7, ["x"], {"x": 1}])
def test_a_token_with_an_unknown_key_id_is_refused(clock: MovableClock, key_id: object) -> None:
    _, claims, signature = issue(clock).split(".")
    header = encoded({"alg": "HS256", "typ": "JWT", "kid": key_id})
    refused(clock, f"{header}.{claims}.{signature}")


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "\0", "\ud800", "é", "x" * 10_000, "e30.e30.e30", "W10.W10.x"]
)
def test_what_is_no_token_is_refused(clock: MovableClock, token: str) -> None:
    refused(clock, token)


def test_a_refusal_does_not_repeat_the_token(clock: MovableClock) -> None:
    token = issue(clock, OTHER_KEY)
    with pytest.raises(InvalidToken) as refusal:
        AccessTokens([KEY], clock=clock).verify(token)
    assert refusal.value.__cause__ is None
    assert token not in str(refusal.value)


def test_the_first_key_signs_and_all_verify(clock: MovableClock) -> None:
    old = issue(clock, KEY)
    both = AccessTokens([OTHER_KEY, KEY], clock=clock)
    assert both.verify(old).user_id == USER
    new, _ = both.issue(USER, "USER", SESSION)
    assert AccessTokens([OTHER_KEY], clock=clock).verify(new).user_id == USER
    refused(clock, new, KEY)


def test_the_header_names_the_key(clock: MovableClock) -> None:
    assert parts(issue(clock, KEY))[0]["kid"] != parts(issue(clock, OTHER_KEY))[0]["kid"]
    assert len(parts(issue(clock))[0]["kid"]) == 8


@pytest.mark.parametrize("keys", [[], [""], [KEY, ""]])
def test_an_empty_key_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="secret key"):
        AccessTokens(keys)


def test_spaces_around_a_key_do_not_matter(clock: MovableClock) -> None:
    token = issue(clock, KEY)
    assert AccessTokens([OTHER_KEY, f" {KEY}\n"], clock=clock).verify(token).user_id == USER
