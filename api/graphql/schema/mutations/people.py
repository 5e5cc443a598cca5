"""Signing up, proving an address, sessions and passwords."""

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
from api.graphql.schema.types import Session, User
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


@strawberry.input
class SignUpInput:
    email: str
    password: str
    name: str
    role: Role = Role.USER
    admin_code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Needed for the role ADMIN, unless the server is configured to let anybody in"
        " (the demo is).",
    )
    opening_deposit: Decimal = strawberry.field(
        default=Decimal(0), description="What the account starts with."
    )


@strawberry.input
class VerifyEmailInput:
    email: str
    code: str = strawberry.field(description="From the e-mail.")


@strawberry.input
class SignInInput:
    email: str
    password: str


@strawberry.input
class ResetPasswordInput:
    email: str
    code: str
    new_password: str


@strawberry.type(
    description="The same whether or not the address was known before: nobody learns who has an"
    " account."
)
class SignUpPayload:
    email: str


@strawberry.type
class VerifyEmailPayload:
    user: User


@strawberry.type
class SignInPayload:
    session: Session


@strawberry.type
class RequestCodePayload:
    email: str


@strawberry.type
class ResetPasswordPayload:
    email: str


@strawberry.type
class SignOutPayload:
    ok: bool


SignUpResult = Annotated[SignUpPayload | ValidationProblem, strawberry.union("SignUpResult")]
VerifyEmailResult = Annotated[
    VerifyEmailPayload | AuthenticationProblem, strawberry.union("VerifyEmailResult")
]
SignInResult = Annotated[SignInPayload | AuthenticationProblem, strawberry.union("SignInResult")]
ResetPasswordResult = Annotated[
    ResetPasswordPayload | AuthenticationProblem | ValidationProblem,
    strawberry.union("ResetPasswordResult"),
]


@strawberry.type
class PeopleMutations:
    @strawberry.field
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpResult:
        context = info.context
        check = Check(context.currency.digits)
        form = SignUp(
            email=input.email.strip(),
            password=input.password,
            name=check.text("name", input.name, LONGEST_NAME),
            role=input.role.value,
            admin_code=given(input.admin_code),
            opening_deposit=check.amount("openingDeposit", input.opening_deposit),
        )
        try:
            await context.identity.sign_up(form, context.client, check.problems)
        except ValidationFailed as refusal:
            return invalid(refusal.fields)
        return SignUpPayload(email=form.email)

    @described("Opens the account with the opening deposit.")
    async def verify_email(self, info: Info, input: VerifyEmailInput) -> VerifyEmailResult:
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

    @strawberry.field
    async def request_verification_code(self, info: Info, email: str) -> RequestCodePayload:
        address = _address(email)
        await info.context.identity.request_verification_code(address, info.context.client)
        return RequestCodePayload(email=address)

    @strawberry.field
    async def sign_in(self, info: Info, input: SignInInput) -> SignInResult:
        context = info.context
        try:
            opened = await context.identity.sign_in(input.email, input.password, context.client)
        except InvalidCredentials as refusal:
            return AuthenticationProblem(code=ProblemCode.INVALID_CREDENTIALS, message=str(refusal))
        except EmailNotVerified as refusal:
            return AuthenticationProblem(code=ProblemCode.EMAIL_NOT_VERIFIED, message=str(refusal))
        return await _session(context, opened)

    @strawberry.field
    async def refresh_session(self, info: Info, refresh_token: str) -> SignInResult:
        context = info.context
        try:
            opened = await context.identity.refresh(refresh_token)
        except InvalidCredentials as refusal:
            return AuthenticationProblem(code=ProblemCode.INVALID_CREDENTIALS, message=str(refusal))
        return await _session(context, opened)

    @described("Revokes the session of this refresh token.")
    async def sign_out(self, info: Info, refresh_token: str) -> SignOutPayload:
        await info.context.identity.sign_out(refresh_token)
        return SignOutPayload(ok=True)

    @strawberry.field
    async def request_password_reset(self, info: Info, email: str) -> RequestCodePayload:
        address = _address(email)
        await info.context.identity.request_password_reset(address, info.context.client)
        return RequestCodePayload(email=address)

    @strawberry.field
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> ResetPasswordResult:
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
