"""People over HTTP: from signing up to a new password."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest

from infrastructure.identity.mailer import Courier
from infrastructure.identity.one_time_codes import MailCodes
from infrastructure.mail.transports import MailFolder
from tests.api.shop import KEY, Client, Shop
from tests.identity.people import code_in

PASSWORD = "violet tractor hymn"
PROBLEM = "__typename ... on Problem { code message }"
SIGN_UP = f"""mutation ($input: SignUpInput!) {{ signUp(input: $input) {{ {PROBLEM}
    ... on SignUpPayload {{ email }}
    ... on ValidationProblem {{ fields {{ path message }} }} }} }}"""
VERIFY = f"""mutation ($input: VerifyEmailInput!) {{ verifyEmail(input: $input) {{ {PROBLEM}
    ... on VerifyEmailPayload {{ user {{ id email name role emailVerified
        account {{ balance {{ amount }} transactions {{ nodes {{ reason }} }} }} }} }} }} }}"""
SESSION = """... on SignInPayload { session { accessToken accessTokenExpiresAt refreshToken
    user { email } } }"""
SIGN_IN = (
    f"""mutation ($input: SignInInput!) {{ signIn(input: $input) {{ {PROBLEM} {SESSION} }} }}"""
)
REFRESH = f"""mutation ($token: String!) {{ refreshSession(refreshToken: $token) {{
    {PROBLEM} {SESSION} }} }}"""
SIGN_OUT = "mutation ($token: String!) { signOut(refreshToken: $token) { ok } }"
REQUEST_CODE = "mutation ($email: String!) { requestVerificationCode(email: $email) { email } }"
REQUEST_RESET = "mutation ($email: String!) { requestPasswordReset(email: $email) { email } }"
RESET = f"""mutation ($input: ResetPasswordInput!) {{ resetPassword(input: $input) {{ {PROBLEM}
    ... on ResetPasswordPayload {{ email }}
    ... on ValidationProblem {{ fields {{ path message }} }} }} }}"""


class Post:
    """Delivers the shop's mails into a folder."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop = shop
        self._folder = folder
        self._courier = Courier(
            shop.api.services.pool,
            MailFolder(folder),
            MailCodes([KEY]),
            url=shop.url,
            mail_from="Shop <shop@shop.test>",
        )

    async def code(self, email: str) -> str:
        """The code in the newest mail to this address."""
        await self._shop.api.call(self._courier.deliver())
        mails = [_mail(file) for file in sorted(self._folder.glob("*.eml"))]
        return code_in([mail for mail in mails if mail["To"] == email][-1])


def _mail(file: Path) -> EmailMessage:
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


@pytest.fixture
def post(shop: Shop, tmp_path: Path) -> Post:
    return Post(shop, tmp_path)


@pytest.fixture
def email() -> str:
    return f"{uuid4()}@shop.test"


async def signed_up(shop: Shop, post: Post, email: str, **changes: object) -> Client:
    """A visitor who has signed up and verified the address."""
    visitor = shop.visitor()
    form = {"email": email, "password": PASSWORD, "name": "Ada", **changes}
    assert await visitor.ask(SIGN_UP, input=form) == {"__typename": "SignUpPayload", "email": email}
    await visitor.ask(VERIFY, input={"email": email, "code": await post.code(email)})
    return visitor


async def test_from_signing_up_to_the_first_look_into_the_account(
    shop: Shop, post: Post, email: str
) -> None:
    visitor = shop.visitor()
    form = {"email": email, "password": PASSWORD, "name": " Ada ", "openingDeposit": "12.5"}
    await visitor.ask(SIGN_UP, input=form)
    problem = await visitor.ask(SIGN_IN, input={"email": email, "password": PASSWORD})
    assert (problem["__typename"], problem["code"]) == (
        "AuthenticationProblem",
        "EMAIL_NOT_VERIFIED",
    )
    verified = await visitor.ask(VERIFY, input={"email": email, "code": await post.code(email)})
    user = verified["user"]
    assert (user["email"], user["name"], user["role"], user["emailVerified"]) == (
        email,
        "Ada",
        "USER",
        True,
    )
    assert user["account"] == {
        "balance": {"amount": "12.50"},
        "transactions": {"nodes": [{"reason": "OPENING_DEPOSIT"}]},
    }
    payload = await visitor.ask(SIGN_IN, input={"email": email, "password": PASSWORD})
    session = payload["session"]
    assert session["user"] == {"email": email}
    assert datetime.fromisoformat(session["accessTokenExpiresAt"]) > datetime.now(UTC)
    ada = Client(shop.api.address, session["accessToken"])
    assert await ada.ask("{ viewer { email } }") == {"email": email}


async def test_all_that_is_wrong_with_a_sign_up_is_told_at_once(shop: Shop) -> None:
    wrong = {
        "email": "ada",
        "password": "short",
        "name": "\0",
        "openingDeposit": "-1",
        "role": "ADMIN",
    }
    problem = await shop.visitor().ask(SIGN_UP, input=wrong)
    assert problem["__typename"] == "ValidationProblem"
    paths = {field["path"] for field in problem["fields"]}
    assert paths == {"email", "password", "name", "openingDeposit", "adminCode"}


async def test_a_wrong_code_opens_nothing(shop: Shop, post: Post, email: str) -> None:
    form = {"email": email, "password": PASSWORD, "name": "Ada"}
    await shop.visitor().ask(SIGN_UP, input=form)
    code = await post.code(email)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    problem = await shop.visitor().ask(VERIFY, input={"email": email, "code": wrong})
    assert (problem["__typename"], problem["code"]) == ("AuthenticationProblem", "INVALID_CODE")


async def test_a_code_can_be_asked_for_again(shop: Shop, post: Post, email: str) -> None:
    form = {"email": email, "password": PASSWORD, "name": "Ada"}
    await shop.visitor().ask(SIGN_UP, input=form)
    first = await post.code(email)
    assert await shop.visitor().ask(REQUEST_CODE, email=email) == {"email": email}
    second = await post.code(email)
    answer = await shop.visitor().ask(VERIFY, input={"email": email, "code": second})
    assert "user" in answer, first
    nobody = f"nobody-{email}"
    assert await shop.visitor().ask(REQUEST_CODE, email=nobody) == {"email": nobody}


async def test_what_is_no_address_is_bad_input(shop: Shop) -> None:
    for document in (REQUEST_CODE, REQUEST_RESET):
        assert await shop.visitor().code(document, email="nonsense") == "BAD_USER_INPUT"


async def test_a_wrong_password_and_an_unknown_address_are_told_alike(
    shop: Shop, post: Post, email: str
) -> None:
    visitor = await signed_up(shop, post, email)
    wrong = await visitor.ask(SIGN_IN, input={"email": email, "password": "wrong password"})
    unknown = {"email": f"nobody-{email}", "password": "wrong password"}
    assert await visitor.ask(SIGN_IN, input=unknown) == wrong
    assert wrong["code"] == "INVALID_CREDENTIALS"


async def test_too_many_wrong_passwords_are_limited(shop: Shop, email: str) -> None:
    sent = {"email": email, "password": "wrong password"}
    for _ in range(10):
        assert (await shop.visitor().ask(SIGN_IN, input=sent))["code"] == "INVALID_CREDENTIALS"
    [error] = (await shop.visitor().send(SIGN_IN, input=sent))["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["extensions"]["retryAfter"] > 600


async def test_a_session_goes_on_until_a_token_is_used_twice(
    shop: Shop, post: Post, email: str
) -> None:
    visitor = await signed_up(shop, post, email)
    sent = {"email": email, "password": PASSWORD}
    first = (await visitor.ask(SIGN_IN, input=sent))["session"]
    second = (await visitor.ask(REFRESH, token=first["refreshToken"]))["session"]
    again = (await visitor.ask(REFRESH, token=first["refreshToken"]))["session"]
    assert again["refreshToken"] == second["refreshToken"]
    third = (await visitor.ask(REFRESH, token=second["refreshToken"]))["session"]
    ada = Client(shop.api.address, third["accessToken"])
    assert await ada.ask("{ viewer { email } }") == {"email": email}
    problem = await visitor.ask(REFRESH, token=first["refreshToken"])
    assert problem["code"] == "INVALID_CREDENTIALS"
    assert (await visitor.ask(REFRESH, token=third["refreshToken"]))["code"] == problem["code"]
    assert await ada.code("{ viewer { email } }") == "UNAUTHENTICATED"


async def test_who_signs_out_is_out_at_once(shop: Shop, post: Post, email: str) -> None:
    visitor = await signed_up(shop, post, email)
    sent = {"email": email, "password": PASSWORD}
    session = (await visitor.ask(SIGN_IN, input=sent))["session"]
    ada = Client(shop.api.address, session["accessToken"])
    async with ada.socket() as socket:
        assert await ada.ask(SIGN_OUT, token=session["refreshToken"]) == {"ok": True}
        await socket.wait_closed()
        assert socket.close_code == 4403
    assert await ada.code("{ viewer { email } }") == "UNAUTHENTICATED"
    assert await visitor.ask(SIGN_OUT, token="unknown") == {"ok": True}


async def test_a_new_password_ends_all_sessions(shop: Shop, post: Post, email: str) -> None:
    visitor = await signed_up(shop, post, email)
    sent = {"email": email, "password": PASSWORD}
    session = (await visitor.ask(SIGN_IN, input=sent))["session"]
    ada = Client(shop.api.address, session["accessToken"])
    assert await visitor.ask(REQUEST_RESET, email=email) == {"email": email}
    reset = {"email": email, "code": await post.code(email), "newPassword": "short"}
    problem = await visitor.ask(RESET, input=reset)
    assert [field["path"] for field in problem["fields"]] == ["newPassword"]
    done = await visitor.ask(RESET, input={**reset, "newPassword": "copper lagoon waltz"})
    assert done == {"__typename": "ResetPasswordPayload", "email": email}
    assert await ada.code("{ viewer { email } }") == "UNAUTHENTICATED"
    assert (await visitor.ask(SIGN_IN, input=sent))["code"] == "INVALID_CREDENTIALS"
    assert "session" in await visitor.ask(
        SIGN_IN, input={**sent, "password": "copper lagoon waltz"}
    )
    problem = await visitor.ask(RESET, input={**reset, "newPassword": "marble cactus opera"})
    assert problem["code"] == "INVALID_CODE"
