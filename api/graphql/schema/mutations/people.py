"""Signing up, proving an address, sessions and passwords."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from api.graphql.context import Context, Info
from api.graphql.errors import BadUserInput
from api.graphql.schema.enums import Role
from api.graphql.schema.fields import described
from api.graphql.schema.problems import AuthenticationProblem, ProblemCode, ValidationProblem
from api.graphql.schema.results import found, invalid
from api.graphql.schema.scalars import given
from api.graphql.schema.types import User
from api.validation import LONGEST_NAME, Check
from infrastructure.identity.errors import (
    EmailNotVerified,
    InvalidCode,
    InvalidCredentials,
    ValidationFailed,
)
from infrastructure.identity.sessions import Session as OpenedSession
from infrastructure.identity.sign_up import SignUp
from infrastructure.identity.users import parse_address


@strawberry.input(description="Who signs up, and with what.")
class SignUpInput:
    email: str = strawberry.field(description="The address that the code is mailed to.")
    password: str = strawberry.field(
        description="The password to sign in with. One that is easily guessed is refused."
    )
    name: str = strawberry.field(
        description="What the user wants to be called: at most 100 characters on one line."
    )
    role: Role = strawberry.field(
        default=Role.USER, description="What the user is to be allowed to do."
    )
    admin_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Needed for the role ADMIN, unless the server is configured to let anybody in"
        " (the demo is).",
    )
    opening_deposit: Decimal = strawberry.field(
        default=Decimal(0), description="What the account starts with."
    )


@strawberry.input(description="The proof that an address is one's own.")
class VerifyEmailInput:
    email: str = strawberry.field(description="The address that was signed up with.")
    code: str = strawberry.field(
        description="From the e-mail: six digits, however they are written or pasted."
    )


@strawberry.input(description="What somebody signs in with.")
class SignInInput:
    email: str = strawberry.field(description="The user's address, in any case.")
    password: str = strawberry.field(description="The user's password.")


@strawberry.input(description="Another password, for who has a code for it.")
class ResetPasswordInput:
    email: str = strawberry.field(description="The user's address, in any case.")
    code: str = strawberry.field(
        description="From the e-mail: six digits, however they are written or pasted."
    )
    new_password: str = strawberry.field(
        description="The password from now on. One that is easily guessed is refused."
    )


@strawberry.type(description="What a client proves itself with after somebody has signed in.")
class Session:
    access_token: str = strawberry.field(
        description="JWT, sent as `Authorization: Bearer …`, and as `authorization` in a"
        " websocket's connection_init payload."
    )
    access_token_expires_at: datetime = strawberry.field(
        description="When the access token ends; refresh the session before that."
    )
    refresh_token: str = strawberry.field(
        description="Opaque, single use: refreshing answers with the next one; using an old one"
        " again revokes the whole session."
    )
    user: User = strawberry.field(description="Who is signed in.")


@strawberry.type(
    description="The same whether or not the address was known before: nobody learns who has an"
    " account."
)
class SignUpPayload:
    email: str = strawberry.field(description="The address that was given.")


@strawberry.type(description="The address is verified, and the account open.")
class VerifyEmailPayload:
    user: User = strawberry.field(description="Whose address it is.")


@strawberry.type(description="Somebody is signed in, or goes on being so.")
class SignInPayload:
    session: Session = strawberry.field(description="The tokens to use from now on.")


@strawberry.type(
    description="A code is mailed if the address needs one: whether it does nobody is told."
)
class RequestCodePayload:
    email: str = strawberry.field(description="The address that was given.")


@strawberry.type(description="The new password is good, and all sessions have ended.")
class ResetPasswordPayload:
    email: str = strawberry.field(description="The address that was given.")


@strawberry.type(description="The session has ended, if there was one.")
class SignOutPayload:
    ok: bool = strawberry.field(description="True.")


SignUpResult = Annotated[
    SignUpPayload | ValidationProblem,
    strawberry.union("SignUpResult", description="A code was mailed, or what is wrong."),
]
VerifyEmailResult = Annotated[
    VerifyEmailPayload | AuthenticationProblem,
    strawberry.union("VerifyEmailResult", description="The user, or why the code proves nothing."),
]
SignInResult = Annotated[
    SignInPayload | AuthenticationProblem,
    strawberry.union("SignInResult", description="A session, or why there is none."),
]
ResetPasswordResult = Annotated[
    ResetPasswordPayload | AuthenticationProblem | ValidationProblem,
    strawberry.union("ResetPasswordResult", description="The password is set, or why it is not."),
]
Email = Annotated[str, strawberry.argument(description="The user's address, in any case.")]
RefreshToken = Annotated[
    str,
    strawberry.argument(description="The session's refresh token, as it was answered last."),
]


@strawberry.type
class PeopleMutations:
    @described(
        "Notes who wants to be a user, and mails a code to the address; answers the same for an"
        " address that is known already."
    )
    async def sign_up(
        self,
        info: Info,
        input: Annotated[SignUpInput, strawberry.argument(description="Who signs up.")],
    ) -> SignUpResult:
        context = info.context
        check = Check(context.currency.digits)
        form = SignUp(
            email=input.email.strip(),
            password=input.password,
            name=check.text("name", input.name, LONGEST_NAME),
            role="ADMIN" if input.role is Role.ADMIN else "USER",
            admin_code=given(input.admin_code),
            opening_deposit=check.amount("openingDeposit", input.opening_deposit),
        )
        try:
            await context.identity.sign_up(form, context.client, check.problems)
        except ValidationFailed as refusal:
            return invalid(refusal.fields)
        return SignUpPayload(email=form.email)

    @described("Takes the mailed code for the address, and opens the account with its deposit.")
    async def verify_email(
        self,
        info: Info,
        input: Annotated[
            VerifyEmailInput, strawberry.argument(description="The address and its code.")
        ],
    ) -> VerifyEmailResult:
        context = info.context
        try:
            verified = await context.identity.verify_email(
                input.email,
                input.code,
                context.client,
                context.call.correlation_id,
                context.call.id,
            )
        except InvalidCode as refusal:
            return AuthenticationProblem(code=ProblemCode.INVALID_CODE, message=str(refusal))
        await context.follower.wait_for(verified.position)
        context.refresh()
        return VerifyEmailPayload(user=User.of(verified.user))

    @described("Mails another code to who has signed up and not shown the address to be theirs.")
    async def request_verification_code(self, info: Info, email: Email) -> RequestCodePayload:
        address = _address(email)
        await info.context.identity.request_verification_code(address, info.context.client)
        return RequestCodePayload(email=address)

    @described("Opens a session for who knows the password.")
    async def sign_in(
        self,
        info: Info,
        input: Annotated[SignInInput, strawberry.argument(description="Address and password.")],
    ) -> SignInResult:
        context = info.context
        try:
            opened = await context.identity.sign_in(input.email, input.password, context.client)
        except InvalidCredentials as refusal:
            return AuthenticationProblem(code=ProblemCode.INVALID_CREDENTIALS, message=str(refusal))
        except EmailNotVerified as refusal:
            return AuthenticationProblem(code=ProblemCode.EMAIL_NOT_VERIFIED, message=str(refusal))
        return await _session(context, opened)

    @described("The session's next tokens, for its refresh token, which is spent by this.")
    async def refresh_session(self, info: Info, refresh_token: RefreshToken) -> SignInResult:
        context = info.context
        try:
            opened = await context.identity.refresh(refresh_token)
        except InvalidCredentials as refusal:
            return AuthenticationProblem(code=ProblemCode.INVALID_CREDENTIALS, message=str(refusal))
        return await _session(context, opened)

    @described("Revokes the session of this refresh token.")
    async def sign_out(self, info: Info, refresh_token: RefreshToken) -> SignOutPayload:
        await info.context.identity.sign_out(refresh_token)
        return SignOutPayload(ok=True)

    @described("Mails a code that another password can be set with.")
    async def request_password_reset(self, info: Info, email: Email) -> RequestCodePayload:
        address = _address(email)
        await info.context.identity.request_password_reset(address, info.context.client)
        return RequestCodePayload(email=address)

    @described("Sets another password for who has the mailed code, and ends all sessions.")
    async def reset_password(
        self,
        info: Info,
        input: Annotated[
            ResetPasswordInput, strawberry.argument(description="The code and the new password.")
        ],
    ) -> ResetPasswordResult:
        context = info.context
        try:
            await context.identity.reset_password(
                input.email, input.code, input.new_password, context.client
            )
        except InvalidCode as refusal:
            return AuthenticationProblem(code=ProblemCode.INVALID_CODE, message=str(refusal))
        except ValidationFailed as refusal:
            return invalid(refusal.fields)
        return ResetPasswordPayload(email=input.email.strip())


def _address(text: str) -> str:
    """Whether there is somebody at the address is told to nobody; that it is none, to everybody."""
    try:
        return parse_address(text).shown
    except ValueError as error:
        raise BadUserInput(f"`email`: {error}") from None


async def _session(context: Context, opened: OpenedSession) -> SignInPayload:
    user = found(await context.loaders.users.load(opened.user_id))
    return SignInPayload(
        session=Session(
            access_token=opened.access_token,
            access_token_expires_at=opened.access_token_expires_at,
            refresh_token=opened.refresh_token,
            user=User.of(user),
        )
    )
